# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissue behind closed arterioles: a closed function of the time since they were closed, so it needs no memory.

Closing is near all or nothing where it happens: a share of the arterioles of a cell is closed, and what they feed keeps
only its portal blood; what the others feed loses nothing. So a cell's survival is 1 - c (1 - S), with c its closed
share and S the survival of tissue without arterial blood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import Deposit, HeatSource, Surroundings
from imagio_sim.tissue.death.ischaemia import IschaemiaDeathModel, ischaemia_death_models, ischaemia_level

NAME = "ischaemia"


@dataclass(frozen=True, eq=False)
class ClosedTissue:
    """Tissue of one kind that lost its arteries at one time.

    Attributes
    ----------
    tissue
        Its name.
    elapsed
        Time [s] from the closure to the begin of the stage.
    lasting
        Time [s] after which its arteries are open again; what has not died by then lives.
    supply
        Share of the normal blood flow that is left to it.
    share
        Share of each cell (m,) that is such tissue.
    """

    tissue: str
    elapsed: float
    lasting: float
    supply: float
    share: Floats


@dataclass(frozen=True, eq=False)
class IschaemiaSpec:
    """Everything that was embolised up to a stage, and what it has left of the perfusion of each cell (m,)."""

    closed: tuple[ClosedTissue, ...]
    perfusion_factor: Floats

    def source(self, surroundings: Surroundings) -> IschaemiaSource:
        """The source on this rank's part of the mesh."""
        return IschaemiaSource(self, surroundings)


PARTS: tuple[type, ...] = (ClosedTissue, IschaemiaSpec)


class IschaemiaSource(HeatSource):
    """Ischaemia in a stage; it gives no heat."""

    name = NAME

    def __init__(self, spec: IschaemiaSpec, surroundings: Surroundings) -> None:
        self.spec, self._space = spec, surroundings.space
        operators, own = surroundings.operators, surroundings.space.input_cell
        self._volume = operators.distributed(np.ones(self._space.cell_count))
        self._share = [operators.distributed(part.share[own]) / self._volume for part in spec.closed]
        self._perfusion_factor = operators.distributed(spec.perfusion_factor[own]) / self._volume
        self._models = ischaemia_death_models(surroundings.case.death_parameters)
        deciding = [model for model in self._models if model.name in surroundings.case.deciding_models]
        self._deciding = deciding[0] if deciding else self._models[0]
        self._nothing = np.zeros(self._space.cell_count)
        self.time = 0.0

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """None."""
        return Deposit(self._nothing)

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Time goes on."""
        self.time += duration

    def survival(self, model: IschaemiaDeathModel, time: float) -> Floats:
        """Surviving share (count,) since the first closure at a time [s] of the stage."""
        dead = np.zeros(self._space.count)
        for part, share in zip(self.spec.closed, self._share, strict=True):
            dead += share * (1.0 - model.survival(part.supply, min(part.elapsed + time, part.lasting)))
        return np.asarray(np.clip(1.0 - dead, 0.0, 1.0))

    def levels(self) -> dict[str, Floats]:
        """Of every model of ischaemic death."""
        return {model.name: ischaemia_level(model, self.survival(model, self.time)) for model in self._models}

    def survivals(self) -> dict[str, Floats]:
        """By the deciding model, since the stage began."""
        before, now = (self.survival(self._deciding, time) for time in (0.0, self.time))
        return {self._deciding.name: np.where(before > 0.0, now / np.where(before > 0.0, before, 1.0), 0.0)}

    def fields(self) -> dict[str, Floats]:
        """What closed arterioles have left of the perfusion, and what survives of the cells."""
        return {
            "perfusion_factor": self._perfusion_factor,
            "ischaemia_survival": self.survival(self._deciding, self.time),
        }

    def state(self) -> dict[str, Any]:
        """The time of the stage."""
        return {"time": self.time}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.time = float(state["time"])

    def facts(self) -> dict[str, Any]:
        """Volume behind closed arterioles by tissue, and the volume of cells that has died of it by every model."""
        parts = zip(self.spec.closed, self._share, strict=True)
        return {
            "closed": [
                {
                    "tissue": part.tissue,
                    "volume_ml": self._millilitres(share),
                    "supply_left": part.supply,
                    "since_s": part.elapsed + self.time,
                    "open_again_after_s": part.lasting,
                }
                for part, share in parts
            ],
            "dead_cells_ml": {
                model.name: self._millilitres(1.0 - self.survival(model, self.time)) for model in self._models
            },
            "deciding_model": self._deciding.name,
            "certainty": "low: no kinetics of ischaemic death in human tumours were found",
        }

    def _millilitres(self, share: Floats) -> float:
        """Integral over the region of a share (count,)."""
        return self._space.node_sum(share * self._volume) * 1e6

    def warnings(self) -> list[str]:
        """How far the models disagree."""
        dead = self.facts()["dead_cells_ml"]
        if max(dead.values()) <= 0.0:
            return []
        least, most, decided = min(dead.values()), max(dead.values()), dead[self._deciding.name]
        said = f"{least:.3g} to {most:.3g} ml of cells, the deciding one {decided:.3g} ml"
        found = [f"ischaemic death is uncertain: {self._longest():.3g} h after the closure its models say {said}"]
        closed = float(np.sum([part.share for part in self.spec.closed], axis=0).max())
        needed = 1.0 - self._deciding.dead_survival
        if closed < needed:
            found.append(
                f"with {closed:.0%} of the arterioles closed at most {closed:.0%} of the cells die of ischaemia, and"
                f" tissue counts as dead from {needed:.0%}: no zone of ischaemia can arise"
            )
        return found

    def _longest(self) -> float:
        """Time [h] since the first closure."""
        return (max(part.elapsed for part in self.spec.closed) + self.time) / 3600.0
