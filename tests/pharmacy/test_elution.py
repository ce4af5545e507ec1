# SPDX-License-Identifier: LGPL-3.0-or-later
"""The pharmacy's ion-exchange constants are those that the elution of four products gives (validation DR04, DR09)."""

import pytest

from imagio_sim.pharmacy.particles import load_particles
from validation.experiments.elution import (
    DOXORUBICIN,
    IDARUBICIN,
    MINUTE,
    Elution,
    calibrated,
    fickian,
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
