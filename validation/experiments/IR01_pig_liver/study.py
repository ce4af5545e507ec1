# SPDX-License-Identifier: LGPL-3.0-or-later
"""Zones of two electroporation needles in liver, by both models of death, beside those measured in pigs.

Run as ``python3 -m validation.experiments.IR01_pig_liver.study``; writes the table to standard output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.devices.applicator import PlacedApplicator, placement
from imagio_sim.devices.library import load_device
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.generate import generate
from imagio_sim.meshing.recipe import SIZES, MeshRecipe, RodShape, Sizes, active_paths
from imagio_sim.meshing.region import Sphere
from imagio_sim.solve.discretisation import Discretisation, EdgeOperators
from imagio_sim.solve.electric import RemoteGround
from imagio_sim.solve.electroporation_field import DipoleBoundary, PairProblem, PulsedTissue, PulseField
from imagio_sim.solve.sources.electroporation import TISSUE_FIELDS
from imagio_sim.tissue import load_tissue
from imagio_sim.tissue.death.electroporation import electroporation_death_models, level_of_all

Floats = NDArray[np.float64]
DEVICE = "electroporation_18g"
REGION_MM, REACH_MM, EXPOSURE_MM = 50.0, 20.0, 20.0


@dataclass(frozen=True)
class Setting:
    """Spacing [mm], voltage [V], pulses, and the zone measured: width, depth, height [mm] as text."""

    spacing_mm: float
    voltage: float
    pulses: int
    measured: str


SETTINGS = (
    Setting(15.0, 2250.0, 50, "30 ± 4 × 17 ± 4 × 30 ± 6"),
    Setting(15.0, 2250.0, 90, "30 ± 4 × 17 ± 4 × 30 ± 6"),
    Setting(15.0, 3000.0, 70, "31 ± 4 × 20 ± 2"),
    Setting(20.0, 3000.0, 70, "39 ± 5 × 19 ± 4"),
)


def needle(name: str, x_mm: float) -> PlacedApplicator:
    """A needle along z whose bare length is centred on z = 0."""
    tip, entry = np.array([x_mm, 0.0, -EXPOSURE_MM / 2.0]), np.array([x_mm, 0.0, 90.0])
    motion = placement(tip, entry)
    rods = tuple(rod.moved(motion) for rod in load_device(DEVICE).applicator(EXPOSURE_MM))
    return PlacedApplicator(name, DEVICE, rods, (x_mm, 0.0, 90.0), (x_mm, 0.0, -EXPOSURE_MM / 2.0))


@dataclass(frozen=True, eq=False)
class Pulsed:
    """Two needles in liver on a mesh: the domain, its discretisation and operators, and the two electrodes' nodes."""

    domain: Domain
    space: Discretisation
    operators: EdgeOperators
    electrodes: tuple[NDArray[np.int32], ...]

    @classmethod
    def apart(cls, spacing_mm: float, *, region_mm: float = REGION_MM, sizes: Sizes = SIZES["normal"]) -> Pulsed:
        """Needles a distance [mm] apart in a ball of a radius [mm]."""
        needles = (needle("a", spacing_mm / 2.0), needle("b", -spacing_mm / 2.0))
        shapes = tuple(RodShape.of(one.name, rod) for one in needles for rod in one.rods)
        focus = active_paths(needles, reach_mm=REACH_MM)
        domain = generate(MeshRecipe(Sphere((0.0, 0.0, 0.0), region_mm), shapes, focus, REACH_MM, sizes)).domain
        space = Discretisation(MPI.COMM_SELF, domain.points_mm * 1e-3, domain.cells)
        electrodes = tuple(space.nodes_of(domain.surfaces[f"{one.name}.shaft.bare"]) for one in needles)
        return cls(domain, space, EdgeOperators(space), electrodes)

    def dipole(self) -> DipoleBoundary:
        """What lies beyond the ball."""
        outside = self.space.facets_of(self.domain.surfaces["boundary"])
        return DipoleBoundary(RemoteGround(self.operators, outside, np.zeros(3)), 3)

    def field(self, voltage: float, boundary: DipoleBoundary | None) -> PulseField:
        """Field of a pulse [V]."""
        liver = load_tissue("liver")
        intact, opened, onset, saturation = (
            np.full(self.space.cell_count, liver.value(name)) for name in TISSUE_FIELDS
        )
        problem = PairProblem(self.operators, *self.electrodes, boundary=boundary, tolerance=1e-8)
        return problem.solve(PulsedTissue(intact, opened, onset, saturation, np.zeros(self.space.cell_count)), voltage)

    def strength(self, field: PulseField) -> Floats:
        """Field strength at the nodes (count,) [V/m]."""
        return self.operators.distributed(field.field) / self.operators.distributed(np.ones(self.space.cell_count))


def zones(setting: Setting) -> Iterator[tuple[str, float, Floats]]:
    """Name of the model, current [A] and extent (width, depth, height) [mm] of the zone."""
    return zones_in(Pulsed.apart(setting.spacing_mm), setting.voltage, setting.pulses)


def zones_in(pulsed: Pulsed, voltage: float, pulses: int) -> Iterator[tuple[str, float, Floats]]:
    """The same between needles that are there, for a voltage [V] and a number of pulses."""
    field = pulsed.field(voltage, pulsed.dipole())
    for model in electroporation_death_models():
        level = level_of_all(model, [(pulsed.strength(field), float(pulses))], pulsed.space.count)
        yield model.name, field.current, extent(pulsed.space.points * 1e3, pulsed.operators, level)


def extent(points: Floats, operators: EdgeOperators, level: Floats) -> Floats:
    """Extent (3,) of where the level is positive, from where it changes sign along the edges."""
    start, end = operators.edge_start, operators.edge_end
    crossing = np.flatnonzero((level[start] > 0.0) != (level[end] > 0.0))
    a, b = level[start[crossing]], level[end[crossing]]
    share = (a / (a - b))[:, None]
    return np.asarray(np.ptp(points[start[crossing]] * (1.0 - share) + points[end[crossing]] * share, axis=0))


DEPTHS = {(15.0, 2250.0): (17.0, 4.0), (15.0, 3000.0): (20.0, 2.0), (20.0, 3000.0): (19.0, 4.0)}
"""Mean and standard deviation of the depth [mm] by spacing [mm] and voltage [V]."""


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Depth by the single lethal field; by both models as the spread; 20 mm apart over the voltage."""
    near, far = Pulsed.apart(15.0), Pulsed.apart(20.0)
    verdicts = [
        _judged_depth(
            f"depth, 15 mm apart, {setting.voltage:g} V, {setting.pulses} pulses",
            DEPTHS[setting.spacing_mm, setting.voltage],
            [_depths(near, setting.voltage, setting.pulses)],
        )
        for setting in SETTINGS[1:3]
    ]
    voltages = [one["voltage of the needles 20 mm apart"] for one in case.samples(8, seed=301)]
    found = [_depths(far, voltage, SETTINGS[3].pulses) for voltage in voltages]
    name, measured = f"depth, 20 mm apart, {SETTINGS[3].pulses} pulses", DEPTHS[20.0, 3000.0]
    return (*verdicts, _judged_depth(name, measured, found, unknown=case.unknown_text))


def _depths(pulsed: Pulsed, voltage: float, pulses: int) -> dict[str, float]:
    """By model [mm]."""
    return {name: float(size[1]) for name, _, size in zones_in(pulsed, voltage, pulses)}


def _judged_depth(
    name: str, measured: tuple[float, float], found: Sequence[Mapping[str, float]], unknown: str = ""
) -> Verdict:
    depth, spread = measured
    return judged(
        name,
        "mm",
        [one["lethal_field"] for one in found],
        within=(depth - 4, depth + 4),
        reference=depth,
        spread=spread,
        models=tuple(found[0].values()),
        unknown=unknown,
    )


def main() -> None:
    """Print the table."""
    print("| spacing, voltage, pulses | model | current (A) | zone (mm) | measured (mm) |\n|---|---|---|---|---|")
    for setting in SETTINGS:
        for name, current, (width, depth, height) in zones(setting):
            what = f"{setting.spacing_mm:g} mm, {setting.voltage:g} V, {setting.pulses}"
            zone = f"{width:.1f} × {depth:.1f} × {height:.1f}"
            print(f"| {what} | `{name}` | {current:.1f} | {zone} | {setting.measured} |")


if __name__ == "__main__":
    main()
