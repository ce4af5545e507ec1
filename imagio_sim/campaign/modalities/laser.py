# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laser fibres of a stage: what shines where, what swallows light, and the optics of every cell."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.devices.modalities.laser import BareTip, DiffuserTip, LaserDevice
from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.physics.laser import internal_reflection
from imagio_sim.plan import Assignment
from imagio_sim.plan.programs.laser import LaserProgram
from imagio_sim.solve.light import Rays
from imagio_sim.solve.sources import SourceSpec
from imagio_sim.solve.sources.laser import Fibre, LaserSpec, LightLoss
from imagio_sim.tissue import property_table
from imagio_sim.tissue.death import DECIDING, HEAT
from imagio_sim.tissue.properties import LASER_WAVELENGTHS_NM, optical_property

Floats = NDArray[np.float64]

# A beam is followed over this depth [mm] in pieces that grow from the shortest; it is rings of so many rays.
_DEPTH_MM, _SHORTEST_PIECE_MM, _PIECES = 60.0, 0.1, 60
_RINGS, _RAYS_PER_RING = 2, 6


def sources(setting: StageSetting) -> tuple[SourceSpec, ...]:
    """All fibres together, because they share the tissue that their light coagulates."""
    fibres = setting.assignments("laser")
    wavelength = _wavelength(setting, fibres)
    return (
        LaserSpec(
            fibres=tuple(_fibre(setting, one) for one in fibres),
            losses=tuple(_losses(setting)),
            absorption=_optics(setting, "optical_absorption", wavelength, coagulated=False),
            reduced_scattering=_optics(setting, "reduced_scattering", wavelength, coagulated=False),
            coagulated_absorption=_optics(setting, "optical_absorption", wavelength, coagulated=True),
            coagulated_reduced_scattering=_optics(setting, "reduced_scattering", wavelength, coagulated=True),
            coagulation_model=DECIDING[HEAT],
        ),
    )


def _device(assignment: Assignment) -> LaserDevice:
    assert isinstance(assignment.device, LaserDevice)
    return assignment.device


def _wavelength(setting: StageSetting, fibres: tuple[Assignment, ...]) -> int:
    """The one wavelength [nm] of all fibres of a stage; one without data is refused."""
    (wavelength,) = {_device(one).laser.wavelength.value for one in fibres}
    if wavelength not in LASER_WAVELENGTHS_NM:
        raise InputError(
            f"{setting.scenario.origin}: plans.{setting.plan_name}",
            found=f"a laser of {wavelength:g} nm",
            allowed=" or ".join(f"{value} nm" for value in LASER_WAVELENGTHS_NM),
            remedy="choose a device of a wavelength that tissues have data of",
        )
    return int(wavelength)


def _optics(setting: StageSetting, name: str, wavelength_nm: int, *, coagulated: bool) -> Floats:
    """A coefficient (m,) [1/m] per cell: of its tissues, by volume; a tissue without it is refused."""
    sampled = setting.geometry.sampled
    present = np.flatnonzero(sampled.fractions.max(axis=0) > 0.0)
    tissues = [setting.scenario.tissue(sampled.tissues[one]) for one in present]
    quantity = optical_property(name, wavelength_nm=wavelength_nm, coagulated=coagulated)
    return np.asarray(sampled.fractions[:, present] @ property_table(tissues, [quantity])[quantity])


def _fibre(setting: StageSetting, assignment: Assignment) -> Fibre:
    device, program, placed = _device(assignment), assignment.program, setting.placed(assignment.name)
    assert isinstance(program, LaserProgram)
    surface = rays = None
    if isinstance(device.emission, DiffuserTip):
        surface = f"{placed.name}.{placed.rods[0].name}.{device.emission.section}"
    else:
        index = setting.constants["optical_refractive_index"]
        rays = beam(setting.geometry.domain, placed, device.emission, refractive_index=index)
        _require_tissue_ahead(setting, assignment.name, rays)
    pulses = tuple((assignment.start + begin, assignment.start + end) for begin, end in program.pulses)
    return Fibre(assignment.name, surface, rays, program.power * device.transmission.value, pulses)


def _require_tissue_ahead(setting: StageSetting, name: str, rays: Rays) -> None:
    if not (rays.cells[:, 0] >= 0).any():
        raise InputError(
            f"{setting.scenario.origin}: plans.{setting.plan_name}: applicator {name}",
            found="a bare fibre whose tip is not in tissue",
            allowed="tissue ahead of the tip",
            remedy="check entry and tip and their frame",
        )


def _losses(setting: StageSetting) -> list[LightLoss]:
    """The region's end and the skin; applicators send back what meets them."""
    surfaces = setting.geometry.domain.surfaces
    reflected = internal_reflection(setting.constants["optical_refractive_index"])
    losses = [LightLoss("boundary", 1.0)]
    if len(surfaces.get("skin", ())):
        losses.append(LightLoss("skin", 1.0 - reflected))
    return losses


def beam(domain: Domain, placed: PlacedApplicator, tip: BareTip, *, refractive_index: float) -> Rays:
    """The cone of light ahead of a bare fibre as rays of equal power."""
    edges_mm = np.concatenate([[0.0], np.geomspace(_SHORTEST_PIECE_MM, _DEPTH_MM, _PIECES)])
    depth_mm = 0.5 * (edges_mm[1:] + edges_mm[:-1])
    spread = math.tan(math.asin(tip.numerical_aperture.value / refractive_index))
    rings = np.sqrt((np.arange(_RINGS) + 0.5) / _RINGS)
    off_axis_mm = rings[:, None] * (tip.core_diameter.value / 2.0 + spread * depth_mm)
    points_mm = domain.located(_around_axis(placed, off_axis_mm, depth_mm).reshape(-1, 3))
    found = Locator(domain).cells(points_mm).reshape(-1, len(depth_mm))
    cells = np.where(np.logical_and.accumulate(found >= 0, axis=1), found, -1)
    count = len(cells)
    points_mm = points_mm.reshape(count, len(depth_mm), -1)
    return Rays(points_mm * 1e-3, np.diff(edges_mm) * 1e-3, cells, np.full(count, 1.0 / count))


def _around_axis(placed: PlacedApplicator, off_axis_mm: Floats, depth_mm: Floats) -> Floats:
    """Points (rays, samples, 3) [mm] of rays on rings around the axis ahead of the tip."""
    tip, behind = np.array(placed.rods[0].path_mm[0]), np.array(placed.rods[0].path_mm[1])
    ahead = (tip - behind) / np.linalg.norm(tip - behind)
    across = np.cross(ahead, np.eye(3)[np.abs(ahead).argmin()])
    across /= np.linalg.norm(across)
    up = np.cross(ahead, across)
    angles = 2.0 * np.pi * np.arange(_RAYS_PER_RING) / _RAYS_PER_RING
    directions = np.outer(np.cos(angles), across) + np.outer(np.sin(angles), up)
    radial = off_axis_mm[:, None, :, None] * directions[None, :, None, :]
    points = tip + depth_mm[:, None] * ahead + radial
    return np.asarray(points.reshape(-1, len(depth_mm), 3))
