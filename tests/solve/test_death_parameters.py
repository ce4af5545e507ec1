# SPDX-License-Identifier: LGPL-3.0-or-later
"""Given parameters of death models in place of the library's, in what acts and decides in a stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.sources.ischaemia import ClosedTissue, IschaemiaSpec
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.death import COLD, DECIDING, HEAT, ISCHAEMIA, NOMINAL, death_models, death_records, parameters_of
from imagio_sim.tissue.death.combination import lethal_survival
from imagio_sim.tissue.death.electroporation import electroporation_death_models
from imagio_sim.tissue.death.ischaemia import ischaemia_death_models
from imagio_sim.tissue.death.radiation import radiation_death_models
from tests.solve.bricks import cube, finished
from tests.solve.drugs import HOUR, drugged, marched

DAY = 86400.0


def closed(given: dict[str, dict[str, float]]) -> ThermalCase:
    """Carcinoma whose arteries are closed for two days."""
    case = cube(end_time=2.0 * DAY, deciding_models=(DECIDING[ISCHAEMIA],))
    cells = len(case.domain.cells)
    part = ClosedTissue("hcc", 0.0, np.inf, 0.11, np.ones(cells))
    return replace(case, sources=(IschaemiaSpec((part,), np.full(cells, 0.11)),), death_parameters=given)


def test_a_case_keeps_its_given_parameters_on_its_way_to_the_ranks(tmp_path: Path) -> None:
    given = {"drug_exposure": {"steepness": 2.0, "half_concentration_doxorubicin": 1e-3}}
    save_case(replace(cube(), death_parameters=given), tmp_path / "case.npz")
    assert load_case(tmp_path / "case.npz").death_parameters == given
    save_case(cube(), tmp_path / "nominal.npz")
    assert load_case(tmp_path / "nominal.npz").death_parameters == {}


def test_cells_that_stand_a_thousand_times_as_much_drug_live() -> None:
    def survival(given: dict[str, dict[str, float]]) -> float:
        case = replace(drugged(6.0 * HOUR), death_parameters=given)
        _, source = marched(case)
        return float(source.survivals()["drug_exposure"].min())

    assert survival({}) < 0.7
    assert survival({"drug_exposure": {"half_concentration_doxorubicin": 0.83}}) > 0.99


def test_a_slower_death_without_arteries_leaves_more_alive_and_a_stricter_limit_leaves_less_dead() -> None:
    name = DECIDING[ISCHAEMIA]

    def ended(**given: float) -> tuple[float, float]:
        stage = finished(closed({name: given}))
        return float(stage.survivals_by_agent()[ISCHAEMIA].mean()), float(stage.levels()[name].max())

    (nominal, level), (slow, _), (_, strict) = ended(), ended(death_rate=1e-6), ended(dead_survival=0.01)
    assert nominal < 0.3 < 0.8 < slow
    assert level > 0.0 > strict


def test_a_hotter_threshold_kills_less_in_the_stage() -> None:
    case = cube(end_time=60.0, deciding_models=("isotherm_54",))
    even = np.full(len(case.domain.points_mm), 56.0)
    hot = {"temperature": even, "peak_temperature": even, "minimum_temperature": even - 19.0}
    levels = [
        Stage(MPI.COMM_WORLD, replace(case, initial_state=hot, death_parameters=given))
        for given in ({}, {"isotherm_54": {"threshold": 58.0}})
    ]
    for stage in levels:
        stage.advance()
    assert [bool(stage.levels()["isotherm_54"].max() >= 0.0) for stage in levels] == [True, False]


@pytest.mark.parametrize("model", death_records())
def test_every_parameter_of_every_model_takes_a_given_value(model: str) -> None:
    makers: dict[str, Any] = {
        "ischaemia": ischaemia_death_models,
        "radiation": radiation_death_models,
        "electroporation": electroporation_death_models,
    }
    agent = death_records()[model].agent
    for key, nominal in parameters_of(model).items():
        given = {model: {key: 0.9 * nominal}}
        assert parameters_of(model, given) == {**parameters_of(model), key: 0.9 * nominal}
        if agent in (HEAT, COLD):
            changed, usual = death_models([agent], given), death_models([agent])
        elif agent in makers:
            changed, usual = makers[agent](given), makers[agent](NOMINAL)
        else:
            continue  # drugs have theirs by name: tests/plan/test_library_values.py
        assert {one.name for one, other in zip(changed, usual, strict=True) if one != other} == {model}


def test_the_lethal_survival_follows_a_given_threshold() -> None:
    assert lethal_survival("drug_exposure", {"drug_exposure": {"dead_survival": 0.3}}) == 0.3
    assert lethal_survival("arrhenius_hepg2", {"arrhenius_hepg2": {"threshold": 4.6}}) == pytest.approx(np.exp(-4.6))
