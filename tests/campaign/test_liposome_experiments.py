# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the experiments with liposomes under validation/ state, met or not."""

from __future__ import annotations

import pytest

from validation.experiments.DR08_rf_doxorubicin_rat.study import TOGETHER, doubling_time, expected_days, liposomes_alone
from validation.experiments.LI01_pig_liver_rf.study import MARGIN_MM, MEASURED, VARIANTS, section
from validation.experiments.LI03_rabbit_hyperthermia.study import EXPERIMENTS, Experiment, ratio


def test_independent_action_meets_the_milder_heat_and_falls_short_of_the_stronger() -> None:
    off = {arm: (expected_days(arm) - days) / deviation for arm, (days, deviation) in TOGETHER.items()}
    assert doubling_time() == pytest.approx(2.40, abs=0.01)
    assert off["RF70"] == pytest.approx(-0.6, abs=0.1)
    assert off["RF90"] == pytest.approx(-2.5, abs=0.1)


def test_models_of_death_by_the_drug_bracket_what_liposomes_did_to_the_rats_tumours() -> None:
    survivals, course = liposomes_alone()
    assert survivals["drug_cell_content"] < 0.118 < survivals["drug_exposure"]
    assert max(course, key=lambda hours: course[hours]) == 72.0


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.name)
def test_heat_brings_as_many_times_more_drug_as_in_rabbits_within_a_factor_of_two(experiment: Experiment) -> None:
    assert 0.5 < ratio(experiment) / experiment.measured < 2.0


@pytest.mark.slow
def test_five_minutes_in_pig_liver_are_met_and_the_ring_is_at_the_edge_of_the_zone() -> None:
    found = section(5, VARIANTS[0])
    assert 0.5 < found.within_margin(found.released) / MEASURED[5] < 2.0
    assert abs(found.radius_mm[found.released.argmax()] - found.edge_mm) < MARGIN_MM


@pytest.mark.slow
def test_twelve_minutes_in_pig_liver_are_missed_unless_cells_have_the_size_of_hepatocytes() -> None:
    nominal, sized = section(12, VARIANTS[0]), section(12, VARIANTS[2])
    assert nominal.within_margin(nominal.released) == pytest.approx(3.17, rel=0.1)
    assert 0.5 < sized.within_margin(sized.released) / MEASURED[12] < 2.0
