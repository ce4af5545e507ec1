# SPDX-License-Identifier: LGPL-3.0-or-later
"""A transducer in front of the patient: where its waves meet the skin and its foci are, what the mesh has to hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.layers import Layers
from imagio_sim.anatomy.model import NOWHERE, Anatomy
from imagio_sim.anatomy.volume import Grid
from imagio_sim.devices.applicator import placement
from imagio_sim.devices.modalities.ultrasound import UltrasoundDevice
from imagio_sim.errors import InputError
from imagio_sim.meshing.recipe import Detail, Support
from imagio_sim.meshing.region import as_point
from imagio_sim.physics.ultrasound import bowl_depth, focal_length, focal_width
from imagio_sim.plan import Assignment, Scenario, assignments, to_lps
from imagio_sim.plan.placement import entry_and_tip
from imagio_sim.plan.programs.ultrasound import Sonications

Floats = NDArray[np.float64]

COUPLING, AIR = "water", "air"

# How far the given apex may lie from where the radius of curvature puts it [mm].
_APEX_TOLERANCE_MM = 1.0
# A body is at least so thick along a ray [mm]: clothing and blankets are not.
_THINNEST_BODY_MM = 10.0
_RAY_STEP_MM = 0.5
# Rays from the rim of the bowl, beside the one along its axis.
_RIM_RAYS = 12
# Tissue around the skin that the beam passes, and around a focus [mm].
_AROUND_SKIN_MM, _AROUND_FOCUS_MM = 20.0, 40.0
# Water left between the plane at which the tissue's grid begins and the first skin [mm].
_BEFORE_SKIN_MM = 1.0


@dataclass(frozen=True, eq=False)
class PlacedTransducer:
    """A transducer in the patient; frame: apex at the origin, +z along the beam [mm].

    Attributes
    ----------
    axes
        Rows are its x, y and z in LPS (3, 3).
    wavelength
        In the coupling medium [m].
    coupling_path_mm
        Depth at which the tissue begins, None where the image shows it.
    where
        Named in errors.
    """

    name: str
    device: UltrasoundDevice
    apex_mm: Floats
    axes: Floats
    wavelength: float
    coupling_path_mm: float | None
    where: str

    coupling = COUPLING
    thinnest_body_mm = _THINNEST_BODY_MM

    @property
    def radius_of_curvature_mm(self) -> float:
        """Distance from the apex to the geometric focus."""
        return self.device.transducer.radius_of_curvature.value

    @property
    def geometric_focus(self) -> Floats:
        """Centre of curvature (3,) in its own frame [m]."""
        return np.array([0.0, 0.0, self.radius_of_curvature_mm * 1e-3])

    @property
    def depth_mm(self) -> float:
        """Depth of the bowl, from its apex to the plane of its rim."""
        return bowl_depth(0.5 * self.device.transducer.aperture.value, self.radius_of_curvature_mm)

    @property
    def focus_width_mm(self) -> float:
        """Width of its focus at half intensity."""
        return 1e3 * focal_width(**self._lengths)

    @property
    def focus_length_mm(self) -> float:
        """Length of its focus at half intensity."""
        return 1e3 * focal_length(**self._lengths)

    @property
    def _lengths(self) -> dict[str, float]:
        transducer = self.device.transducer
        return {
            "wavelength": self.wavelength,
            "aperture_radius": 0.5e-3 * transducer.aperture.value,
            "radius_of_curvature": 1e-3 * transducer.radius_of_curvature.value,
        }

    def to_transducer(self, points_mm: Floats) -> Floats:
        """Points (n, 3) of the patient in its own frame."""
        return np.asarray((points_mm - self.apex_mm) @ self.axes.T)

    def to_patient(self, points_mm: Floats) -> Floats:
        """Points (n, 3) of its own frame in the patient (LPS)."""
        return np.asarray(points_mm @ self.axes + self.apex_mm)

    def beam_radius_mm(self, depth_mm: float) -> float:
        """Radius of the cone from the rim to the geometric focus, at a depth below the apex."""
        radius = self.radius_of_curvature_mm
        share = abs(radius - depth_mm) / (radius - self.depth_mm)
        return 0.5 * self.device.transducer.aperture.value * min(share, 1.0)

    def grid(self, entry_mm: float, *, layers: int, across: int, step_mm: float) -> Grid:
        """Voxels around the axis: the first axis runs along the beam from a face at ``entry_mm``, then y, then x."""
        affine = np.eye(4)
        affine[:3, :3] = step_mm * self.axes[::-1].T
        first = np.array([-0.5 * (across - 1), -0.5 * (across - 1), 0.5]) * step_mm + [0.0, 0.0, entry_mm]
        affine[:3, 3] = self.to_patient(first[None])[0]
        return Grid((layers, across, across), affine)

    def sampled(self, anatomy: Anatomy, points_mm: Floats) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Tissue of points (n, 3) of the patient (-1: beyond the image), and whether the body is there."""
        index, _, outside = anatomy.sample(points_mm)
        if self.coupling_path_mm is not None:
            return index, self.to_transducer(points_mm)[:, 2] >= self.coupling_path_mm
        air = anatomy.tissue_names.index(AIR) if AIR in anatomy.tissue_names else NOWHERE
        known = ~outside | isinstance(anatomy.unlabelled_rule, Layers)
        return index, known & (index != NOWHERE) & (index != air)

    def rays_mm(self, focus_mm: Floats) -> list[Floats]:
        """Points (n, 3) of the patient on the lines from the rim, and from the apex, to just beyond a focus (3,)."""
        angle = 2.0 * np.pi * np.arange(_RIM_RAYS) / _RIM_RAYS
        rim = 0.5 * self.device.transducer.aperture.value
        starts = np.column_stack([rim * np.cos(angle), rim * np.sin(angle), np.full(_RIM_RAYS, self.depth_mm)])
        ends = self.to_patient(np.vstack([np.zeros((1, 3)), starts]))
        lines = []
        for end in ends:
            length = float(np.linalg.norm(focus_mm - end))
            along = np.arange(0.0, length + _THINNEST_BODY_MM, _RAY_STEP_MM) / length
            lines.append(end + along[:, None] * (focus_mm - end))
        return lines

    def skin_mm(self, anatomy: Anatomy, focus_mm: Floats) -> Floats:
        """Where the lines to a focus enter the body (n, 3), that of the axis first; refused where none does."""
        entries = [self._entry(anatomy, line) for line in self.rays_mm(focus_mm)]
        if entries[0] is None:
            raise InputError(
                self.where,
                found="no skin between the transducer and its focus",
                allowed="a focus in the body, and a body that the image shows",
                remedy="check entry (the apex of the bowl) and tip (its focus) and their frame, or give coupling_path",
            )
        return np.array([entry for entry in entries if entry is not None])

    def _entry(self, anatomy: Anatomy, line: Floats) -> Floats | None:
        """First point (3,) of a line in the body; refused where the body begins at the transducer already."""
        _, inside = self.sampled(anatomy, line)
        width = round(_THINNEST_BODY_MM / _RAY_STEP_MM)
        run = np.convolve(inside, np.ones(width), mode="valid") >= width - 0.5
        if not run.any():
            return None
        first = int(run.argmax())
        if first == 0:
            raise InputError(
                self.where,
                found="a transducer that touches the body or lies in it",
                allowed="water between the transducer and the skin",
                remedy="move apex and focus outwards along the axis, or choose a transducer that focuses deeper",
            )
        return np.asarray(line[first])

    def water_mm(self, anatomy: Anatomy) -> float:
        """Depth below the apex at which the grid of the tissue begins: just before the first skin."""
        focus = self.to_patient(self.geometric_focus[None] * 1e3)[0]
        skin = float(self.to_transducer(self.skin_mm(anatomy, focus))[:, 2].min()) - _BEFORE_SKIN_MM
        if skin <= self.depth_mm:
            raise InputError(
                self.where,
                found=f"skin {skin:.0f} mm from the apex, within the bowl, which is {self.depth_mm:.0f} mm deep",
                allowed="skin beyond the rim of the bowl",
                remedy="move apex and focus outwards along the axis, or choose a transducer that focuses deeper",
            )
        return skin


def placed_transducer(scenario: Scenario, plan_name: str, assignment: Assignment) -> PlacedTransducer:
    """The transducer of an applicator; refused where apex and focus are not a radius of curvature apart."""
    device, program = assignment.device, assignment.program
    assert isinstance(device, UltrasoundDevice)
    assert isinstance(program, Sonications)
    where = f"{scenario.origin}: plans.{plan_name}: applicator {assignment.name}"
    apex, focus = entry_and_tip(assignment.applicator, scenario.frame, scenario.base)
    radius, away = device.transducer.radius_of_curvature.value, focus - apex
    if abs(float(np.linalg.norm(away)) - radius) > _APEX_TOLERANCE_MM:
        better = to_lps(as_point(focus - radius * away / np.linalg.norm(away)), scenario.frame)
        raise InputError(
            f"{where}.entry",
            found=f"an apex {np.linalg.norm(away):.1f} mm from the focus",
            allowed=f"{radius:g} mm, the radius of curvature of {device.name}",
            remedy=f"for this axis and tip write entry: [{', '.join(f'{value:.1f}' for value in better)}]",
        )
    x, y, z = placement(focus, apex)[:3, :3].T
    speed = scenario.tissue(COUPLING).value("sound_speed")
    return PlacedTransducer(
        name=assignment.name,
        device=device,
        apex_mm=focus - radius * away / np.linalg.norm(away),
        axes=np.array([x, -y, -z]),
        wavelength=speed / device.frequency.value,
        coupling_path_mm=program.coupling_path,
        where=where,
    )


def foci_mm(scenario: Scenario, assignment: Assignment, placed: PlacedTransducer) -> list[Floats]:
    """Where each sonication is focused (LPS); refused where the array cannot be focused."""
    program, home = assignment.program, placed.to_patient(placed.geometric_focus[None] * 1e3)[0]
    assert isinstance(program, Sonications)
    points = [home if one.focus is None else to_lps(one.focus, scenario.frame) for one in program.sonications]
    for number, point in enumerate(points):
        steered = float(np.linalg.norm(point - home))
        if steered > placed.device.steering_mm + _APEX_TOLERANCE_MM:
            raise InputError(
                f"{placed.where}: sonications[{number}].focus",
                found=f"a point {steered:.1f} mm from the geometric focus",
                allowed=f"at most {placed.device.steering_mm:g} mm, the steering range of {placed.device.name}",
                remedy="place the transducer closer to this point, in a stage of its own",
            )
    return points


def sonication_support(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> Support:
    """What the transducers of a plan ask of its mesh: the skin they sound through, fine cells at every focus."""
    details: list[Detail] = []
    contained: list[tuple[tuple[float, float, float], float]] = []
    for stage in range(len(scenario.plan(plan_name).stages)):
        for assignment in assignments(scenario, plan_name, stage, "ultrasound"):
            placed = placed_transducer(scenario, plan_name, assignment)
            points = foci_mm(scenario, assignment, placed)
            skin = placed.skin_mm(anatomy, points[0])
            contained += [(as_point(np.round(point, 1)), _AROUND_SKIN_MM) for point in skin]
            for point in {tuple(np.round(point, 1)): point for point in points}.values():
                _require_tissue(placed, anatomy, point)
                reach = 0.5 * placed.focus_length_mm * placed.axes[2]
                ends = (as_point(np.round(point - reach, 1)), as_point(np.round(point + reach, 1)))
                details.append(Detail(ends, round(placed.focus_width_mm, 2)))
                contained.append((as_point(np.round(point, 1)), _AROUND_FOCUS_MM))
    return Support(tuple(dict.fromkeys(details)), tuple(dict.fromkeys(contained)))


def _require_tissue(placed: PlacedTransducer, anatomy: Anatomy, focus_mm: Floats) -> None:
    """Refuse a focus beyond the body, or in water or gas."""
    index, inside = placed.sampled(anatomy, focus_mm[None])
    if not inside[0] or index[0] == NOWHERE:
        raise InputError(
            placed.where,
            found=f"an acoustic focus outside the body, at LPS ({', '.join(f'{value:.1f}' for value in focus_mm)}) mm",
            allowed="a focus in tissue within the region",
            remedy="check tip, sonications[].focus and their frame (RAS or LPS)",
        )
