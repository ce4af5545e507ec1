# SPDX-License-Identifier: LGPL-3.0-or-later
"""What each modality costs: ten minutes with one applicator, and a step beside one of heat alone.

``python -m validation.performance.modalities`` (``--help`` for fewer modalities or a coarser mesh): minutes, on a
machine that does nothing else. One scenario per modality lies in ``scenarios/``; a new modality adds its own.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mpi4py import MPI

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import StageGeometry, read_anatomy, stage_geometry
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.plan import Scenario, load_scenario
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.prescribed import VolumeSource
from imagio_sim.solve.stage import Stage
from validation.performance.benchmark import machine, write_between
from validation.performance.clock import Clock

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- modalities -->", "<!-- end of modalities -->"
SCENARIOS: Mapping[str, Path] = {path.stem: path for path in sorted(Path(__file__).parent.glob("scenarios/*.yaml"))}
"""The run of each modality."""
LEAST_NODES, MOST_EXPENSIVE = 90_000, 4.0
REASONS: Mapping[str, str] = {}
"""Why a step costs more than :data:`MOST_EXPENSIVE` steps of heat alone, by modality."""
# Heat of the comparison: about what a needle gives, in the part of the mesh that is fine.
_HEAT_W, _HEAT_RADIUS_MM = 20.0, 8.0
PHASES = ("source", "heat", "death", "other")
_HOOKS = ("deposit", "exchanges", "observe", "accept", "state", "restore", "survivals")


@dataclass(frozen=True)
class Cost:
    """A run: nodes, accepted and repeated steps, simulated and wall time [s], set-up, and what its steps consist of."""

    nodes: int
    steps: int
    repeated: int
    simulated: float
    set_up: float
    wall: float
    phases: Mapping[str, float]

    @property
    def per_step(self) -> float:
        """Run-averaged wall time [s] of an accepted step, with the attempts it took."""
        return self.wall / self.steps

    def share(self, phase: str) -> float:
        """Part of the wall time that goes to a phase."""
        return self.phases.get(phase, 0.0) / self.wall


@dataclass(frozen=True)
class Row:
    """A modality, and the same mesh with heat alone."""

    modality: str
    own: Cost
    heat_only: Cost

    @property
    def relative(self) -> float:
        """Cost of a step in steps of heat alone."""
        return self.own.per_step / self.heat_only.per_step

    @property
    def unexplained(self) -> bool:
        """Whether a step is expensive, and nobody has said why."""
        return self.relative > MOST_EXPENSIVE and self.modality not in REASONS


def geometry_of(scenario: Scenario, resolution: Resolution, least_nodes: int) -> StageGeometry:
    """The mesh of the scenario's plan, made finer until it has as many nodes."""
    (plan,) = scenario.plans
    anatomy, factor = read_anatomy(scenario), 1.0
    while True:
        found = stage_geometry(scenario, plan, anatomy, stage=0, resolution=resolution, size_factor=factor)
        nodes = len(found.domain.points_mm)
        if nodes >= least_nodes:
            return found
        factor *= 0.97 * (nodes / least_nodes) ** (1.0 / 3.0)


def heat_alone(case: ThermalCase) -> ThermalCase:
    """The same mesh and tissue with 20 W around the place where the mesh is finest, for the same time."""
    domain = case.domain
    centres = domain.points_mm[domain.cells].mean(axis=1)
    distance = np.linalg.norm(centres - centres.mean(axis=0), axis=1)
    density = np.exp(-((distance / _HEAT_RADIUS_MM) ** 2))
    density *= _HEAT_W / (density @ domain.cell_volumes_mm3 * 1e-9)
    return replace(case, sources=(VolumeSource("prescribed", density, 0.0, case.end_time),))


def cost_of(case: ThermalCase, *, prepared: float = 0.0) -> Cost:
    """Run a case to its end on one rank, with the clock at its phases; ``prepared`` [s] counts as set-up."""
    begun, clock = time.perf_counter(), Clock()
    stage = Stage(MPI.COMM_SELF, case)
    set_up = prepared + time.perf_counter() - begun
    for owner, name, phase in _watched(stage):
        setattr(owner, name, clock.watched(getattr(owner, name), phase))
    begun = time.perf_counter()
    while not stage.finished:
        stage.advance()
    wall = time.perf_counter() - begun
    return Cost(stage.space.node_total, stage.steps, stage.rejected, stage.time, set_up, wall, clock.seconds)


def _watched(stage: Stage) -> Iterator[tuple[object, str, str]]:
    """What is timed: object, method and phase."""
    for source in stage.sources:
        yield from ((source, hook, "source") for hook in _HOOKS)
    yield stage.heat, "step", "heat"
    yield from ((stage.death, name, "death") for name in ("advance", "expected_dead_fraction"))
    yield stage, "advance", "other"


def measure(modality: str, resolution: Resolution, least_nodes: int) -> Row:
    """A modality, then heat alone."""
    scenario = load_scenario(SCENARIOS[modality])
    (plan,) = scenario.plans
    geometry = geometry_of(scenario, resolution, least_nodes)
    begun = time.perf_counter()
    case = thermal_case(scenario, plan, geometry, stage=0)
    own = cost_of(case, prepared=time.perf_counter() - begun)
    return Row(modality, own, cost_of(heat_alone(case)))


def table(rows: Sequence[Row]) -> str:
    """The costs as Markdown."""
    lines = [
        "| modality | nodes | steps (repeated) | set-up, s | simulated / wall | a step, ms | "
        + " | ".join(PHASES)
        + " | in steps of heat alone | why above 4 |",
        "|---|" + "---:|" * (6 + len(PHASES)) + "---|",
    ]
    for row in rows:
        own = row.own
        lines.append(
            f"| {row.modality} | {own.nodes} | {own.steps} ({own.repeated}) | {own.set_up:.1f} "
            f"| {own.simulated / own.wall:.1f} | {1e3 * own.per_step:.0f} | "
            + " | ".join(f"{own.share(phase):.0%}" for phase in PHASES)
            + f" | {row.relative:.1f} | {REASONS.get(row.modality, '') if row.relative > MOST_EXPENSIVE else ''} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and fail where a step is expensive without a stated reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modalities", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--resolution", default="normal", choices=("coarse", "normal", "fine"))
    parser.add_argument("--nodes", type=int, default=LEAST_NODES, help=f"at least so many ({LEAST_NODES})")
    parser.add_argument("--write", action="store_true", help=f"put the table into {README.name}")
    chosen = parser.parse_args()
    head, rows = machine(), []
    for modality in chosen.modalities:
        rows.append(measure(modality, chosen.resolution, chosen.nodes))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    text = f"{head}\n\n{table(rows)}"
    print(f"\n{text}")
    if chosen.write:
        write_between(README, BEGIN, END, text)
    unexplained = [row.modality for row in rows if row.unexplained]
    for modality in unexplained:
        print(f"{modality}: a step costs more than {MOST_EXPENSIVE:g} of heat alone, and REASONS does not say why")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
