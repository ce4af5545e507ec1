# SPDX-License-Identifier: LGPL-3.0-or-later
"""Solve one plan with another mesh, region or time tolerance, and say by how much its zone differs.

``python -m validation.independence.study --help``. Unless another scenario is named, the plans are in
``liver_30w.yaml``; all numbers are in README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.case import thermal_case, zone_model
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.surface import Surface
from imagio_sim.outcome.zone import AblationZone, ablation_zone
from imagio_sim.plan import changed, load_scenario
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.radiofrequency import RadiofrequencySource, RadiofrequencySpec
from imagio_sim.solve.stage import Stage

SCENARIO = Path(__file__).with_name("liver_30w.yaml")
QUANTILE = 0.95
"""Share of the zone's surface that a distance must hold for."""


@dataclass(frozen=True)
class Variant:
    """What differs from the reference: factors on cell sizes, region radius and time tolerance."""

    size_factor: float = 1.0
    region_factor: float = 1.0
    tolerance_factor: float = 1.0


REFERENCE = Variant()
VARIANTS: Mapping[str, Variant] = {
    "half the element size": Variant(size_factor=0.5),
    "1.25 times the region's radius": Variant(region_factor=1.25),
    "a quarter of the time tolerance": Variant(tolerance_factor=0.25),
}


@dataclass(frozen=True, eq=False)
class Solved:
    """The end of a run: nodes, records of its steps, zone by what decides, hottest point ever [degC], roll-offs."""

    nodes: int
    history: Sequence[Mapping[str, float]]
    zone: AblationZone
    hottest: float
    pulses: int

    @property
    def row(self) -> str:
        """One line of a table."""
        zone = self.zone
        return (
            f"{self.nodes:8d} nodes {len(self.history):5d} steps {zone.volume_ml:8.4f} ml "
            f"{zone.long_axis_mm:6.2f} x {zone.short_axis_mm:6.2f} mm {self.hottest:7.1f} degC {self.pulses:3d} pulses"
        )


def case_of(
    plan: str, variant: Variant, *, half_plane: bool, resolution: Resolution = "normal", scenario: Path = SCENARIO
) -> ThermalCase:
    """The plan as the solver takes it, in three dimensions or in the r-z half plane of its electrode."""
    geometry = "axisymmetric" if half_plane else "three_dimensional"
    read = changed(load_scenario(scenario), {"solver.geometry": geometry})
    made = stage_geometry(
        read,
        plan,
        read_anatomy(read),
        stage=0,
        resolution=resolution,
        size_factor=variant.size_factor,
        region_factor=variant.region_factor,
    )
    case = thermal_case(read, plan, made, stage=0)
    tolerance = case.numerics.time_tolerance * variant.tolerance_factor
    return replace(case, numerics=replace(case.numerics, time_tolerance=tolerance))


def electrodes_of(case: ThermalCase) -> RadiofrequencySpec:
    """The case's electrodes and generators."""
    (electrodes,) = case.sources
    assert isinstance(electrodes, RadiofrequencySpec)
    return electrodes


def with_electrodes(case: ThermalCase, electrodes: RadiofrequencySpec) -> ThermalCase:
    """The case with other electrodes, generators or ground."""
    return replace(case, sources=(electrodes,))


def solve(case: ThermalCase) -> Solved:
    """Run a case to its end on one rank."""
    stage = Stage(MPI.COMM_SELF, case)
    while not stage.finished:
        stage.advance()
    level = stage.space.gathered(stage.levels()[zone_model(case.deciding_models)])
    assert level is not None
    electrodes = [source for source in stage.sources if isinstance(source, RadiofrequencySource)]
    return Solved(
        stage.space.node_total,
        stage.history,
        ablation_zone(case.domain, level, np.array([0.0, 0.0, 1.0])),
        float(stage.peak_temperature.max()),
        sum(int(one.controllers[0].state().get("pulses", 0)) for one in electrodes),
    )


def volume_change(reference: Solved, other: Solved) -> float:
    """Relative change of the zone's volume."""
    return other.zone.volume_mm3 / reference.zone.volume_mm3 - 1.0


def surface_distance_mm(reference: Solved, other: Solved) -> float:
    """Distance that 95 % of the area of either zone's surface keeps to the other's."""
    surfaces = reference.zone.surface, other.zone.surface
    return max(_quantile_mm(*pair) for pair in (surfaces, surfaces[::-1]))


def _quantile_mm(source: Surface, target: Surface) -> float:
    samples = source.samples(0.5)
    distance = target.distance_mm(samples.points_mm)
    order = np.argsort(distance)
    share: NDArray[np.float64] = np.cumsum(samples.weights[order]) / samples.weights.sum()
    return float(distance[order][np.searchsorted(share, QUANTILE)])


def main() -> None:
    """Print the reference and every variant of a plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", type=Path, default=SCENARIO, help="a scenario whose plans have one stage")
    parser.add_argument("--plan", default="constant_30w", help="constant_30w or pulsed, or a plan of the scenario")
    parser.add_argument("--half-plane", action="store_true", help="solve in the r-z half plane, in seconds")
    parser.add_argument("--resolution", default="normal", choices=("coarse", "normal", "fine"))
    chosen = parser.parse_args()

    def solved(variant: Variant) -> Solved:
        case = case_of(
            chosen.plan,
            variant,
            half_plane=chosen.half_plane,
            resolution=chosen.resolution,
            scenario=chosen.scenario,
        )
        return solve(case)

    reference = solved(REFERENCE)
    print(f"{'reference':32s} {reference.row}", flush=True)
    for name, variant in VARIANTS.items():
        other = solved(variant)
        apart = "" if chosen.half_plane else f", surface within {surface_distance_mm(reference, other):.2f} mm"
        print(f"{name:32s} {other.row}: volume {volume_change(reference, other):+.2%}{apart}", flush=True)


if __name__ == "__main__":
    main()
