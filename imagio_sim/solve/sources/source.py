# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a modality is to the solution of a stage: a source of heat (or cold) with a mind of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from imagio_sim.solve.discretisation import Discretisation, EdgeOperators, Floats
from imagio_sim.solve.heat import Exchange
from imagio_sim.solve.materials import Materials

if TYPE_CHECKING:
    from imagio_sim.solve.case import ThermalCase

Setting: TypeAlias = tuple[str, float]
"""What is held during a step: its kind and its value."""

OFF: Setting = ("off", 0.0)

SAME_TIME = 1e-9
"""Two times [s] closer than this are the same."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a source acts in: this rank's part of the mesh with its operators and tissue, and the whole case."""

    space: Discretisation
    operators: EdgeOperators
    materials: Materials
    case: ThermalCase


@dataclass(frozen=True, eq=False)
class Deposit:
    """Heat given to the tissue during a step.

    Attributes
    ----------
    heat
        Per cell (cell_count,) [W/m3].
    far_power
        What the device deposits beyond the region [W].
    feedback
        By how much the heat falls per kelvin (cell_count,) [W/(m3 K)] about the temperature it was computed at; None
        where it does not depend on it.
    feedback_where_boiling
        Whether the feedback counts only for nodes that are losing their water.
    """

    heat: Floats
    far_power: float = 0.0
    feedback: Floats | None = None
    feedback_where_boiling: bool = True


class HeatSource(ABC):
    """One modality in one stage; several may act together, under different names.

    For a step the stage asks for :meth:`deposit` and :meth:`exchanges` (tentatively, perhaps several times), shows the
    result to :meth:`observe`, and in the end calls :meth:`accept`. All calls are made by all ranks alike. Times are
    seconds of the stage, temperatures [degC] are nodal (count,).

    Attributes
    ----------
    name
        What its heat is booked under.
    withheld
        Energy [J] that it was set to deliver and that the tissue has not taken yet.
    """

    name: str
    withheld: float = 0.0

    def settings(self, time: float) -> tuple[Setting, ...]:
        """What it holds in a step that begins at ``time``, always as many; after a jump short steps begin anew."""
        return ()

    def next_event(self, time: float) -> float:
        """When next something is switched, which a step beginning at ``time`` must not pass; infinite: never."""
        return inf

    @property
    def longest_step(self) -> float:
        """How long [s] its deposit may be held from now on."""
        return inf

    @abstractmethod
    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """Heat of a step from ``time`` at the temperature expected in its middle."""

    def exchanges(self, time: float, duration: float) -> Mapping[str, Exchange]:
        """What it holds at another temperature during a step, by the name its heat is booked under."""
        return {}

    def observe(self, time: float, temperature: Floats) -> float | None:
        """Judge the tentative step that ended at ``time``: a shorter duration [s] to try, or None.

        It may change the state, which is restored when any source wants a shorter step.
        """
        return None

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """The step is taken, from temperature ``start`` to ``end``; the tissue took ``taken`` [W] of the deposit."""
        return

    def row(self) -> dict[str, float]:
        """What the last accepted step was, for the table over time; units in the names."""
        return {}

    def fields(self) -> dict[str, Floats]:
        """Nodal fields (count,) for people to look at, units in their names."""
        return {}

    def cell_fields(self) -> dict[str, Floats]:
        """Cell fields (cell_count,) for people to look at."""
        return {}

    def levels(self) -> dict[str, Floats]:
        """Level functions (count,) of what it kills by other than temperature, positive where dead, by death model."""
        return {}

    def survivals(self) -> dict[str, Floats]:
        """Share of cells (count,) that survive the same, by death model."""
        return {}

    def carried(self) -> dict[str, Floats]:
        """Densities >= 0 (count,) [X/m3] that the source of the same name in a following stage begins with."""
        return {}

    def carried_numbers(self) -> dict[str, float]:
        """Numbers that it begins with, the same on every rank: what is in the plasma, what has been cleared."""
        return {}

    def take_carried(self, fields: Mapping[str, Floats], numbers: Mapping[str, float]) -> None:
        """Go on from what the source of the same name in the stage before gave; empty in its first stage."""
        return

    def checkpoint_fields(self) -> dict[str, Floats]:
        """Nodal fields (..., count) that a checkpoint needs; their set may vary."""
        return {}

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Go on from what :meth:`checkpoint_fields` gave."""
        return

    def state(self) -> dict[str, Any]:
        """Everything else a checkpoint needs, as plain data that is the same on every rank."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        return

    def statistics(self) -> dict[str, int]:
        """Counts of solves and iterations."""
        return {}

    def facts(self) -> dict[str, Any]:
        """What the result says of it at the end, as plain data with units in the names."""
        return {}

    def warnings(self) -> list[str]:
        """What a planner has to know at the end."""
        return []


class SourceSpec(Protocol):
    """A source reduced to numbers, as rank 0 makes it and all ranks read it: a frozen dataclass."""

    def source(self, surroundings: Surroundings) -> HeatSource:
        """The source on this rank's part of the mesh (collective)."""
