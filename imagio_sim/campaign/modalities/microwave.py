# SPDX-License-Identifier: LGPL-3.0-or-later
"""Microwave antennas of a stage: their half planes, where they are, and the tissues on their way."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.devices.modalities.microwave import AntennaInside, MicrowaveDevice
from imagio_sim.errors import InputError
from imagio_sim.meshing.antenna import antenna_mesh
from imagio_sim.meshing.antenna_layout import antenna_recipe
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.recipe import reach_for
from imagio_sim.plan import Assignment
from imagio_sim.plan.placement import as_triple
from imagio_sim.plan.programs.microwave import MicrowaveProgram
from imagio_sim.solve.microwave_coupling import Placement
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.microwave import MICROWAVE, Antenna, DielectricPart, MicrowaveSpec, PowerStep
from imagio_sim.tissue.dielectric import BANDS, Dielectric, band_of, dielectric, load_model

PERMITTIVITY_TOLERANCE = 0.03
"""Relative change of the permittivity after which a field is solved anew: docs/theory/microwave.md."""

# Beyond this distance next to nothing is left of a wave in tissue; what is, counts as radiated.
_FARTHEST_MM = 100.0
# How far off the shaft, in its radii, there must be tissue beside a slot.
_BESIDE_SLOT = 2.0


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """One source for the antennas of each frequency."""
    bands: dict[str, list[Assignment]] = {}
    for assignment in setting.assignments("microwave"):
        band = band_of(_device(assignment).antenna.frequency.value, where=_where(setting, assignment))
        bands.setdefault(band, []).append(assignment)
    return tuple(_spec(setting, band, found, alone=len(bands) == 1) for band, found in bands.items())


def _device(assignment: Assignment) -> MicrowaveDevice:
    assert isinstance(assignment.device, MicrowaveDevice)
    return assignment.device


def _where(setting: StageSetting, assignment: Assignment) -> str:
    return f"{setting.scenario.origin}: plans.{setting.plan_name}: {assignment.name}"


def _spec(setting: StageSetting, band: str, found: Sequence[Assignment], *, alone: bool) -> MicrowaveSpec:
    sampled = setting.geometry.sampled
    present = np.flatnonzero(sampled.fractions.any(axis=0))
    names = [sampled.tissues[number] for number in present]
    return MicrowaveSpec(
        name=MICROWAVE if alone else f"{MICROWAVE}_{band}",
        frequency=BANDS[band],
        antennas=tuple(_antenna(setting, assignment) for assignment in found),
        tissues=_tissues(setting, names, band, _where(setting, found[0])),
        fractions=sampled.fractions[:, present],
        tolerance=PERMITTIVITY_TOLERANCE,
    )


def _tissues(setting: StageSetting, names: Sequence[str], band: str, where: str) -> tuple[Dielectric, ...]:
    """The tissues of the region; one without data is refused."""
    scenario = setting.scenario
    model = load_model(band, scenario.solver.dielectric_model, highest=setting.constants["vaporisation_start"])
    return tuple(dielectric(scenario.tissue(name), band, model, where=where) for name in names)


def _antenna(setting: StageSetting, assignment: Assignment) -> Antenna:
    device, program = _device(assignment), assignment.program
    assert isinstance(program, MicrowaveProgram)
    inside, domain = device.antenna, setting.geometry.domain
    placed = setting.placed(assignment.name)
    placement = _placement(placed, inside.arm_length_mm)
    _require_tissue(domain, placement, inside, placed.rods[0].radius_mm, where=_where(setting, assignment))
    recipe = antenna_recipe(
        placed.rods[0],
        inside,
        radius_mm=_field_radius(domain, placement, inside),
        reach_mm=reach_for(placed.rods, largest_zone_mm=device.largest_zone.value),
    )
    return Antenna(
        name=assignment.name,
        mesh=antenna_mesh(recipe),
        port=recipe.port,
        materials=tuple(
            DielectricPart(name, material.permittivity.value, material.loss_tangent.value)
            for name, material in inside.materials.items()
        ),
        placement=placement,
        wall_resistance=inside.wall_resistance.value,
        transmission=inside.line.transmission.value,
        steps=tuple(PowerStep(assignment.start + time, power) for time, power in program.steps),
        phase=None if program.phase is None else math.radians(program.phase),
    )


def _placement(placed: PlacedApplicator, arm_mm: float) -> Placement:
    """Tip and direction of an antenna, whose shaft begins behind its arm."""
    path = np.array(placed.rods[0].path_mm)
    axis = (path[-1] - path[0]) / np.linalg.norm(path[-1] - path[0])
    return Placement(as_triple(path[0] - arm_mm * axis), as_triple(axis))


def _field_radius(domain: Domain, placement: Placement, inside: AntennaInside) -> float:
    """Radius [mm] of the half disc of the field: all of the region, as far as waves go."""
    place = placement.half_plane(domain.points_mm)
    middle = 0.5 * sum(inside.radiating_mm)
    farthest = float(np.hypot(place[:, 0], place[:, 1] - middle).max())
    # Whole millimetres, so that nearly equal regions share a mesh.
    return min(math.ceil(farthest), _FARTHEST_MM)


def _require_tissue(
    domain: Domain, placement: Placement, inside: AntennaInside, radius_mm: float, *, where: str
) -> None:
    """Refuse an antenna with a slot that has no tissue beside it."""
    heights = np.array([height for slot in inside.slots for height in (slot.start, slot.end)])
    beside = np.column_stack([np.full(len(heights), _BESIDE_SLOT * radius_mm), heights])
    points = placement.in_half_plane(beside) if domain.axisymmetric else placement.circles(beside).reshape(-1, 3)
    share = float((Locator(domain).cells(points) >= 0).mean())
    if share < 1.0:
        low, high = inside.radiating_mm
        raise InputError(
            where,
            found=f"a slot with tissue on only {100.0 * share:.0f} % of its sides",
            allowed=f"tissue all around the stretch from {low:g} mm to {high:g} mm behind the tip",
            remedy="push the antenna farther in, or turn it away from the surface",
        )
