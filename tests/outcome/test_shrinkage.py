# SPDX-License-Identifier: LGPL-3.0-or-later
"""The estimate of a contracted zone."""

import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.phantoms import box
from imagio_sim.outcome.shrinkage import ContractedZone, contracted_zone
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.tissue.contraction import contraction_table
from imagio_sim.tissue.value import load_sources

CUBE = box(10, 40.0)
AXIS = np.array([0.0, 0.0, 1.0])


def contracted(domain: Domain, peak: np.ndarray) -> ContractedZone | None:
    middle = 0.5 * (domain.points_mm.min(axis=0) + domain.points_mm.max(axis=0))
    level = 12.0 - np.linalg.norm(domain.points_mm - middle, axis=1)
    return contracted_zone(domain, ablation_zone(domain, level, AXIS), peak)


def test_a_zone_that_was_equally_hot_shrinks_by_the_tables_figure() -> None:
    found = contracted(CUBE, np.full(len(CUBE.points_mm), 75.0))
    assert found is not None
    assert found.length_ratio == pytest.approx(1.0 - 0.166)
    assert found.least_ratio < found.length_ratio < found.most_ratio
    assert found.measured_tissue == "liver"
    whole = ablation_zone(CUBE, 12.0 - np.linalg.norm(CUBE.points_mm - CUBE.points_mm.mean(axis=0), axis=1), AXIS)
    assert found.volume_ml == pytest.approx(whole.tissue_volume_ml * (1.0 - 0.166) ** 3, rel=1e-3)
    assert found.short_axis_mm == pytest.approx(whole.short_axis_mm * (1.0 - 0.166), rel=1e-3)


def test_a_hotter_core_shrinks_the_zone_more() -> None:
    distance = np.linalg.norm(CUBE.points_mm - CUBE.points_mm.mean(axis=0), axis=1)
    even, core = contracted(CUBE, np.full(len(distance), 65.0)), contracted(CUBE, np.where(distance < 8.0, 110.0, 65.0))
    assert even is not None
    assert core is not None
    assert core.length_ratio < even.length_ratio


@pytest.mark.parametrize("peak", [37.0, -40.0])
def test_a_zone_that_was_never_hot_does_not_contract(peak: float) -> None:
    assert contracted(CUBE, np.full(len(CUBE.points_mm), peak)) is None


def test_without_a_record_of_temperatures_there_is_no_estimate() -> None:
    level = 12.0 - np.linalg.norm(CUBE.points_mm - CUBE.points_mm.mean(axis=0), axis=1)
    assert contracted_zone(CUBE, ablation_zone(CUBE, level, AXIS), None) is None


def test_hotter_tissue_contracts_more_within_its_spread() -> None:
    table = contraction_table()
    temperatures = np.linspace(37.0, 130.0, 94)
    expected = table.linear(temperatures)
    assert np.all(np.diff(expected) >= 0.0)
    assert np.all(table.least(temperatures) <= expected)
    assert np.all(expected <= table.most(temperatures))
    assert table.linear(np.array([60.0, 95.0])) == pytest.approx([0.123, 0.217])
    assert all(value.source in load_sources() for value in table.values)
