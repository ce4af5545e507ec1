# SPDX-License-Identifier: LGPL-3.0-or-later
"""The estimate of a contracted zone."""

from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.phantoms import box
from imagio_sim.outcome.shrinkage import ContractedZone, aerated_share, contracted_zone
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.tissue.contraction import contraction_table
from imagio_sim.tissue.value import load_sources

CUBE = box(10, 40.0)
AXIS = np.array([0.0, 0.0, 1.0])


def contracted(domain: Domain, peak: np.ndarray, aerated: float = 0.0) -> ContractedZone | None:
    middle = 0.5 * (domain.points_mm.min(axis=0) + domain.points_mm.max(axis=0))
    level = 12.0 - np.linalg.norm(domain.points_mm - middle, axis=1)
    return contracted_zone(
        domain, ablation_zone(domain, level, AXIS), peak, aerated=np.full(len(domain.cells), aerated)
    )


def test_a_zone_that_was_equally_hot_shows_its_share_of_the_tables_figure() -> None:
    found, shown = contracted(CUBE, np.full(len(CUBE.points_mm), 75.0)), contraction_table().shown.value
    assert found is not None
    assert found.length_ratio == pytest.approx(1.0 - shown * 0.166)
    assert found.least_ratio < found.length_ratio < found.most_ratio
    assert found.measured_tissue == "liver"
    whole = ablation_zone(CUBE, 12.0 - np.linalg.norm(CUBE.points_mm - CUBE.points_mm.mean(axis=0), axis=1), AXIS)
    assert found.volume_ml == pytest.approx(whole.tissue_volume_ml * (1.0 - shown * 0.166) ** 3, rel=1e-3)
    assert found.short_axis_mm == pytest.approx(whole.short_axis_mm * (1.0 - shown * 0.166), rel=1e-3)


def test_the_range_goes_from_most_of_the_strongest_contraction_to_less_than_none_of_it() -> None:
    found = contracted(CUBE, np.full(len(CUBE.points_mm), 75.0))
    assert found is not None
    assert found.least_ratio == pytest.approx(1.0 - 0.7 * 0.21)
    assert found.most_ratio == pytest.approx(1.0 + 0.3 * 0.21)


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
    assert contracted_zone(CUBE, ablation_zone(CUBE, level, AXIS), None, aerated=np.zeros(len(CUBE.cells))) is None


def test_lung_that_was_coagulated_loses_its_air_besides() -> None:
    collapse = contraction_table().collapse
    airy, airless = (contracted(CUBE, np.full(len(CUBE.points_mm), 75.0), share) for share in (1.0, 0.0))
    assert airy is not None
    assert airless is not None
    shorter = collapse.shown.value * (1.0 - collapse.length_ratio.value)
    assert airy.length_ratio == pytest.approx(airless.length_ratio * (1.0 - shorter))
    assert airy.least_ratio < airy.length_ratio < airy.most_ratio < airless.most_ratio


def test_lung_that_stayed_below_coagulation_keeps_its_air() -> None:
    barely, liver = (contracted(CUBE, np.full(len(CUBE.points_mm), 55.0), share) for share in (1.0, 0.0))
    assert barely is not None
    assert liver is not None
    assert barely.length_ratio == liver.length_ratio


def test_the_share_of_lung_is_found_among_the_tissues_of_a_cell() -> None:
    fractions = np.array([[0.25, 0.75], [1.0, 0.0]])
    nothing = np.zeros(2)
    sampled = Sampled(("liver", "lung_inflated"), fractions, nothing, nothing, nothing, nothing)
    assert aerated_share(sampled) == pytest.approx([0.75, 0.0])
    assert aerated_share(replace(sampled, tissues=("liver", "muscle"))) == pytest.approx([0.0, 0.0])


def test_hotter_tissue_contracts_more_within_its_spread() -> None:
    table = contraction_table()
    temperatures = np.linspace(37.0, 130.0, 94)
    expected = table.linear(temperatures)
    assert np.all(np.diff(expected) >= 0.0)
    assert np.all(table.least(temperatures) <= expected)
    assert np.all(expected <= table.most(temperatures))
    assert table.linear(np.array([60.0, 95.0])) == pytest.approx([0.123, 0.217])
    assert all(value.source in load_sources() for value in table.values)
