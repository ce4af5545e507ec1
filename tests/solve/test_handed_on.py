# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a source hands on to the source of the same name in the next stage: densities and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.sequence import transferred
from imagio_sim.campaign.solving import Solution
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.transfer import node_volumes_mm3
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.sources.source import Deposit, HeatSource, Surroundings
from tests.solve.bricks import SIDE_MM, begun, cube

HALF_LIFE = 300.0


@dataclass(frozen=True)
class StoreSpec:
    """A store that empties into a pool."""

    name: str

    def source(self, surroundings: Surroundings) -> Store:
        return Store(self.name, surroundings)


class Store(HeatSource):
    """One unit at the low end of the cube, half of which goes into the pool within a half-life."""

    def __init__(self, name: str, surroundings: Surroundings) -> None:
        self.name, self._cells = name, len(surroundings.case.domain.cells)
        self.density, self.pool = np.exp(-surroundings.space.points[:, 0] / 0.01), 0.0
        self._volume = surroundings.operators.distributed(np.ones(self._cells))

    @property
    def stored(self) -> float:
        return float(self._volume @ self.density)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        return Deposit(np.zeros(self._cells))

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        left = 0.5 ** (duration / HALF_LIFE)
        self.pool += (1.0 - left) * self.stored
        self.density = left * self.density

    def carried(self) -> dict[str, Floats]:
        return {"store": self.density}

    def carried_numbers(self) -> dict[str, float]:
        return {"pool": self.pool}

    def take_carried(self, fields: Mapping[str, Floats], numbers: Mapping[str, float]) -> None:
        self.density, self.pool = fields["store"], numbers["pool"]


def stored(case: ThermalCase) -> tuple[Any, Store]:
    stage = begun(case)
    (store,) = stage.sources
    assert isinstance(store, Store)
    return stage, store


def test_the_next_stage_goes_on_with_what_the_source_of_this_name_left() -> None:
    before = cube(sources=(StoreSpec("beads"),), end_time=HALF_LIFE)
    stage, store = stored(before)
    whole = store.stored
    while not stage.finished:
        stage.advance()
    fields = {f"state/{name}": stage.space.gathered(values) for name, values in stage.carried_state().items()}
    solution = Solution(fields, stage.summary())
    finer = box(11, SIDE_MM)
    target = cube(sources=(StoreSpec("beads"),)).domain
    after = cube(
        sources=(StoreSpec("beads"),),
        initial_state=transferred(before.domain, target, solution, body_temperature=37.0),
        carried_numbers=solution.facts["carried_numbers"],
    )
    _, same_mesh = stored(after)
    assert same_mesh.stored == pytest.approx(0.5 * whole, rel=1e-9)
    assert same_mesh.stored + same_mesh.pool == pytest.approx(whole, rel=1e-9)
    moved = transferred(before.domain, finer, solution, body_temperature=37.0)["carried/beads/store"]
    assert node_volumes_mm3(finer) @ moved == pytest.approx(1e9 * same_mesh.stored, rel=1e-9)


def test_a_source_of_another_name_begins_anew() -> None:
    case = cube(sources=(StoreSpec("spheres"),), carried_numbers={"beads": {"pool": 5.0}})
    _, store = stored(case)
    assert store.pool == 0.0
