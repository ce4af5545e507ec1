# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan with laser fibres to what the solver takes, and what is refused on the way."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.campaign.modalities.laser import beam, sources
from imagio_sim.campaign.modalities.setting import StageSetting
from imagio_sim.devices import PlacedApplicator, load_device
from imagio_sim.devices.modalities.laser import BareTip, LaserDevice
from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Sampled
from imagio_sim.meshing.phantoms import box, half_plane
from imagio_sim.plan import placed_applicators, scenario_of
from imagio_sim.solve.sources.laser import LaserSpec
from imagio_sim.tissue import load_constants
from tests.plan.conftest import SCENARIO

SIDE_MM = 40.0
CONSTANTS = {name: value.value for name, value in load_constants().items()}


def applicator(device: str, across: float = 20.0) -> dict[str, Any]:
    """Down the middle of the cube from above; RAS."""
    return {"device": device, "entry": [-across, -20.0, 120.0], "tip": [-across, -20.0, 20.0]}


def setting(tmp_path: Path, *devices: str, tissues: tuple[str, ...] = ("liver", "muscle", "air")) -> StageSetting:
    """Fibres side by side in a cube, two thirds of it the first tissue and the rest the second."""
    data = copy.deepcopy(SCENARIO)
    data["plans"]["A"] = {
        "applicators": [applicator(name, 15.0 + 8.0 * number) for number, name in enumerate(devices)],
        "program": {"mode": "constant_power", "power": "5 W", "duration": "6 min"},
    }
    scenario = scenario_of(data, base=tmp_path, where="small.yaml")
    domain = box(6, SIDE_MM)
    cells = len(domain.cells)
    fractions = np.zeros((cells, len(tissues)))
    fractions[:, 0], fractions[:, 1] = 2.0 / 3.0, 1.0 / 3.0
    none = np.zeros(cells)
    sampled = Sampled(tissues, fractions, none, none, none, none)
    geometry = StageGeometry(placed_applicators(scenario, "A", 0), domain, sampled, 0.0, ())
    return StageSetting(scenario, "A", 0, geometry, CONSTANTS)


def spec_of(given: StageSetting) -> LaserSpec:
    (spec,) = sources(given)
    assert isinstance(spec, LaserSpec)
    return spec


def test_a_cell_has_the_optics_of_its_tissues_by_volume(tmp_path: Path) -> None:
    spec = spec_of(setting(tmp_path, "laser_diffuser_2cm"))
    assert spec.absorption == pytest.approx((2.0 * 50.0 + 23.0) / 3.0)
    assert spec.coagulated_reduced_scattering == pytest.approx((2.0 * 1500.0 + 1300.0) / 3.0)


def test_a_tissue_that_is_nowhere_in_the_region_needs_no_optics(tmp_path: Path) -> None:
    assert np.isfinite(
        spec_of(setting(tmp_path, "laser_diffuser_2cm", tissues=("liver", "fat", "air"))).absorption
    ).all()


def test_a_tissue_without_optics_at_the_wavelength_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tissue 'air'.*no value for 'optical_absorption_1064_nm'"):
        sources(setting(tmp_path, "laser_diffuser_2cm", tissues=("liver", "air")))


def test_a_wavelength_that_no_tissue_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagio_sim.campaign.modalities.laser.LASER_WAVELENGTHS_NM", (980,))
    with pytest.raises(InputError, match="expected 980 nm, got a laser of 1064 nm"):
        sources(setting(tmp_path, "laser_diffuser_2cm"))


def test_the_tissue_gets_what_the_applicator_lets_through(tmp_path: Path) -> None:
    spec = spec_of(setting(tmp_path, "laser_diffuser_2cm", "laser_bare_600um"))
    assert [fibre.power for fibre in spec.fibres] == pytest.approx([0.9 * 5.0, 0.95 * 5.0])
    diffuser, bare = spec.fibres
    assert (diffuser.surface, diffuser.rays) == ("applicator_1.shaft.diffuser", None)
    assert bare.surface is None
    assert bare.rays is not None
    assert bare.pulses == ((0.0, 360.0),)


def test_a_bare_fibre_that_shines_into_the_air_is_refused(tmp_path: Path) -> None:
    given = setting(tmp_path, "laser_bare_600um")
    (placed,) = given.geometry.applicators
    raised = np.eye(4)
    raised[2, 3] = 50.0
    above = replace(placed, rods=tuple(rod.moved(raised) for rod in placed.rods))
    with pytest.raises(InputError, match="applicator_1: expected tissue ahead of the tip"):
        sources(replace(given, geometry=replace(given.geometry, applicators=(above,))))


def test_a_beam_begins_at_the_tip_and_opens_as_its_aperture_says(tmp_path: Path) -> None:
    given = setting(tmp_path, "laser_bare_600um")
    (placed,) = given.geometry.applicators
    rays = beam(given.geometry.domain, placed, tip_of("laser_bare_600um"), refractive_index=1.4)
    assert rays.shares.sum() == pytest.approx(1.0)
    centre = rays.points.mean(axis=0) * 1e3
    assert centre[:, :2] == pytest.approx(np.broadcast_to(placed.tip_mm[:2], (len(centre), 2)))
    depth = placed.tip_mm[2] - centre[:, 2]
    assert (np.diff(depth) > 0.0).all()
    assert depth == pytest.approx(np.cumsum(rays.lengths * 1e3) - 0.5e3 * rays.lengths)
    width = np.linalg.norm(rays.points * 1e3 - centre, axis=2).max(axis=0)
    assert (width[-1] - width[0]) / (depth[-1] - depth[0]) == pytest.approx(
        np.sqrt(0.75) * np.tan(np.arcsin(0.37 / 1.4))
    )


def test_a_ray_ends_where_it_leaves_the_mesh(tmp_path: Path) -> None:
    given = setting(tmp_path, "laser_bare_600um")
    (placed,) = given.geometry.applicators
    rays = beam(given.geometry.domain, placed, tip_of("laser_bare_600um"), refractive_index=1.4)
    inside = rays.cells[0] >= 0
    assert inside[0]
    assert not inside[-1]
    assert (np.diff(inside.astype(int)) <= 0).all()


def test_in_the_half_plane_the_beam_points_away_from_the_hub() -> None:
    raised = np.eye(4)
    raised[2, 3] = 12.0
    rods = tuple(rod.moved(raised) for rod in load_device("laser_bare_600um").applicator())
    placed = PlacedApplicator("bare", "laser_bare_600um", rods, (0.0, 0.0, 112.0), (0.0, 0.0, 12.0))
    rays = beam(half_plane(20.0, 20.0, 4, 4), placed, tip_of("laser_bare_600um"), refractive_index=1.4)
    assert rays.points.shape[-1] == 2
    assert (rays.points[..., 0] > 0.0).all()
    depth = 12e-3 - rays.points[..., 1]
    assert depth == pytest.approx(np.broadcast_to(np.cumsum(rays.lengths) - 0.5 * rays.lengths, depth.shape))
    assert (rays.cells[:, 0] >= 0).all()


def tip_of(name: str) -> BareTip:
    device = load_device(name)
    assert isinstance(device, LaserDevice)
    assert isinstance(device.emission, BareTip)
    return device.emission
