# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which of several results is better: a rule that is stated, and can be changed.

A rule is a list of criteria. Results are ordered by the first, those that are equal in it by the second, and so on.
A criterion with a tolerance takes results for equal that differ by less than what the figure is worth; one with a
limit takes everything beyond the limit for equally good.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from imagio_sim.errors import InputError
from imagio_sim.outcome.comparison import QUANTITIES, Quantity
from imagio_sim.outcome.result import Result

Direction = Literal["most", "least"]


def _constraints_that(status: str) -> Callable[[Result], float | None]:
    def count(result: Result) -> float | None:
        return float(sum(one["status"] == status for one in result.get("constraints", [])))

    return count


DIRECTIONS: Final[Mapping[str, Direction]] = {
    "failed_constraints": "least",
    "warned_constraints": "least",
    "target_coverage": "most",
    "minimal_ablative_margin": "most",
    "margin_fraction_ge_5": "most",
    "collateral_volume": "least",
    "ablation_zone_volume": "most",
    "treatment_time": "least",
    "energy": "least",
}
"""Whether more or less of a figure is better."""
RANKED: Final[Mapping[str, Quantity]] = {
    one.key: one
    for one in (
        Quantity("failed_constraints", "failed constraints", "", 0, _constraints_that("fail")),
        Quantity("warned_constraints", "constraints with a warning", "", 0, _constraints_that("warn")),
        *QUANTITIES,
    )
    if one.key in DIRECTIONS
}
"""What results can be ordered by."""

DEFAULT_RULE: Final = (
    "failed_constraints,warned_constraints,target_coverage:0.1,minimal_ablative_margin:0.5:10,"
    "collateral_volume:0.5,treatment_time"
)
"""Constraints first, since the planner has set them; a margin beyond 10 mm is no better than 10 mm."""


@dataclass(frozen=True)
class Criterion:
    """One figure to order by.

    Attributes
    ----------
    quantity
        What is read, in its own unit.
    direction
        Whether most or least of it is best.
    tolerance
        Figures are rounded to multiples of it; 0 leaves them as they are.
    enough
        The figure beyond which more (or less) is no better; None for no limit.
    """

    quantity: Quantity
    direction: Direction
    tolerance: float = 0.0
    enough: float | None = None

    def key(self, result: Result) -> float:
        """A number that is smaller for better results; what was not recorded is the worst."""
        value = self.quantity.read(result)
        if value is None:
            return math.inf
        worth = value if self.direction == "least" else -value
        if self.enough is not None:
            worth = max(worth, self.enough if self.direction == "least" else -self.enough)
        return round(worth / self.tolerance) * self.tolerance if self.tolerance > 0.0 else worth

    @property
    def text(self) -> str:
        """In words."""
        unit = f" {self.quantity.unit}" if self.quantity.unit else ""
        said = f"{'largest' if self.direction == 'most' else 'smallest'} {self.quantity.title}"
        if self.quantity.key in ("failed_constraints", "warned_constraints"):
            said = f"fewest {self.quantity.title}"
        if self.enough is not None:
            said += f" (counted {'up' if self.direction == 'most' else 'down'} to {self.enough:g}{unit})"
        return said + (f" (rounded to {self.tolerance:g}{unit})" if self.tolerance > 0.0 else "")


@dataclass(frozen=True)
class Rule:
    """Criteria, the most important first."""

    criteria: tuple[Criterion, ...]

    @property
    def text(self) -> str:
        """The rule as a sentence."""
        return ", then ".join(one.text for one in self.criteria)

    def order(self, results: Sequence[Result]) -> list[int]:
        """Indices of the results from best to worst; equal ones keep their order."""
        return sorted(range(len(results)), key=lambda index: self._key(results[index]))

    def ranks(self, results: Sequence[Result]) -> list[int]:
        """Rank of every result from 1; equal ones share theirs."""
        keys = [self._key(result) for result in results]
        return [1 + sum(other < key for other in keys) for key in keys]

    def _key(self, result: Result) -> tuple[float, ...]:
        return tuple(one.key(result) for one in self.criteria)


def parse_rule(text: str, where: str = "--rank") -> Rule:
    """Read ``NAME[:TOLERANCE[:ENOUGH]],...``; figures are in the units of the table."""
    return Rule(tuple(_criterion(part.strip(), where) for part in text.split(",")))


def _criterion(text: str, where: str) -> Criterion:
    name, *numbers = text.split(":")
    if name not in RANKED:
        close = difflib.get_close_matches(name, list(RANKED), n=1, cutoff=0.5)
        raise InputError(
            where,
            found=repr(name),
            allowed=f"one of {', '.join(RANKED)}",
            remedy=f"did you mean {close[0]!r}?" if close else "choose one of them",
        )
    try:
        tolerance, *enough = [float(number) for number in numbers] or [0.0]
    except ValueError:
        tolerance, enough = -1.0, []
    if not (math.isfinite(tolerance) and tolerance >= 0.0) or len(enough) > 1:
        raise InputError(
            where,
            found=repr(text),
            allowed="NAME, NAME:TOLERANCE or NAME:TOLERANCE:ENOUGH with plain numbers",
            remedy="for example minimal_ablative_margin:0.5:10",
        )
    return Criterion(RANKED[name], DIRECTIONS[name], tolerance, enough[0] if enough else None)
