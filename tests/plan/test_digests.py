# SPDX-License-Identifier: LGPL-3.0-or-later
"""What changes a plan's hash, and what must not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.plan import Scenario, geometry_digest, plan_digest, scenario_of

Make = Callable[..., Scenario]


def reversed_keys(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: reversed_keys(value) for key, value in reversed(data.items())}
    return [reversed_keys(value) for value in data] if isinstance(data, list) else data


def test_the_order_of_keys_does_not_count(bent: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    one, other = (scenario_of(data, base=tmp_path, where="x") for data in (bent(), reversed_keys(bent())))
    assert plan_digest(one, "A") == plan_digest(other, "A")
    assert geometry_digest(one, "A") == geometry_digest(other, "A")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"question": "why?"},
        {"expected_run_time": "5 min"},
        {"plans.B": {"wait": "1 h"}},
        {"plans.A.program.power": "60000 mW"},
        {"target.sphere.diameter": "30 mm"},
    ],
)
def test_what_does_not_change_the_result_does_not_change_the_plans_hash(
    changes: dict[str, Any], scenario: Make
) -> None:
    assert plan_digest(scenario(changes), "A") == plan_digest(scenario(), "A")


PROGRAM_ONLY = [
    {"plans.A.program.power": "50 W"},
    {"plans.A.program.duration": "6 min"},
    {"plans.A.program": {"mode": "impedance_control", "duration": "12 min"}},
    {"plans.A.applicators[0].start": "10 s"},
    {"tissue_values.liver.perfusion_rate.value": "0.01 1/s"},
    {"patient.body_temperature": "38 degC"},
    {"solver.time_tolerance": "0.01 K"},
    {"constraints": []},
]
GEOMETRY = [
    {"plans.A.applicators[0].tip": [5, 20, 31]},
    {"plans.A.applicators[0].device": "cooled_15g_3cm"},
    {"target.sphere.diameter": "31 mm"},
    {"solver.resolution": "fine"},
    {"region.margin": "50 mm"},
    {"patient.labels[0].file": "other.nii.gz"},
    {"frame": "LPS"},
]


@pytest.mark.parametrize("changes", [*PROGRAM_ONLY, *GEOMETRY])
def test_what_changes_the_result_changes_the_plans_hash(changes: dict[str, Any], scenario: Make) -> None:
    base = scenario({"solver": {}, "region": {}})
    assert plan_digest(scenario({"solver": {}, "region": {}} | changes), "A") != plan_digest(base, "A")


@pytest.mark.parametrize("changes", PROGRAM_ONLY)
def test_a_mesh_does_not_depend_on_programs_and_tissue_values(changes: dict[str, Any], scenario: Make) -> None:
    base = scenario({"solver": {}, "region": {}})
    assert geometry_digest(scenario({"solver": {}, "region": {}} | changes), "A") == geometry_digest(base, "A")


@pytest.mark.parametrize("changes", GEOMETRY)
def test_a_mesh_depends_on_geometry_and_resolution(changes: dict[str, Any], scenario: Make) -> None:
    base = scenario({"solver": {}, "region": {}})
    assert geometry_digest(scenario({"solver": {}, "region": {}} | changes), "A") != geometry_digest(base, "A")


def test_a_moved_markup_line_changes_both_hashes(scenario: Make, tmp_path: Path) -> None:
    def with_tip(x: float) -> Scenario:
        points = [{"position": [100, 0, 0]}, {"position": [x, 0, 0]}]
        line = {"type": "Line", "coordinateSystem": "LPS", "controlPoints": points}
        (tmp_path / "line.mrk.json").write_text(json.dumps({"markups": [line]}))
        return scenario({"plans.A.applicators[0]": {"device": "cooled_17g_3cm", "markup": "line.mrk.json"}})

    first = with_tip(0.0)
    before = plan_digest(first, "A"), geometry_digest(first, "A")
    second = with_tip(1.0)
    assert plan_digest(second, "A") != before[0]
    assert geometry_digest(second, "A") != before[1]


def test_stages_have_their_own_geometry(scenario: Make) -> None:
    program = {"mode": "constant_power", "power": "60 W", "duration": "5 min"}
    here = {"device": "cooled_17g_3cm", "entry": [110, 20, 30], "tip": [5, 20, 30]}
    stages = [
        {"applicators": [here], "program": program},
        {"applicators": [{**here, "tip": [9, 20, 30]}], "program": program},
    ]
    made = scenario({"plans.A": {"stages": stages}})
    assert geometry_digest(made, "A", 0) != geometry_digest(made, "A", 1)
