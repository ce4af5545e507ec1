# SPDX-License-Identifier: LGPL-3.0-or-later
"""Unknowns of lower dimension that exchange heat with the tissue: a pool of blood, a vessel along its centre line.

The other side is held over a step and then advances with the heat it was given, with an error that ``longest_step``
bounds; or its exchange follows the tissue within the step (``Exchange.follow``). What one loses the other gains,
exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.heat import Exchange


class Coupling(Protocol):
    """The other side of an exchange of heat; every rank holds one and all advance alike."""

    @property
    def name(self) -> str:
        """What the heat it takes is booked under, unlike that of any other exchange."""

    @property
    def longest_step(self) -> float:
        """How long [s] its temperature may be held from now on; infinite where it hardly changes."""

    def exchange(self, temperature: Floats) -> Exchange:
        """What it takes of each node during the next step, at tissue temperatures (count,) [degC]."""

    def advance(self, heat: Floats, duration: float) -> None:
        """Take up the heat (count,) [J] of the nodes of this rank in an accepted step of ``duration`` [s]."""

    def facts(self) -> Mapping[str, Any]:
        """What a result says of it, as plain data."""

    def state(self) -> Mapping[str, Any]:
        """Everything a checkpoint needs, as plain data that is the same on every rank."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""


class CouplingSpec(Protocol):
    """A coupling reduced to numbers, as rank 0 makes it and all ranks read it: a frozen dataclass."""

    def coupling(self, operators: EdgeOperators) -> Coupling:
        """The coupling on this rank's part of the mesh (collective)."""
