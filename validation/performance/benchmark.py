# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast the solution is: against the same physics written as plain DOLFINx forms, and for whole ablations.

``python -m validation.performance.benchmark``: a few minutes, on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from imagio_sim.meshing.recipe import Resolution
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.case_file import save_case
from imagio_sim.solve.stage import Stage
from validation.independence.study import REFERENCE, case_of, electrodes_of, with_electrodes
from validation.performance.clock import Clock, watch
from validation.performance.plain import Plain

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- results -->", "<!-- end of results -->"

POWER_W = 15.0
"""Of the comparison: nothing boils, so that both solve the same equations without the product's special care."""
FIRST_STEPS, STEP = (0.5, 1.0, 2.0, 3.0), 5.0
LARGEST_DIFFERENCE_K, LEAST_RATIO, LEAST_NODES = 0.01, 6.0, 90_000
ABLATIONS = {"constant_30w": "30 W held", "pulsed": "impedance control, pulsed"}


@dataclass(frozen=True)
class Comparison:
    """Nodes, steps, wall time of the steps [s] and their phases by program, and the largest difference [K]."""

    nodes: int
    steps: int
    plain_s: float
    product_s: float
    plain_phases: Mapping[str, float]
    product_phases: Mapping[str, float]
    difference: float

    @property
    def ratio(self) -> float:
        """How many times the product is faster."""
        return self.plain_s / self.product_s


def compare(steps: int, resolution: Resolution) -> Comparison:
    """Both programs over the same steps, on one rank, in this process."""
    case = _comparison_case(resolution)
    durations = [*FIRST_STEPS, *[STEP] * steps][:steps]
    stage, clock = Stage(MPI.COMM_SELF, case), Clock()
    watch(stage, clock)
    product_s = _timed(stage, durations)
    plain = Plain(case)
    plain_s = _timed(plain, durations)
    temperature = stage.space.gathered(stage.temperature)
    assert temperature is not None
    boiling = case.transitions[0][0]
    if stage.peak_temperature.max() >= boiling:
        raise SystemExit(f"the comparison boils ({stage.peak_temperature.max():.1f} degC): fewer steps, or less power")
    difference = float(np.abs(temperature - plain.temperature()).max())
    return Comparison(len(temperature), steps, plain_s, product_s, plain.clock.seconds, clock.seconds, difference)


def _comparison_case(resolution: Resolution) -> ThermalCase:
    case = case_of("constant_30w", REFERENCE, half_plane=False, resolution=resolution)
    electrodes = electrodes_of(case)
    (generator,) = electrodes.generators
    controller = {**generator.controller, "value": POWER_W}
    return with_electrodes(case, replace(electrodes, generators=(replace(generator, controller=controller),)))


def _timed(program: Stage | Plain, durations: list[float]) -> float:
    begun = time.perf_counter()
    for duration in durations:
        program.advance(duration)
    return time.perf_counter() - begun


def ablation(plan: str, ranks: int, resolution: Resolution) -> dict[str, Any]:
    """Times of a whole ablation on a number of ranks, each in processes of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "case.npz")
        save_case(case_of(plan, REFERENCE, half_plane=False, resolution=resolution), file)
        launcher = ["mpirun", "-n", str(ranks), "--oversubscribe"] if ranks > 1 else []
        ended = subprocess.run(
            [*launcher, sys.executable, "-m", "validation.performance.ablation", str(file)],
            env={"OMPI_MCA_mpi_yield_when_idle": "1", **os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    facts: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return facts


def comparison_table(found: Comparison) -> str:
    """The comparison as Markdown."""
    phases = ("electric assembly", "electric solve", "heat assembly", "heat solve", "death", "other")

    def row(name: str, seconds: float, split: Mapping[str, float]) -> str:
        per_step = [1e3 * split.get(phase, 0.0) / found.steps for phase in phases]
        return f"| {name} | {seconds:.1f} | " + " | ".join(f"{value:.0f}" for value in per_step) + " |"

    return "\n".join(
        [
            (
                f"{found.nodes} nodes, {found.steps} steps, one rank: **{found.ratio:.1f} times faster**, "
                f"largest difference {found.difference:.1e} K."
            ),
            "",
            "| program | steps, s | " + ", ms | ".join(phases) + ", ms |",
            "|---|" + "---:|" * (len(phases) + 1),
            row("plain DOLFINx", found.plain_s, found.plain_phases),
            row("imagio-sim", found.product_s, found.product_phases),
        ]
    )


def ablation_table(rows: list[tuple[str, int, dict[str, Any]]]) -> str:
    """Whole ablations as Markdown."""
    lines = [
        (
            "| 12 min ablation | ranks | nodes | steps | set-up, s | solution, s | simulated / wall "
            "| electric | heat | death |"
        ),
        "|---|" + "---:|" * 9,
    ]
    for plan, ranks, facts in rows:
        phases, solve = facts["phases_s"], facts["solve_s"]
        share = [
            sum(value for name, value in phases.items() if name.startswith(part)) / solve
            for part in ("electric", "heat", "death")
        ]
        lines.append(
            f"| {ABLATIONS[plan]} | {ranks} | {facts['nodes']} | {facts['steps']} "
            f"| {facts['set_up_s']:.1f} | {solve:.1f} | "
            f"{facts['simulated_s'] / solve:.0f} | " + " | ".join(f"{part:.0%}" for part in share) + " |"
        )
    return "\n".join(lines)


def machine() -> str:
    """The machine and how busy it was."""
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, load before the run {load:.1f}."


def write_between(readme: Path, begin: str, end: str, text: str) -> None:
    """Replace what a README holds between two marks."""
    before, rest = readme.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    readme.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def main() -> int:
    """Run what was asked for, print it, and fail when the product is too slow or the answers differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40, help="of the comparison (40)")
    parser.add_argument("--resolution", default="normal", choices=("coarse", "normal", "fine"))
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 2], help="of the whole ablations (1 2)")
    parser.add_argument("--plans", nargs="*", default=list(ABLATIONS), choices=list(ABLATIONS), help="whole ablations")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {README.name}")
    chosen = parser.parse_args()
    parts = [machine()]
    found = compare(chosen.steps, chosen.resolution)
    parts.append(comparison_table(found))
    print("\n\n".join(parts), flush=True)
    rows = [(plan, n, ablation(plan, n, chosen.resolution)) for plan in chosen.plans for n in chosen.ranks]
    if rows:
        parts.append(ablation_table(rows))
        print("\n" + parts[-1])
    if chosen.write:
        write_between(README, BEGIN, END, "\n\n".join(parts))
    return verdict(found)


def verdict(found: Comparison) -> int:
    """0 when the comparison holds what is promised; the speed is judged on a mesh of the promised size only."""
    if found.difference > LARGEST_DIFFERENCE_K:
        print(f"the temperatures differ by {found.difference:.3g} K, more than {LARGEST_DIFFERENCE_K} K")
        return 1
    if found.nodes >= LEAST_NODES and found.ratio < LEAST_RATIO:
        print(f"only {found.ratio:.1f} times faster, {LEAST_RATIO} are promised")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
