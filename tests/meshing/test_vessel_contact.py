# SPDX-License-Identifier: LGPL-3.0-or-later
"""Centre lines on a mesh: what a thin and what a wide vessel touches."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.locate import Locator
from imagio_sim.meshing.phantoms import box
from imagio_sim.meshing.quality import cell_sizes_mm
from imagio_sim.meshing.vessel_contact import CentreLine, VesselContact, vessel_contact

SIDE = 20.0


@pytest.fixture(scope="module")
def brick() -> Domain:
    return box(14, SIDE)


def straight(radius: float, *, beyond: float = 0.0, tilt: float = 0.2) -> CentreLine:
    ends = np.array([[10.3 - tilt * 10.0, 9.6, -beyond], [10.3 + tilt * 10.0, 9.6, SIDE + beyond]])
    return CentreLine("v", ends, np.full(2, radius))


def contact(domain: Domain, line: CentreLine) -> VesselContact:
    return vessel_contact(domain, Locator(domain), line)


def wall_means(found: VesselContact, nodal: np.ndarray) -> np.ndarray:
    return np.bincount(found.wall.segment, found.wall.weight * nodal[found.wall.index], minlength=len(found.radius_mm))


@pytest.mark.parametrize("radius", [0.3, 1.2, 4.0])
def test_the_temperature_outside_is_a_mean_about_the_segment(brick: Domain, radius: float) -> None:
    found = contact(brick, straight(radius))
    inner = slice(4, -4)
    assert np.bincount(found.wall.segment, found.wall.weight) == pytest.approx(1.0)
    middles = (found.ends_mm[1:] + found.ends_mm[:-1]) / 2.0
    for axis in range(3):
        assert wall_means(found, brick.points_mm[:, axis])[inner] == pytest.approx(middles[inner, axis], abs=0.25)


def test_a_line_is_cut_into_segments_of_half_a_cell(brick: Domain) -> None:
    found = contact(brick, straight(1.0))
    assert np.diff(found.arc_mm).max() < cell_sizes_mm(brick).max()
    assert found.arc_mm[-1] == pytest.approx(straight(1.0).arc_mm[-1])


def test_only_the_part_within_the_mesh_is_found(brick: Domain) -> None:
    found = contact(brick, straight(1.0, beyond=15.0, tilt=0.0))
    inside = (found.ends_mm[:-1, 2] > 0.0) & (found.ends_mm[1:, 2] < SIDE)
    assert np.all(found.found[inside] == 1.0)
    assert np.all(found.found[found.ends_mm[:-1, 2] > SIDE] == 0.0)
    assert found.wall_area_mm2 == pytest.approx(2.0 * np.pi * SIDE, rel=0.03)


def test_a_thin_vessel_has_no_lumen_of_its_own(brick: Domain) -> None:
    found = contact(brick, straight(0.4))
    assert np.all(found.shell_mm > found.radius_mm)
    assert not found.lumen_fraction.any()
    assert len(found.lumen.index) == 0


def test_a_wide_vessel_keeps_its_volume_and_its_wall(brick: Domain) -> None:
    found = contact(brick, straight(4.0, beyond=5.0, tilt=0.0))
    within = (found.ends_mm[:-1, 2] > 0.0) & (found.ends_mm[1:, 2] < SIDE)
    assert np.all(found.shell_mm[within] < 4.0 + 0.3 * cell_sizes_mm(brick).max())
    assert found.lumen_fraction @ brick.cell_volumes_mm3 == pytest.approx(np.pi * 16.0 * SIDE, rel=0.02)
    assert found.wall_area_mm2 == pytest.approx(2.0 * np.pi * 4.0 * SIDE, rel=0.02)
    inside = brick.points_mm[found.lumen.index]
    assert np.hypot(inside[:, 0] - 10.3, inside[:, 1] - 9.6).max() < 4.0
    assert not np.isin(found.wall.index[found.wall.weight > 0.0], found.lumen.index).any()
    assert found.lumen.weight.sum() == pytest.approx(0.7 * np.pi * 16.0 * SIDE, rel=0.2)
    middles = (found.ends_mm[1:, 2] + found.ends_mm[:-1, 2]) / 2.0
    assert inside[:, 2] == pytest.approx(middles[found.lumen.segment], abs=1.0)


def test_a_taper_is_followed(brick: Domain) -> None:
    line = CentreLine("v", np.array([[10.0, 10.0, 0.0], [10.0, 10.0, SIDE]]), np.array([4.0, 0.5]))
    found = contact(brick, line)
    assert found.radius_mm == pytest.approx(
        np.interp((found.arc_mm[1:] + found.arc_mm[:-1]) / 2.0, [0.0, SIDE], [4.0, 0.5])
    )
    wide, thin = found.shell_mm[2] - found.radius_mm[2], found.shell_mm[-2] - found.radius_mm[-2]
    assert 0.0 < wide < thin
    assert found.lumen.segment.max() < np.flatnonzero(found.radius_mm < 1.0).min()
