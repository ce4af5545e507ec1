# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the bench experiments of the validation book are computed with."""

from __future__ import annotations

import numpy as np
import pytest

from imagio_sim.tissue.library import load_tissue
from validation.experiments.bench import Bench, burned
from validation.experiments.CR09_lard.study import mixture
from validation.experiments.he2010 import root_mean_square
from validation.experiments.HX01_transition.study import ray, width_um
from validation.experiments.RF01_flow.study import perfusion_rate


def test_flow_by_mass_becomes_flow_by_volume() -> None:
    assert perfusion_rate(100.0) == pytest.approx(1.06 / 60.0)


def test_a_mixture_lies_between_agar_and_lard() -> None:
    assert float(mixture(0.0)["density"].split()[0]) == load_tissue("water").value("density")
    half = 0.5 * (load_tissue("water").value("density") + load_tissue("fat").value("density"))
    assert float(mixture(0.5)["density"].split()[0]) == pytest.approx(half)


def test_the_deviation_is_that_of_all_rows() -> None:
    assert root_mean_square([1.0, 2.0], [4.0, 6.0]) == pytest.approx(12.5**0.5)


def test_the_rim_of_a_known_course_is_found_between_coarse_nodes() -> None:
    places = np.stack(np.meshgrid(np.arange(0.0, 21.0), np.arange(-2.0, 3.0)), axis=-1).reshape(-1, 2)
    dead = 1.0 / (1.0 + np.exp((places[:, 0] - 10.3) / 0.2))
    expected = 2.0 * 0.2 * np.log(9.0) * 1e3
    along = ray(np.array([0.5, 0.0]), np.array([1.0, 0.0]), 18.0)
    assert width_um(places, dead, along) == pytest.approx(expected, abs=20.0)


def test_a_burn_grows_and_excised_liver_burns_more() -> None:
    program = {"mode": "constant_power", "power": "40 W", "duration": "60 s"}
    living, excised = (
        burned(Bench("cooled_17g_2cm", program, excised=choice, probes={"beside": (8.0, 10.0)}), [30.0])
        for choice in (False, True)
    )
    assert living.size_at(30.0).volume_ml < living.size.volume_ml < excised.size.volume_ml
    times, course = excised.course("beside")
    assert times[-1] == pytest.approx(60.0)
    assert course[-1] > course[0] >= 37.0
    assert set(living.over_models("volume_ml")) >= {living.size.volume_ml}


@pytest.mark.parametrize("start", [20.0, 25.0])
def test_excised_tissue_starts_at_the_temperature_that_is_given(start: float) -> None:
    scenario = Bench(
        "cooled_17g_2cm", {"mode": "impedance_control", "duration": "1 min"}, "liver", start, True
    ).scenario()
    assert scenario.patient.body_temperature == start
    assert scenario.tissue("liver").value("perfusion_rate") == 0.0
