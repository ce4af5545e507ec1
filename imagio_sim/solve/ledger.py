# SPDX-License-Identifier: LGPL-3.0-or-later
"""The books of a run: where the heat came from and where it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imagio_sim.solve.heat import HeatStep

LEAST_ENERGY = 1.0
"""Energy [J] below which nothing is exchanged but what the tolerance of the solver leaves."""


@dataclass
class Ledger:
    """Heat [J]: deposited in the region by name, stored, lost by name; and what the far field took up."""

    deposited: dict[str, float] = field(default_factory=dict)
    stored: float = 0.0
    lost: dict[str, float] = field(default_factory=dict)
    far_field: float = 0.0

    def add(self, step: HeatStep, duration: float, powers: Mapping[str, float], far_power: float) -> None:
        """Book one accepted step with the powers [W] deposited in it by name."""
        _book(self.deposited, {name: duration * power for name, power in powers.items()})
        _book(self.lost, step.lost)
        self.far_field += duration * far_power
        self.stored += step.stored

    @property
    def source(self) -> float:
        """All heat deposited in the region [J]."""
        return sum(self.deposited.values())

    @property
    def balance_error(self) -> float:
        """|source - stored - lost| relative to the largest of the three, or to :data:`LEAST_ENERGY`."""
        lost = sum(self.lost.values())
        largest = max(abs(self.source), abs(self.stored), abs(lost), LEAST_ENERGY)
        return abs(self.source - self.stored - lost) / largest


def _book(account: dict[str, float], entries: Mapping[str, float]) -> None:
    for name, energy in entries.items():
        account[name] = account.get(name, 0.0) + energy
