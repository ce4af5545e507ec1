# SPDX-License-Identifier: LGPL-3.0-or-later
"""The pharmacy's ion-exchange constants are those that the elution of four products gives (validation DR04, DR09)."""

import numpy as np
import pytest

from imagio_sim.pharmacy.particles import load_particles
from validation.experiments.elution import (
    BATH_RATIO,
    DOXORUBICIN,
    IDARUBICIN,
    MINUTE,
    UNRESISTING,
    Elution,
    apparatus_transfer,
    behind_the_same_film,
    calibrated,
    fickian,
    film,
    half_saturation,
    of_library,
    predicted,
)

PAIRS = list(zip(DOXORUBICIN, IDARUBICIN, strict=True))


@pytest.mark.parametrize("elution", DOXORUBICIN, ids=lambda one: one.particles)
def test_doxorubicin_comes_out_as_measured(elution: Elution) -> None:
    held = of_library(elution.particles, elution.drug, elution.dose)
    assert held.plateau() == pytest.approx(elution.plateau, rel=0.01)
    assert held.time_of(0.75) == pytest.approx(elution.t75_min * MINUTE, rel=0.01)


@pytest.mark.parametrize(("known", "elution"), PAIRS, ids=lambda one: one.particles)
def test_idarubicin_has_its_own_equilibrium_and_the_rate_that_follows(known: Elution, elution: Elution) -> None:
    held = of_library(elution.particles, elution.drug, elution.dose)
    follows = predicted(elution, calibrated(known), rate_follows=True)
    assert held.plateau() == pytest.approx(elution.plateau, rel=0.01)
    assert held.rate == pytest.approx(follows.rate, rel=0.01)


@pytest.mark.parametrize("elution", DOXORUBICIN, ids=lambda one: one.particles)
def test_beads_are_faster_than_their_apparatus_lets_them_seem(elution: Elution) -> None:
    alone, behind = (calibrated(elution, transfer=transfer) for transfer in (np.inf, apparatus_transfer()))
    assert behind.rate > 1.5 * alone.rate
    for beads in (alone, behind):
        assert beads.time_of(0.75) == pytest.approx(elution.t75_min * MINUTE, rel=0.01)


def test_without_an_apparatus_a_bath_is_approached_as_the_closed_form_says() -> None:
    """First order in a bath so large that nothing comes back."""
    beads = calibrated(DOXORUBICIN[1], transfer=np.inf)
    assert beads.time_of(0.75, 1e12) == pytest.approx(np.log(4.0) / beads.rate, rel=1e-4)


def test_beads_without_resistance_leave_all_of_it_to_the_apparatus() -> None:
    tandem = DOXORUBICIN[3]
    layer = film(tandem)
    assert layer.transfer == apparatus_transfer()
    assert calibrated(tandem).rate == UNRESISTING
    assert layer.time(calibrated(tandem).load, 0.75 * tandem.plateau, BATH_RATIO) == pytest.approx(77.0 * MINUTE)


def test_the_apparatus_that_doxorubicin_tells_is_that_of_idarubicin_where_beads_hold_both_tightly() -> None:
    found = [behind_the_same_film(ida, film(dox)) / MINUTE for dox, ida in PAIRS]
    measured = [ida.t75_min for _, ida in PAIRS]
    assert found[2] == pytest.approx(measured[2], rel=0.1)
    assert found[3] == pytest.approx(measured[3], rel=0.01)
    assert found[0] > 4.0 * measured[0]
    assert found[1] > 4.0 * measured[1]


@pytest.mark.parametrize(("known", "elution"), PAIRS, ids=lambda one: one.particles)
def test_the_rate_does_not_depend_on_the_assumed_bath(known: Elution, elution: Elution) -> None:
    small, large = (calibrated(known, ratio) for ratio in (20.0, 500.0))
    assert small.rate == pytest.approx(large.rate, rel=1e-6)
    assert half_saturation(known, 20.0) == pytest.approx(25.0 * half_saturation(known, 500.0), rel=1e-9)
    times = [
        predicted(elution, beads, rate_follows=True, bath_ratio=ratio).time_of(0.75, ratio)
        for beads, ratio in ((small, 20.0), (large, 500.0))
    ]
    assert times[0] == pytest.approx(times[1], rel=1e-4)


@pytest.mark.parametrize(("known", "elution"), PAIRS, ids=lambda one: one.particles)
def test_diffusion_alone_gives_doxorubicins_plateau_and_time_and_idarubicin_the_same_pores(
    known: Elution, elution: Elution
) -> None:
    of_known, other = fickian(known), fickian(elution)
    held, held_other = (load_particles(one.particles).loading(one.drug) for one in (known, elution))
    assert held.value("partition") == pytest.approx(of_known.partition, rel=0.01)
    assert held.value("bead_diffusivity") == pytest.approx(of_known.diffusivity, rel=0.02, abs=0.0)
    assert held_other.value("partition") == pytest.approx(other.partition, rel=0.01)
    pores = of_known.diffusivity * of_known.partition / other.partition
    assert held_other.value("bead_diffusivity") == pytest.approx(pores, rel=0.02, abs=0.0)


@pytest.mark.parametrize("drug", ["doxorubicin", "idarubicin"])
def test_smaller_beads_of_one_material_exchange_faster_as_the_square_of_their_size(drug: str) -> None:
    small, large = (load_particles(name) for name in ("dc_bead_70_150", "dc_bead_100_300"))
    ratio = (large.value("diameter") / small.value("diameter")) ** 2
    rates = [beads.loading(drug).value("exchange_rate") for beads in (small, large)]
    assert rates[0] == pytest.approx(ratio * rates[1], rel=0.01)
