# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values of the pharmacy and of the death models that a scenario gives reach what is made of them."""

from collections.abc import Callable

import pytest

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.library import LIBRARY
from imagio_sim.plan import Scenario, written
from imagio_sim.plan.digests import plan_digest
from imagio_sim.plan.library_values import death_kinds
from imagio_sim.plan.paths import place_of
from imagio_sim.plan.resolved import resolved_plan
from imagio_sim.tissue.death import DECIDING, DRUG, death_records
from imagio_sim.tissue.death.drug import drug_death_models

Load = Callable[..., Scenario]
GIVEN = {"value": "18 l/h", "source": "a paper", "spread": "6 l/h"}


def test_a_value_of_the_pharmacy_is_read_in_its_own_unit_with_its_source(scenario: Load) -> None:
    given = scenario({"pharmacy_values": {"doxorubicin": {"plasma_clearance": GIVEN}}})
    value = given.pharmacy.drug("doxorubicin").values["plasma_clearance"]
    assert value.value == pytest.approx(5e-6)
    assert value.sd == pytest.approx(6e-3 / 3600.0)
    assert (value.source, value.origin) == ("a paper", "scenario")
    others = given.pharmacy.drug("doxorubicin").values.keys() - {"plasma_clearance"}
    assert all(given.pharmacy.drug("doxorubicin").values[o] == LIBRARY.drug("doxorubicin").values[o] for o in others)


def test_given_values_change_what_decides_a_result(scenario: Load) -> None:
    nominal, given = (
        scenario(),
        scenario({"death_values": {"drug_exposure": {"steepness": {"value": 2.0, "source": "me"}}}}),
    )
    assert plan_digest(given, "A") != plan_digest(nominal, "A")
    assert resolved_plan(given, "A")["death_values"]["drug_exposure"]["steepness"]["value"] == 2.0


def test_a_parameter_of_a_death_model_reaches_the_model(scenario: Load) -> None:
    half = {"half_concentration_doxorubicin": {"value": "1 umol/l", "source": "a paper"}}
    given = scenario({"death_values": {"drug_exposure": half}})
    assert given.death_parameters == {"drug_exposure": {"half_concentration_doxorubicin": pytest.approx(1e-3)}}
    first, *others = drug_death_models("doxorubicin", given.death_parameters)
    assert first.name == DECIDING[DRUG]
    assert first.half_concentration_after(86400.0) == pytest.approx(1e-3)
    assert others == list(drug_death_models("doxorubicin")[1:])
    assert given.death_model_values("drug_exposure")["half_concentration_doxorubicin"].source == "a paper"


def test_a_given_value_has_a_path_that_can_be_varied(scenario: Load) -> None:
    data = written(scenario({"pharmacy_values": {"doxorubicin": {"plasma_clearance": GIVEN}}}))
    path = "pharmacy_values.doxorubicin.plasma_clearance.value"
    assert place_of(data, path, "small.yaml") == tuple(path.split("."))
    with pytest.raises(InputError, match="add it to the file"):
        place_of(data, "death_values.drug_exposure.steepness.value", "small.yaml")


@pytest.mark.parametrize("model", death_records())
def test_the_library_lies_within_what_may_be_given(model: str) -> None:
    for name, kind in death_kinds(model).items():
        value = death_records()[model].parameters[name]
        ends = [end for end in (value.low, value.value, value.high) if end is not None]
        assert all(kind.low <= end <= kind.high for end in ends)
