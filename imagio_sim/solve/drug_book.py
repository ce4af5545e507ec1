# SPDX-License-Identifier: LGPL-3.0-or-later
"""The books of a drug: what was given, what plasma has seen, and what had to be corrected."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class DrugBook:
    """Since the drug was given: amounts [mol], largest concentration [mol/m3] in plasma and when [s], its area.

    ``elsewhere`` was deposited where this organ's tissue is not; the ``corrected`` amounts, without their signs, are
    what had to be added or taken so that the balance closed.
    """

    loaded: float = 0.0
    elsewhere: float = 0.0
    corrected_in_exchange: float = 0.0
    corrected_in_transport: float = 0.0
    corrected_at_hand_over: float = 0.0
    peak: float = 0.0
    peak_time: float = 0.0
    area: float = 0.0
    elapsed: float = 0.0
    largest_error: float = 0.0

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """What it holds."""
        return tuple(one.name for one in fields(cls))

    def saw_plasma(self, mean: float, end: float, duration: float) -> None:
        """Go on by ``duration`` [s] with a mean concentration and one at its end [mol/m3]."""
        self.elapsed += duration
        self.area += mean * duration
        if end > self.peak:
            self.peak, self.peak_time = end, self.elapsed

    def error_of(self, amounts: dict[str, float]) -> float:
        """Relative difference between what is anywhere and what was given."""
        return sum(amounts.values()) / self.loaded - 1.0 if self.loaded > 0.0 else 0.0

    @property
    def corrected_shares(self) -> dict[str, float]:
        """What had to be added or taken so that the balance closed, as shares of what was given."""
        given = max(self.loaded, 1e-300)
        return {
            "exchange": self.corrected_in_exchange / given,
            "transport": self.corrected_in_transport / given,
            "hand_over": self.corrected_at_hand_over / given,
        }
