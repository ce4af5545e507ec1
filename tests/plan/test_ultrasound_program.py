# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sonication programs: their time, and what a transducer cannot do."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, assignments, scenario_of, written
from imagio_sim.plan.programs.ultrasound import Sonications

DEVICE, PROGRAM = "plans.A.applicators[0].device", "plans.A.program"
TWO = [
    {"power": "100 W", "duration": "20 s", "pause": "3 min"},
    {"focus": [1, 2, 3], "power": "90 W", "duration": "15 s"},
]


def sonications(*points: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"mode": "sonications", "sonications": list(points), **more}


def program_of(scenario: Scenario) -> Sonications:
    (only,) = assignments(scenario, "A", 0, "ultrasound")
    assert isinstance(only.program, Sonications)
    return only.program


def test_treatment_lasts_from_the_first_point_to_the_end_of_the_last_pause(scenario: Callable[..., Scenario]) -> None:
    program = program_of(scenario({DEVICE: "hifu_array_256", PROGRAM: sonications(*TWO)}))
    assert program.treatment_time == 20.0 + 180.0 + 15.0
    assert program.sonications[0].focus is None
    assert program.sonications[1].focus == (1.0, 2.0, 3.0)


def test_a_program_is_written_as_it_was_read(scenario: Callable[..., Scenario]) -> None:
    given = scenario({DEVICE: "hifu_array_256", PROGRAM: sonications(*TWO, coupling_path="50 mm")})
    assert program_of(scenario_of(written(given), base=given.base, where="again.yaml")) == program_of(given)


@pytest.mark.parametrize(
    ("device", "program", "where", "says"),
    [
        ("hifu_array_256", sonications({"power": "400 W", "duration": "9 s"}), "sonications[0].power", "at most 300 W"),
        ("hifu_bowl_2mhz_44mm", sonications(TWO[1]), "sonications[0].focus", "not steered"),
        ("hifu_bowl_2mhz_44mm", sonications(TWO[0], coupling_path="45 mm"), "coupling_path", "less than 44 mm"),
        ("hifu_array_256", sonications(), "sonications", ""),
        ("hifu_array_256", sonications({"power": "0 W", "duration": "9 s"}), "sonications[0].power", "0.1 W"),
        ("hifu_array_256", {"mode": "constant_power", "power": "9 W", "duration": "9 s"}, PROGRAM, "sonications"),
    ],
)
def test_what_the_transducer_cannot_do_is_refused(
    device: str, program: dict[str, Any], where: str, says: str, refusals: Callable[..., tuple[InputError, ...]]
) -> None:
    errors = refusals({DEVICE: device, PROGRAM: program})
    assert any(where in str(error) and says in str(error) for error in errors), [str(error) for error in errors]
