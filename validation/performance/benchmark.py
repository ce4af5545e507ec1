# SPDX-License-Identifier: LGPL-3.0-or-later
"""How fast a radio-frequency ablation is solved, against the straightforward way and against the clock on the wall.

``python -m validation.performance.benchmark`` compares the product's time steps with those of ``plain.py`` on one mesh
with the same step lengths and tolerances, asserts that both give the same temperatures and that the product is several
times faster, and times whole ablations on one rank and on two. Machines are noisy: only ratios within one session mean
something.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mpi4py import MPI

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.plan import Scenario, changed, load_scenario
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.stage import Stage

SCENARIO = Path(__file__).parents[1] / "independence" / "liver_30w.yaml"
COMPARED_POWER = 20.0
"""Power [W] of the comparison: nothing boils, so that the straightforward Newton iteration converges as it should."""
LEAST_NODES, LARGEST_DIFFERENCE, LEAST_RATIO = 90_000, 0.01, 6.0


@dataclass(frozen=True)
class Comparison:
    """Wall time [s] of the same steps both ways, and the largest difference in temperature [K] at their end."""

    nodes: int
    steps: int
    plain_seconds: float
    product_seconds: float
    difference: float

    @property
    def ratio(self) -> float:
        """How many times faster the product is."""
        return self.plain_seconds / self.product_seconds


def case_of(plan: str, resolution: str = "normal", *, power: float | None = None) -> ThermalCase:
    """The numbers of a plan of the scenario, at another constant power [W] if one is given."""
    scenario: Scenario = load_scenario(SCENARIO)
    if power is not None:
        scenario = changed(scenario, {f"plans.{plan}.stages[0].program.power": f"{power:g} W"})
    anatomy = read_anatomy(scenario)
    geometry = stage_geometry(scenario, plan, anatomy, stage=0, resolution=resolution)  # type: ignore[arg-type]
    return thermal_case(scenario, plan, geometry, stage=0)


def compare(case: ThermalCase, steps: int) -> Comparison:
    """March both ways over the step lengths that the product chooses."""
    from validation.performance.plain import PlainStage

    scout = Stage(MPI.COMM_SELF, case)
    while scout.steps < steps and not scout.finished:
        scout.advance()
    lengths = [row["step_s"] for row in scout.history]
    product, plain = Stage(MPI.COMM_SELF, case), PlainStage(case, scout.space, power=COMPARED_POWER)
    begun = time.perf_counter()
    for length in lengths:
        product.advance(length)
    product_seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    for length in lengths:
        plain.advance(length)
    plain_seconds = time.perf_counter() - begun
    difference = float(np.abs(plain.f["now"].x.array - product.temperature).max())
    return Comparison(product.space.node_total, len(lengths), plain_seconds, product_seconds, difference)


def whole_ablation(plan: str) -> dict[str, float]:
    """Solve a plan to its end on the ranks of this program; what it took."""
    stage = Stage(MPI.COMM_WORLD, case_of(plan))
    begun = time.perf_counter()
    while not stage.finished:
        stage.advance()
    wall = time.perf_counter() - begun
    return {
        "ranks": stage.space.comm.size,
        "nodes": stage.space.node_total,
        "steps": stage.steps,
        "simulated_s": stage.time,
        "wall_s": wall,
        "simulated_per_wall": stage.time / wall,
    }


def on_ranks(plan: str, ranks: int) -> dict[str, float]:
    """The same in a program of its own on several ranks."""
    command = ["mpirun", "-n", str(ranks), sys.executable, "-m", "validation.performance.benchmark", "--whole", plan]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return found


def main() -> int:
    """Run what the command line asks for; 1 when the product is slower or gives other temperatures than it should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40, help="steps to compare (default 40)")
    parser.add_argument("--resolution", default="normal", help="of the comparison's mesh (default normal)")
    parser.add_argument("--no-whole", action="store_true", help="compare only")
    parser.add_argument(
        "--whole", metavar="PLAN", help="solve one plan on the ranks of this program and say what it took"
    )
    options = parser.parse_args()
    if options.whole:
        found = whole_ablation(options.whole)
        if MPI.COMM_WORLD.rank == 0:
            sys.stdout.write(json.dumps(found) + "\n")
        return 0
    compared = compare(case_of("constant_30w", options.resolution, power=COMPARED_POWER), options.steps)
    sys.stdout.write(
        f"{compared.nodes} nodes, {compared.steps} steps: plain {compared.plain_seconds:.1f} s, "
        f"product {compared.product_seconds:.1f} s, ratio {compared.ratio:.1f}, "
        f"largest difference {compared.difference:.2g} K\n"
    )
    for plan in () if options.no_whole else ("constant_30w", "pulsed"):
        for ranks in (1, 2):
            row = on_ranks(plan, ranks)
            sys.stdout.write(
                f"{plan} on {ranks:.0f} rank(s): {row['nodes']:.0f} nodes, {row['steps']:.0f} steps, "
                f"{row['simulated_s']:.0f} s simulated in {row['wall_s']:.1f} s, {row['simulated_per_wall']:.1f} to 1\n"
            )
    enough_nodes = compared.nodes >= LEAST_NODES or options.resolution != "normal"
    return 0 if enough_nodes and compared.difference <= LARGEST_DIFFERENCE and compared.ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
