# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose-volume figures, tumour control and activities to plan with."""

import numpy as np
import pytest

from imagio_sim.outcome.dose import (
    Compartments,
    DoseField,
    MakeDose,
    Radiosensitivity,
    SourceDose,
    Structure,
    dose_of_share,
    dose_statistics,
    planning,
    share_above,
    structure_dose,
    tumour_control,
)
from imagio_sim.outcome.result import TumourControlResult
from imagio_sim.physics.radiation import rate_of
from imagio_sim.tissue.value import Value

Y90 = rate_of(64.1 * 3600.0)


def value(number: float, unit: str = "1", low: float | None = None, high: float | None = None) -> Value:
    return Value(number, unit, low, high, None, "convention", "assumed")


SENSITIVITY = Radiosensitivity(value(0.01, "1/Gy", 0.001, 0.05), value(15.0, "Gy"), value(5400.0, "s"))


def test_dose_figures_of_a_linear_ramp_are_its_quantiles() -> None:
    dose = np.linspace(0.0, 100.0, 100001)
    weights = np.ones(len(dose))
    for share in (0.95, 0.7, 0.5, 0.05):
        assert dose_of_share(dose, weights, share) == pytest.approx(100.0 * (1.0 - share), abs=0.01)
    assert share_above(dose, weights, 30.0) == pytest.approx(0.7, abs=1e-4)


def test_parts_count_by_their_weight() -> None:
    dose, weights = np.array([10.0, 50.0]), np.array([0.9, 0.1])
    assert share_above(dose, weights, 20.0) == pytest.approx(0.1)
    assert dose_of_share(dose, weights, 0.999) == 10.0


def test_a_structure_with_a_uniform_dose_has_it_everywhere() -> None:
    shape = (4, 4, 4)
    field = DoseField((SourceDose(np.full(shape, 120.0), Y90),))
    found = structure_dose(
        Structure(np.full(shape, 0.5), SENSITIVITY), np.full(shape, 1060.0), 0.1, {"kernel": field, "local": field}
    )
    assert found["volume_ml"] == pytest.approx(3.2)
    assert found["mass_g"] == pytest.approx(3.2 * 1.06)
    figures = found["kernel"]
    for name in ("mean_Gy", "D95_Gy", "D50_Gy", "D5_Gy"):
        assert figures[name] == pytest.approx(120.0)  # type: ignore[literal-required]
    assert figures["V_share"]["120"] == 1.0
    assert figures["V_share"]["150"] == 0.0
    assert figures["EUBED_Gy"] == pytest.approx(figures["mean_BED_Gy"])
    assert figures["EUD_Gy"] == pytest.approx(120.0)
    assert figures["mean_BED_Gy"] > 120.0


def test_a_cold_part_lowers_the_equivalent_dose_more_the_more_sensitive_the_cells_are() -> None:
    dose = np.concatenate([np.zeros((1, 1, 5)), np.full((1, 1, 95), 200.0)], axis=2)
    field = DoseField((SourceDose(dose, Y90),))
    found = structure_dose(
        Structure(np.ones(dose.shape), SENSITIVITY), np.full(dose.shape, 1e3), 1.0, {"kernel": field, "local": field}
    )["kernel"]
    low, high = found["EUBED_range_Gy"]
    assert low < found["EUBED_Gy"] < found["mean_BED_Gy"]
    assert low < 0.5 * high
    low, high = found["EUD_range_Gy"]
    assert low < found["EUD_Gy"] < min(high, found["mean_Gy"])


def test_the_equivalent_uniform_dose_given_evenly_leaves_as_many_cells_alive() -> None:
    dose = np.linspace(20.0, 300.0, 50)
    sources = [SourceDose(0.7 * dose, Y90), SourceDose(0.3 * dose, Y90, begin=10.0 * 86400.0)]
    found = dose_statistics(sources, np.ones(50), SENSITIVITY)
    even = [SourceDose(share * np.full(1, found["EUD_Gy"]), Y90, begin) for share, begin in ((0.7, 0.0), (0.3, 8.64e5))]
    assert SENSITIVITY.effective(even) == pytest.approx(found["EUBED_Gy"], rel=1e-9)


def test_what_has_no_dose_has_no_equivalent_dose() -> None:
    found = dose_statistics([SourceDose(np.zeros(3), Y90)], np.ones(3), SENSITIVITY)
    assert found["EUBED_Gy"] == pytest.approx(0.0, abs=1e-12)
    assert found["EUD_Gy"] == 0.0


def test_two_treatments_at_once_are_one_and_far_apart_in_time_have_each_its_own_repair() -> None:
    dose = np.full((2, 2, 2), 80.0)
    one = SENSITIVITY.effective([SourceDose(2.0 * dose, Y90)])
    half = SENSITIVITY.effective([SourceDose(dose, Y90)])
    assert SENSITIVITY.effective([SourceDose(dose, Y90)] * 2) == pytest.approx(one, rel=1e-12)
    apart = SENSITIVITY.effective([SourceDose(dose, Y90), SourceDose(dose, Y90, begin=90.0 * 86400.0)])
    assert apart == pytest.approx(2.0 * half, rel=1e-9)
    assert (apart < 0.95 * one).all()


HALF, SLOPE = value(250.0, "Gy", 150.0, 350.0), value(1.0, "1", 0.5, 2.0)
RESIN_HALF = value(60.0, "Gy", 40.0, 120.0)


def controlled(dose: np.ndarray, weights: np.ndarray) -> TumourControlResult:
    """By glass alone."""
    return tumour_control([MakeDose("glass", dose, HALF, SLOPE)], weights)


def test_half_of_the_half_dose_of_each_of_two_makes_controls_half_of_the_tumours() -> None:
    weights = np.ones(4)
    glass, resin = (
        MakeDose("glass", np.full(4, 125.0), HALF, SLOPE),
        MakeDose("resin", np.full(4, 30.0), RESIN_HALF, SLOPE),
    )
    both = tumour_control([glass, resin], weights)
    assert both["probability"] == pytest.approx(0.5)
    assert both["mean_dose_Gy"] == pytest.approx(155.0)
    assert both["half_dose_Gy"] == pytest.approx(155.0)
    assert both["by_make"]["resin"]["half_dose_Gy"] == 60.0
    assert both["by_make"]["glass"]["probability"] == pytest.approx(1.0 / (1.0 + 2.0**4))
    assert both["range"][0] < 0.5 < both["range"][1]


def test_one_make_given_as_two_is_that_one() -> None:
    dose, weights = np.array([100.0, 300.0]), np.array([0.4, 0.6])
    halves = [MakeDose(name, 0.5 * dose, HALF, SLOPE) for name in ("one", "other")]
    assert tumour_control(halves, weights)["probability"] == pytest.approx(controlled(dose, weights)["probability"])


def test_tumour_control_is_within_its_range_and_even_at_the_half_dose() -> None:
    found = controlled(np.full(10, 250.0), np.ones(10))
    low, high = found["range"]
    assert found["probability"] == pytest.approx(0.5)
    assert found["probability_at_mean_dose"] == pytest.approx(0.5)
    assert low < 0.3 < 0.7 < high
    assert controlled(np.full(10, 500.0), np.ones(10))["probability"] > 0.9


def test_a_tumour_of_which_a_part_has_no_dose_is_not_controlled() -> None:
    dose = np.array([0.0, 1000.0])
    found = controlled(dose, np.array([0.3, 0.7]))
    assert found["mean_dose_Gy"] == pytest.approx(700.0)
    assert found["probability_at_mean_dose"] > 0.95
    assert found["probability"] < 1e-6


def test_parts_have_to_be_controlled_all_together() -> None:
    dose, weights = np.array([200.0, 300.0]), np.array([1.0, 1.0])
    apart = [controlled(np.array([one]), np.ones(1))["probability"] for one in dose]
    together = controlled(dose, weights)["probability"]
    assert together == pytest.approx(np.sqrt(apart[0] * apart[1]))


def test_planned_activities_give_a_hundred_gray_back() -> None:
    parts = Compartments(tumour_mass=0.05, liver_mass=0.5, lung_mass=1.0, tumour_to_normal=4.0, lung_shunt=0.1)
    decay = {"energy_per_decay": 1.495e-13, "decay_rate": Y90}
    given = planning(1e9, parts, **decay)
    assert planning(given["MIRD_GBq_per_100_Gy"] * 1e9, parts, **decay)["MIRD_mean_dose_Gy"] == pytest.approx(100.0)
    of_tumour = given["partition_GBq_per_100_Gy_of_tumour"]
    assert of_tumour is not None
    assert planning(of_tumour * 1e9, parts, **decay)["partition_tumour_dose_Gy"] == pytest.approx(100.0)
    of_liver = planning(given["partition_GBq_per_100_Gy_of_liver"] * 1e9, parts, **decay)
    assert of_liver["partition_liver_dose_Gy"] == pytest.approx(100.0)


def test_without_a_tumour_there_is_no_dose_of_it() -> None:
    parts = Compartments(tumour_mass=0.0, liver_mass=0.5, lung_mass=1.0, tumour_to_normal=1.0, lung_shunt=0.0)
    given = planning(1e9, parts, energy_per_decay=1.495e-13, decay_rate=Y90)
    assert given["partition_tumour_dose_Gy"] is None
    assert given["partition_liver_dose_Gy"] == pytest.approx(given["MIRD_mean_dose_Gy"])
