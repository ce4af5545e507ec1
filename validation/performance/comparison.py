# SPDX-License-Identifier: LGPL-3.0-or-later
"""The product against the same physics written as plain DOLFINx forms, over the same steps on the same mesh."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mpi4py import MPI

from imagio_sim.meshing.recipe import Resolution
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.stage import Stage
from validation.independence.study import REFERENCE, Variant, case_of, electrodes_of, with_electrodes
from validation.performance.clock import Clock, watch
from validation.performance.plain import Plain

POWER_W = 15.0
"""Nothing boils, so that both solve the same equations without the product's special care."""
LARGEST_DIFFERENCE_K, LEAST_RATIO, LEAST_NODES = 0.01, 6.0, 90_000
PHASES = ("electric assembly", "electric solve", "heat assembly", "heat solve", "death", "other")
_FIRST_STEPS, _STEP = (0.5, 1.0, 2.0, 3.0), 5.0


def fixed_steps(count: int) -> list[float]:
    """Lengths of prescribed steps [s]: short ones first."""
    return [*_FIRST_STEPS, *[_STEP] * count][:count]


def gentle_case(resolution: Resolution, variant: Variant = REFERENCE) -> ThermalCase:
    """The burn of the study of independence at a power that boils nothing."""
    case = case_of("constant_30w", variant, half_plane=False, resolution=resolution)
    electrodes = electrodes_of(case)
    (generator,) = electrodes.generators
    controller = {**generator.controller, "value": POWER_W}
    return with_electrodes(case, replace(electrodes, generators=(replace(generator, controller=controller),)))


def measure(short: bool) -> dict[str, Any]:
    """Both programs one after the other, on one rank, in this process."""
    case, steps = gentle_case("coarse" if short else "normal"), fixed_steps(5 if short else 40)
    stage, clock = Stage(MPI.COMM_SELF, case), Clock()
    watch(stage, clock)
    product_s = _timed(stage, steps)
    plain = Plain(case)
    plain_s = _timed(plain, steps)
    temperature = stage.space.gathered(stage.temperature)
    assert temperature is not None
    boiling = case.transitions[0][0]
    if stage.peak_temperature.max() >= boiling:
        raise SystemExit(f"the comparison boils ({stage.peak_temperature.max():.1f} degC): fewer steps, or less power")
    return {
        "nodes": len(temperature),
        "steps": len(steps),
        "plain": {"solve_s": plain_s, "phases_s": plain.clock.seconds},
        "product": {"solve_s": product_s, "phases_s": clock.seconds},
        "difference_K": float(np.abs(temperature - plain.temperature()).max()),
    }


def _timed(program: Stage | Plain, durations: Sequence[float]) -> float:
    begun = time.perf_counter()
    for duration in durations:
        program.advance(duration)
    return time.perf_counter() - begun


def ratio(found: Mapping[str, Any]) -> float:
    """How many times the product is faster."""
    return float(found["plain"]["solve_s"] / found["product"]["solve_s"])


def table(found: Mapping[str, Any]) -> str:
    """The comparison as Markdown."""

    def row(name: str, program: Mapping[str, Any]) -> str:
        per_step = [1e3 * program["phases_s"].get(phase, 0.0) / found["steps"] for phase in PHASES]
        return f"| {name} | {program['solve_s']:.1f} | " + " | ".join(f"{value:.0f}" for value in per_step) + " |"

    return "\n".join(
        [
            (
                f"{found['nodes']} nodes, {found['steps']} steps, one rank: **{ratio(found):.1f} times faster**, "
                f"largest difference {found['difference_K']:.1e} K."
            ),
            "",
            "| program | steps, s | " + ", ms | ".join(PHASES) + ", ms |",
            "|---|" + "---:|" * (len(PHASES) + 1),
            row("plain DOLFINx", found["plain"]),
            row("imagio-sim", found["product"]),
        ]
    )


def broken_promises(found: Mapping[str, Any]) -> Iterator[str]:
    """What does not hold; the speed is judged on a mesh of the promised size only."""
    if found["difference_K"] > LARGEST_DIFFERENCE_K:
        yield f"the temperatures differ by {found['difference_K']:.3g} K, more than {LARGEST_DIFFERENCE_K} K"
    if found["nodes"] >= LEAST_NODES and ratio(found) < LEAST_RATIO:
        yield f"only {ratio(found):.1f} times faster than plain DOLFINx, {LEAST_RATIO:g} are promised"
