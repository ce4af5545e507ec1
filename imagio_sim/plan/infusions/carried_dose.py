# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether what carries a drug into an artery carries this one, and so much of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from imagio_sim.plan.model import Fault, fault


class Carrier(Protocol):
    """Beads, or an oil, of the pharmacy."""

    @property
    def name(self) -> str:
        """Its name there."""

    @property
    def drugs(self) -> Mapping[str, Any]:
        """What is known of it with each drug."""

    def largest_dose_mg(self, drug: str, volume_ml: float, /) -> float:
        """Largest dose [mg] that a volume [ml] holds."""


def carried_dose_faults(
    carrier: Carrier, *, drug: str, drug_mass: float, volume: float, limit: str, remedies: tuple[str, str]
) -> Iterator[Fault]:
    """Faults of a dose [mg] in a volume [ml] of a carrier.

    Parameters
    ----------
    limit
        What the largest dose is, in words.
    remedies
        For a drug that it does not carry, and for too much of one.
    """
    if drug not in carrier.drugs:
        yield fault(
            "drug",
            found=f"{drug} in {carrier.name}",
            allowed=f"one of {', '.join(carrier.drugs) or 'no drug: these particles bind none'}",
            remedy=remedies[0],
        )
        return
    most = carrier.largest_dose_mg(drug, volume)
    if drug_mass > most:
        yield fault(
            "drug_mass",
            found=f"{drug_mass:g} mg in {volume:g} ml of {carrier.name}",
            allowed=f"at most {most:g} mg, {limit}",
            remedy=remedies[1],
        )
