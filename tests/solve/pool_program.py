# SPDX-License-Identifier: LGPL-3.0-or-later
"""A pool of blood as a coupling, and a program that solves a cube with it (argument: where the result goes)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mpi4py import MPI

from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.heat import Exchange
from imagio_sim.solve.sources import VolumeSource
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import cube


@dataclass
class Pool:
    """Blood of one temperature [degC] and heat ``capacity`` [J/K] that every node exchanges heat with."""

    operators: EdgeOperators
    conductance: Floats
    capacity: float
    temperature: float = 37.0
    received: float = 0.0
    name: str = "pool"

    @property
    def longest_step(self) -> float:
        return 0.1 * self.capacity / float(self.operators.discretisation.node_sum(self.conductance))

    def exchange(self, temperature: Floats) -> Exchange:
        return Exchange(self.conductance, self.temperature)

    def advance(self, heat: Floats, duration: float) -> None:
        energy = self.operators.discretisation.node_sum(heat)
        self.temperature += energy / self.capacity
        self.received += energy

    def facts(self) -> Mapping[str, Any]:
        return {"received_J": self.received}

    def state(self) -> Mapping[str, Any]:
        return {"temperature": self.temperature, "received": self.received}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.temperature, self.received = state["temperature"], state["received"]


@dataclass(frozen=True)
class PoolSpec:
    """A pool that takes part in the perfusion at ``rate`` [1/s]."""

    capacity: float
    rate: float = 0.02

    def coupling(self, operators: EdgeOperators) -> Pool:
        conductance = self.rate * 3.8e6 * operators.distributed(np.ones(len(operators.cell_volume)))
        return Pool(operators, conductance, self.capacity)


def with_pool(case: ThermalCase, capacity: float) -> ThermalCase:
    """The case with a pool of blood."""
    return replace(case, couplings=(PoolSpec(capacity),))


def heated(end_time: float = 60.0) -> ThermalCase:
    """The cube, heated evenly."""
    case = cube(end_time=end_time)
    return replace(case, sources=(VolumeSource("beam", np.full(len(case.domain.cells), 5.0e5), 0.0, end_time),))


def main() -> None:
    """Take twelve prescribed steps on all ranks; rank 0 writes temperatures, the pool's and the books."""
    case = replace(heated(), numerics=Numerics(linear_tolerance=1e-10))
    stage = Stage(MPI.COMM_WORLD, with_pool(case, 40.0))
    for step in (0.25, 0.5, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 5.0):
        stage.advance(step)
    whole = stage.space.gathered(stage.temperature)
    (blood,) = stage.couplings
    if whole is not None:
        books = [stage.ledger.source, stage.ledger.stored, stage.ledger.lost["pool"], stage.ledger.balance_error]
        np.savez(sys.argv[1], temperature=whole, pool=blood.state()["temperature"], books=books)


if __name__ == "__main__":
    main()
