# SPDX-License-Identifier: LGPL-3.0-or-later
"""Solve phantoms in the half plane of radius and height and in space, and compare zones, temperatures and times.

``python -m validation.axisymmetric.study`` (``--help`` for fewer modalities or a coarser mesh). One scenario per
modality lies beside this file; its plan is solved twice in one process. Limits are those of README.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.case import thermal_case, zone_model
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.zone import AblationZone, ablation_zone
from imagio_sim.plan import Scenario, changed, load_scenario
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.stage import Stage

Floats = NDArray[np.float64]
Geometry = Literal["three_dimensional", "axisymmetric"]

SCENARIOS: Mapping[str, Path] = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}
"""The phantom of each modality."""
LARGEST_VOLUME_CHANGE, LARGEST_DIFFERENCE_K = 0.02, 1.0
LEAST_RATIO: Mapping[str, float] = {"microwave": 4.0}
"""How many times faster the half plane has to be: 20 times, where nothing else is said."""
USUAL_RATIO = 20.0
JUDGED_AT = (0.25, 0.5, 0.75, 1.0)
"""Shares of the run at whose end temperatures are compared."""
PROBE = "probe."


@dataclass(frozen=True, eq=False)
class Solved:
    """The end of a run: nodes, steps, wall time [s], zone, and temperatures [degC] of the probes over time [s]."""

    nodes: int
    steps: int
    seconds: float
    zone: AblationZone
    times: Floats
    probes: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Comparison:
    """A phantom in both geometries."""

    modality: str
    flat: Solved
    solid: Solved

    @property
    def volume_change(self) -> float:
        """Relative difference of the zones' volumes."""
        return self.flat.zone.volume_mm3 / self.solid.zone.volume_mm3 - 1.0

    @property
    def ratio(self) -> float:
        """How many times faster the half plane is."""
        return self.solid.seconds / self.flat.seconds

    def difference(self, probe: str) -> float:
        """Difference [K] of a probe, the largest of the four times at which it is judged."""
        return self._largest_gap(probe, self.solid.times[-1] * np.array(JUDGED_AT))

    def passing_difference(self, probe: str) -> float:
        """Difference [K] of a probe that is largest at any time, also while a front of ice passes it."""
        return self._largest_gap(probe, self.solid.times)

    def _largest_gap(self, probe: str, times: Floats) -> float:
        flat, solid = (np.interp(times, one.times, one.probes[probe]) for one in (self.flat, self.solid))
        return float((flat - solid)[np.abs(flat - solid).argmax()])

    def faults(self, *, fine: bool) -> list[str]:
        """What does not hold; the speed is promised at ``fine`` only."""
        found = []
        if abs(self.volume_change) > LARGEST_VOLUME_CHANGE:
            found.append(f"{self.modality}: zone volumes differ by {self.volume_change:+.1%}")
        for probe in self.flat.probes:
            if abs(self.difference(probe)) > LARGEST_DIFFERENCE_K:
                found.append(f"{self.modality}: {probe} differs by {self.difference(probe):+.2f} K")
        if fine and self.ratio < LEAST_RATIO.get(self.modality, USUAL_RATIO):
            found.append(f"{self.modality}: only {self.ratio:.1f} times faster")
        return found


def case_of(scenario: Scenario, geometry: Geometry, resolution: Resolution) -> ThermalCase:
    """The scenario's plan in one of the geometries."""
    solved_so = changed(scenario, {"solver.geometry": geometry})
    (plan,) = solved_so.plans
    stage = stage_geometry(solved_so, plan, read_anatomy(solved_so), stage=0, resolution=resolution)
    return thermal_case(solved_so, plan, stage, stage=0)


def solve(case: ThermalCase) -> Solved:
    """Run a case to its end on one rank; operators and solvers are set up within the time that is taken."""
    begun = time.perf_counter()
    stage = Stage(MPI.COMM_SELF, case)
    while not stage.finished:
        stage.advance()
    seconds = time.perf_counter() - begun
    level = stage.space.gathered(stage.levels()[zone_model(case.deciding_models)])
    assert level is not None
    return Solved(
        nodes=stage.space.node_total,
        steps=stage.steps,
        seconds=seconds,
        zone=ablation_zone(case.domain, level, np.array([0.0, 0.0, 1.0])),
        times=np.array([row["time_s"] for row in stage.history]),
        probes={
            name.removeprefix(PROBE).removesuffix("_degC"): np.array([row[name] for row in stage.history])
            for name in stage.history[0]
            if name.startswith(PROBE)
        },
    )


def compare(modality: str, resolution: Resolution) -> Comparison:
    """Both geometries, the code of each compiled and loaded before the clock starts."""
    scenario = load_scenario(SCENARIOS[modality])
    flat, solid = (case_of(scenario, geometry, resolution) for geometry in ("axisymmetric", "three_dimensional"))
    Stage(MPI.COMM_SELF, flat).advance()
    Stage(MPI.COMM_SELF, case_of(scenario, "three_dimensional", "coarse")).advance()
    return Comparison(modality, solve(flat), solve(solid))


def table(found: Sequence[Comparison]) -> str:
    """The comparisons as Markdown."""
    lines = [
        "| phantom | | nodes | steps | zone, ml | axes, mm | solution, s | times faster |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        for name, solved in (("r–z", one.flat), ("3-D", one.solid)):
            zone = solved.zone
            lines.append(
                f"| {one.modality} | {name} | {solved.nodes} | {solved.steps} | {zone.volume_ml:.3f} "
                f"| {zone.long_axis_mm:.1f} × {zone.short_axis_mm:.1f} | {solved.seconds:.1f} "
                f"| {f'{one.ratio:.0f}' if solved is one.flat else ''} |"
            )
        gaps = ", ".join(
            f"{probe.replace('_', ' ')} {one.difference(probe):+.2f} K (passing {one.passing_difference(probe):+.2f} K)"
            for probe in one.flat.probes
        )
        lines.append(f"| {one.modality} | difference | | | {one.volume_change:+.2%} | {gaps} | | |")
    return "\n".join(lines)


def main() -> int:
    """Compare, print the table, and fail where a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modalities", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--resolution", default="fine", choices=("coarse", "normal", "fine"))
    chosen = parser.parse_args()
    found = [compare(modality, chosen.resolution) for modality in chosen.modalities]
    print(table(found))
    faults = [fault for one in found for fault in one.faults(fine=chosen.resolution == "fine")]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
