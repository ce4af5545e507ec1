# SPDX-License-Identifier: LGPL-3.0-or-later
"""What each modality costs: ten minutes with one applicator, and a step beside one of heat alone.

One scenario per modality lies in ``scenarios/``; a new modality adds its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import StageGeometry, read_anatomy, stage_geometry
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.plan import Scenario, load_scenario
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.prescribed import VolumeSource
from imagio_sim.solve.stage import Stage
from validation.performance.clock import Clock

SCENARIOS: Mapping[str, Path] = {path.stem: path for path in sorted(Path(__file__).parent.glob("scenarios/*.yaml"))}
"""The run of each modality."""
LEAST_NODES, MOST_EXPENSIVE = 90_000, 4.0
REASONS: Mapping[str, str] = {}
"""Why a step costs more than :data:`MOST_EXPENSIVE` steps of heat alone, by modality."""
# Heat of the comparison: about what a needle gives, in the part of the mesh that is fine.
_HEAT_W, _HEAT_RADIUS_MM = 20.0, 8.0
PHASES = ("source", "heat", "death", "other")
_HOOKS = ("deposit", "exchanges", "observe", "accept", "state", "restore", "survivals")


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


def cost_of(case: ThermalCase, *, prepared: float = 0.0) -> dict[str, Any]:
    """Run a case to its end on one rank, with the clock at its phases; ``prepared`` [s] counts as set-up."""
    begun, clock = time.perf_counter(), Clock()
    stage = Stage(MPI.COMM_SELF, case)
    set_up = prepared + time.perf_counter() - begun
    for owner, name, phase in _watched(stage):
        setattr(owner, name, clock.watched(getattr(owner, name), phase))
    begun = time.perf_counter()
    while not stage.finished:
        stage.advance()
    return {
        "nodes": stage.space.node_total,
        "steps": stage.steps,
        "repeated": stage.rejected,
        "simulated_s": stage.time,
        "set_up_s": set_up,
        "solve_s": time.perf_counter() - begun,
        "phases_s": clock.seconds,
    }


def _watched(stage: Stage) -> Iterator[tuple[object, str, str]]:
    """What is timed: object, method and phase."""
    for source in stage.sources:
        yield from ((source, hook, "source") for hook in _HOOKS)
    yield stage.heat, "step", "heat"
    yield from ((stage.death, name, "death") for name in ("advance", "expected_dead_fraction"))
    yield stage, "advance", "other"


def measure(short: bool) -> dict[str, Any]:
    """Every modality, and the same mesh with heat alone."""
    return {
        modality: measured(modality, "coarse" if short else "normal", 0 if short else LEAST_NODES)
        for modality in SCENARIOS
    }


def measured(modality: str, resolution: Resolution, least_nodes: int) -> dict[str, Any]:
    """A modality, then heat alone."""
    scenario = load_scenario(SCENARIOS[modality])
    (plan,) = scenario.plans
    geometry = geometry_of(scenario, resolution, least_nodes)
    begun = time.perf_counter()
    case = thermal_case(scenario, plan, geometry, stage=0)
    own = cost_of(case, prepared=time.perf_counter() - begun)
    return {"own": own, "heat_alone": cost_of(heat_alone(case))}


def relative(row: Mapping[str, Any]) -> float:
    """Run-averaged wall time of an accepted step, with the attempts it took, in steps of heat alone."""
    own, heat = row["own"], row["heat_alone"]
    return float((own["solve_s"] / own["steps"]) / (heat["solve_s"] / heat["steps"]))


def table(found: Mapping[str, Any]) -> str:
    """The costs as Markdown."""
    lines = [
        "| modality | nodes | steps (repeated) | set-up, s | simulated / wall | a step, ms | "
        + " | ".join(PHASES)
        + " | in steps of heat alone | why above 4 |",
        "|---|" + "---:|" * (6 + len(PHASES)) + "---|",
    ]
    for modality, row in found.items():
        own, wall = row["own"], row["own"]["solve_s"]
        lines.append(
            f"| {modality} | {own['nodes']} | {own['steps']} ({own['repeated']}) | {own['set_up_s']:.1f} "
            f"| {own['simulated_s'] / wall:.1f} | {1e3 * wall / own['steps']:.0f} | "
            + " | ".join(f"{own['phases_s'].get(phase, 0.0) / wall:.0%}" for phase in PHASES)
            + f" | {relative(row):.1f} | {REASONS.get(modality, '') if relative(row) > MOST_EXPENSIVE else ''} |"
        )
    return "\n".join(lines)


def broken_promises(found: Mapping[str, Any]) -> Iterator[str]:
    """Modalities whose steps are expensive, and nobody has said why."""
    for modality, row in found.items():
        if relative(row) > MOST_EXPENSIVE and modality not in REASONS:
            yield f"{modality}: a step costs {relative(row):.1f} of heat alone, and REASONS does not say why"
