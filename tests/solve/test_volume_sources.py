# SPDX-License-Identifier: LGPL-3.0-or-later
"""Heat and perfusion that come as fields: sources with a time window, from voxels too, and perfusion images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.anatomy.volume import Grid
from imagio_sim.devices.generator import ConstantDrive
from imagio_sim.meshing.phantoms import ball
from imagio_sim.meshing.transfer import VoxelTransfer
from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.sources import VolumeSource
from tests.solve.bricks import FIELDS, GENEROUS, SIDE_MM, begun, cube, driven, finished

RADIUS_MM = 12.0


def sphere(density: float, **changes: float) -> ThermalCase:
    """A ball that is heated evenly, without blood and with constant properties."""
    domain = ball(RADIUS_MM, 1.5)
    cells = len(domain.cells)
    fields = {**FIELDS, "perfusion_rate": 0.0, "thermal_conductivity_slope": 0.0, **changes}
    return replace(
        cube(),
        domain=domain,
        cell_fields={name: np.full(cells, value) for name, value in fields.items()},
        vessel_conductance=np.zeros(cells),
        lumen_fraction=np.zeros(cells),
        sources=(VolumeSource("seeds", np.full(cells, density), 0.0, 1e6),),
        end_time=20000.0,
    )


def test_an_evenly_heated_sphere_takes_the_parabola_of_its_closed_form() -> None:
    density, conductivity = 2.0e4, FIELDS["thermal_conductivity"]
    stage = finished(sphere(density))
    radius = np.linalg.norm(stage.space.points, axis=1)
    expected = 37.0 + density * ((RADIUS_MM * 1e-3) ** 2 - radius**2) / (6.0 * conductivity)
    assert np.abs(stage.temperature - expected).max() < 0.02 * (expected.max() - 37.0)


def test_a_perfused_sphere_takes_the_hyperbolic_sine_of_its_closed_form() -> None:
    density, perfusion = 2.0e4, 0.01
    stage = finished(sphere(density, perfusion_rate=perfusion))
    sink = perfusion * 3.8e6
    depth = np.sqrt(FIELDS["thermal_conductivity"] / sink)
    radius = np.maximum(np.linalg.norm(stage.space.points, axis=1), 1e-9)
    outer = RADIUS_MM * 1e-3
    expected = 37.0 + density / sink * (1.0 - outer * np.sinh(radius / depth) / (radius * np.sinh(outer / depth)))
    assert np.abs(stage.temperature - expected).max() < 0.03 * (expected.max() - 37.0)


def two_sources() -> ThermalCase:
    case = cube(end_time=100.0)
    size = len(case.domain.cells)
    left = case.domain.points_mm[case.domain.cells].mean(axis=1)[:, 0] < SIDE_MM / 2.0
    return replace(
        case,
        sources=(
            VolumeSource("beam", np.where(left, 1.0e6, 0.0), 20.0, 45.5),
            VolumeSource("seeds", np.full(size, 2.0e4), 0.0, 200.0),
        ),
    )


def test_a_source_gives_its_heat_in_its_window_and_is_booked_by_name() -> None:
    stage = finished(two_sources())
    volume = (SIDE_MM * 1e-3) ** 3
    assert stage.ledger.deposited["beam"] == pytest.approx(1.0e6 * 0.5 * volume * 25.5, rel=1e-9)
    assert stage.ledger.deposited["seeds"] == pytest.approx(2.0e4 * volume * 100.0, rel=1e-9)
    assert stage.ledger.source == pytest.approx(sum(stage.ledger.deposited.values()))
    assert stage.ledger.balance_error < 1e-6
    times = [row["time_s"] for row in stage.history]
    assert all(any(time == pytest.approx(event, abs=1e-6) for time in times) for event in (20.0, 45.5, 100.0))
    assert stage.summary()["energy"]["source_by_name_J"].keys() == {"metabolism", "beam", "seeds"}


def test_steps_are_short_after_a_source_is_switched() -> None:
    stage = finished(two_sources())
    for event in (20.0, 45.5):
        following = next(row["step_s"] for row in stage.history if row["time_s"] > event + 1e-6)
        assert following <= Numerics().first_step


def test_a_source_adds_to_what_a_generator_deposits() -> None:
    drive = ConstantDrive(limits=GENEROUS, duration=10.0, kind="power", value=3.0)
    cells = len(cube().domain.cells)
    stage = finished(driven(drive, sources=(VolumeSource("seeds", np.full(cells, 2.5e5), 0.0, 10.0),)))
    for row in stage.history:
        both = 3.0 + 2.5e5 * (SIDE_MM * 1e-3) ** 3
        assert row["deposited_power_W"] + row["far_field_power_W"] == pytest.approx(both, rel=1e-6)
    assert stage.load.heat.min() > 2.5e5


def test_sources_survive_the_file_and_the_checkpoint(tmp_path: Path) -> None:
    case = two_sources()
    save_case(case, tmp_path / "case.npz")
    again = load_case(tmp_path / "case.npz")
    assert [(s.name, s.start, s.end) for s in again.sources] == [("beam", 20.0, 45.5), ("seeds", 0.0, 200.0)]
    assert all(np.array_equal(a.density, b.density) for a, b in zip(again.sources, case.sources, strict=True))
    whole, first, second = begun(case), begun(again), begun(again)
    while whole.time < 45.5 - 1e-9:
        whole.advance()
        first.advance()
    save_checkpoint(first, tmp_path / "state.npz", digest="x")
    assert load_checkpoint(second, tmp_path / "state.npz", digest="x")
    whole.advance()
    second.advance()
    assert second.time == whole.time
    assert second.temperature == pytest.approx(whole.temperature, rel=1e-9)
    assert second.ledger == whole.ledger


def test_a_source_on_voxels_keeps_its_power_on_the_mesh() -> None:
    case = cube(end_time=5.0)
    grid = Grid.around(np.full(3, -3.0), np.full(3, 25.0), 1.3)
    centres = grid.to_lps(np.indices(grid.shape, dtype=float).reshape(3, -1).T).reshape(*grid.shape, 3)
    focus = 5.0e6 * np.exp(-(((centres - 10.0) / 3.0) ** 2).sum(axis=-1))
    density = VoxelTransfer(case.domain, grid).cell_densities(focus)
    stage = finished(replace(case, sources=(VolumeSource("beam", density, 0.0, 5.0),)))
    watts = focus.sum() * grid.voxel_volume_mm3 * 1e-9
    assert stage.ledger.deposited["beam"] == pytest.approx(5.0 * watts, rel=1e-3)  # tails lie beyond the cube
    hottest = stage.space.points[stage.temperature.argmax()] * 1e3
    assert np.linalg.norm(hottest - 10.0) < 3.0


def test_perfusion_is_a_field_of_the_cells() -> None:
    case = cube(end_time=300.0, sources=(VolumeSource("seeds", np.full(len(cube().domain.cells), 1.0e5), 0.0, 300.0),))
    left = case.domain.points_mm[case.domain.cells].mean(axis=1)[:, 0] < SIDE_MM / 2.0
    image = np.where(left, 0.0, 0.03)
    stage = finished(replace(case, cell_fields={**case.cell_fields, "perfusion_rate": image}))
    x, z = stage.space.points[:, 0], stage.space.points[:, 2]
    inner = np.abs(z - z.max() / 2.0) < 1e-6
    embolised = stage.temperature[inner & (x < 0.25 * x.max())].mean()
    perfused = stage.temperature[inner & (x > 0.75 * x.max())].mean()
    assert embolised - 37.0 > 2.0 * (perfused - 37.0)
    assert stage.ledger.balance_error < 1e-6
