# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ice and lowest temperatures in a result."""

from functools import cache

import numpy as np
import pytest

from imagio_sim.outcome.assessment import Fields, assess
from imagio_sim.outcome.constraints import evaluate_constraints
from imagio_sim.outcome.patient import Patient
from imagio_sim.outcome.result import Result
from imagio_sim.outcome.structures import ExtremeFields
from imagio_sim.plan.constraints import TemperatureLimits
from tests.outcome.cases import ROLES, cube, labels, needle, result, sampled, sphere


@cache
def frozen(coldest: float = -60.0) -> Result:
    """A ball of ice: ``coldest`` [degC] in the middle, warmer by 5 K/mm outwards, up to body temperature."""
    domain, locator = cube()
    distance = np.linalg.norm(domain.points_mm, axis=1)
    lowest = np.minimum(37.0, coldest + 5.0 * distance)
    extremes = ExtremeFields(37.0, peak_temperature=np.full(len(distance), 37.0), minimum_temperature=lowest)
    patient = Patient(
        target=sphere(3.0),
        capsule=None,
        structures={"vein": {"vein": sphere(3.0, (13.0, 0.0, 0.0))}, "far": {"far": sphere(3.0, (90.0, 0.0, 0.0))}},
        labels=labels(),
        roles=ROLES,
    )
    fields = Fields({"nadir_40": (-40.0 - lowest) / 10.0}, "nadir_40", extremes)
    made = result()
    assess(domain, sampled(domain), locator, fields, patient, [needle()]).add_to(made)
    return made


@pytest.mark.parametrize(("surface", "radius_mm"), [("0_degC", 12.0), ("-20_degC", 8.0), ("-30_degC", 6.0)])
def test_ice_ball_and_isotherms_are_measured(surface: str, radius_mm: float) -> None:
    ice = frozen()["ice"][surface]
    assert ice["volume_ml"] == pytest.approx(4e-3 / 3 * np.pi * radius_mm**3, rel=0.06)
    assert ice["short_axis_mm"] == pytest.approx(2 * radius_mm, rel=0.05)


def test_colder_surfaces_lie_within_warmer_ones() -> None:
    volumes = [ice["volume_ml"] for ice in frozen()["ice"].values()]
    assert volumes == sorted(volumes, reverse=True)
    assert frozen()["ice"]["-40_degC"]["volume_ml"] == frozen()["ablation_zone"]["volume_ml"]


def test_a_result_without_ice_says_nothing_of_it() -> None:
    assert "ice" not in frozen(coldest=5.0)


def test_structures_have_their_coldest_value_and_those_beyond_the_region_body_temperature() -> None:
    structures = frozen()["structures"]
    assert structures["vein"]["minimum_temperature_degC"] == pytest.approx(-10.0, abs=1.0)
    assert structures["vein"]["peak_temperature_degC"] == pytest.approx(37.0)
    assert structures["far"]["minimum_temperature_degC"] == pytest.approx(37.0)


def test_a_limit_on_the_lowest_temperature_passes_warns_and_fails() -> None:
    limits = [
        TemperatureLimits.model_construct(
            name=f"{at_least:g}", quantity="minimum_temperature", structure="vein", at_least=at_least, warn=warn
        )
        for at_least, warn in ((-20.0, None), (-20.0, 0.0), (4.0, None))
    ]
    verdicts = evaluate_constraints(limits, frozen())
    assert [verdict["status"] for verdict in verdicts] == ["pass", "warn", "fail"]
    assert all(verdict["value"] == pytest.approx(-10.0, abs=1.0) for verdict in verdicts)
