# SPDX-License-Identifier: LGPL-3.0-or-later
"""Trains of pulses over pairs of needles: when each is given, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, resolved_plan, scenario_of, written
from imagio_sim.plan.programs.electroporation import PulseSequence

Refuse = Callable[[dict[str, Any]], tuple[InputError, ...]]
A = "plans.A"
PROGRAM: dict[str, Any] = {
    "mode": "pulse_sequence",
    "pairs": [["n1", "n2"], ["n2", "n3"]],
    "voltage": "2250 V",
    "pulses": 90,
    "pulse_width": "90 us",
    "repetition_rate": "1.5 Hz",
}


def needle(name: str | None, y: float, z: float = 30.0, **more: Any) -> dict[str, Any]:
    placed = {"device": "electroporation_19g", "entry": [110, y, z], "tip": [5, y, z], **more}
    return placed if name is None else {"name": name, **placed}


NEEDLES = [needle("n1", 20.0), needle("n2", 35.0), needle("n3", 50.0)]


def plan(*needles: dict[str, Any], **program: Any) -> dict[str, Any]:
    """Changes of the small scenario that make plan A one of these needles with this program (``...`` leaves out)."""
    merged = {key: value for key, value in {**PROGRAM, **program}.items() if value is not ...}
    return {f"{A}": {"applicators": list(needles or NEEDLES), "program": merged}}


def program_of(scenario: Scenario) -> PulseSequence:
    program = scenario.plan("A").stages[0].program
    assert isinstance(program, PulseSequence)
    return program


def test_pairs_are_pulsed_one_after_the_other(scenario: Callable[..., Scenario]) -> None:
    first, second = program_of(scenario(plan())).trains
    assert (first.pair, first.start, first.end, first.pulses) == (0, 0.0, 60.0, 90)
    assert (second.pair, second.start, second.end) == (1, 60.0, 120.0)


def test_rounds_and_pauses_spread_the_pulses(scenario: Callable[..., Scenario]) -> None:
    trains = program_of(scenario(plan(rounds=3, pause="5 s"))).trains
    assert [train.pair for train in trains] == [0, 1, 0, 1, 0, 1]
    assert [train.start for train in trains] == [0.0, 25.0, 50.0, 75.0, 100.0, 125.0]
    assert sum(train.pulses for train in trains if train.pair == 1) == 90


def test_pulses_triggered_by_the_heart_come_once_a_beat(scenario: Callable[..., Scenario]) -> None:
    program = program_of(scenario(plan(repetition_rate=..., heart_rate="60 1/min")))
    assert program.rate == pytest.approx(1.0)
    assert scenario(plan(repetition_rate=..., heart_rate="60 1/min")).plan("A").stages[0].duration == pytest.approx(
        180.0
    )


def test_a_pair_may_say_otherwise_than_the_program(scenario: Callable[..., Scenario]) -> None:
    own = {"electrodes": ["n1", "n3"], "voltage": "2900 V", "pulses": 70, "pulse_width": "70 us"}
    program = program_of(scenario(plan(pairs=[["n1", "n2"], own])))
    pair = program.pairs[1]
    assert (program.voltage_of(pair, 30.0), program.pulses_of(pair)) == (2900.0, 70)
    assert program.pulse_width_of(pair) == pytest.approx(70e-6)
    assert program.voltage_of(program.pairs[0], 15.0) == 2250.0


def test_a_voltage_per_distance_is_multiplied_by_the_distance(scenario: Callable[..., Scenario]) -> None:
    program = program_of(scenario(plan(voltage=..., voltage_per_distance="1500 V/cm")))
    assert program.voltage_of(program.pairs[0], 15.0) == pytest.approx(2250.0)


def test_the_program_is_written_and_read_back_the_same(scenario: Callable[..., Scenario]) -> None:
    before = scenario(plan(pairs=[["n1", "n2"], {"electrodes": ["n2", "n3"], "voltage": "2 kV"}], rounds=2))
    again = scenario_of(written(before), base=before.base, where="small.yaml")
    assert program_of(again) == program_of(before)
    (stage,) = resolved_plan(before, "A")["stages"]
    assert {one["applicator"] for one in stage["programs"]} == {"n1", "n2", "n3"}


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        (plan(voltage="3200 V"), f"{A}.program.voltage", "at most 3000 V"),
        (
            plan(pairs=[["n1", "n2"], {"electrodes": ["n2", "n3"], "voltage": "3100 V"}]),
            f"{A}.program.pairs[1].voltage",
            "at most 3000 V",
        ),
        (
            plan(voltage=..., voltage_per_distance="2500 V/cm"),
            "program.pairs[0]",
            "3750 V between n1-n2, 15.0 mm apart",
        ),
        (plan(voltage_per_distance="1500 V/cm"), "voltage_per_distance", "both a voltage and a voltage per distance"),
        (plan(voltage=...), "program.pairs[0].voltage", "add voltage"),
        (plan(pulses=...), "program.pairs[0].pulses", "add pulses"),
        (plan(pulse_width=...), "program.pairs[1].pulse_width", "add pulse_width"),
        (plan(pulse_width="200 us"), "program.pulse_width", "20 us to 100 us"),
        (plan(pulse_width="90 V"), "program.pulse_width", "no pulse width"),
        (plan(pulses=0), "program.pulses", "greater than or equal to 1"),
        (plan(repetition_rate=...), "program.repetition_rate", "no rate"),
        (plan(heart_rate="70 1/min"), "program.repetition_rate", "both a repetition rate and a heart rate"),
        (plan(duration="100 s"), "program.duration", "pulses that take 120.0 s"),
        (plan(rounds=4), "program.rounds", "divides the pulses"),
        (plan(pairs=[["n1", "n2"], ["n2", "n9"]]), "program.pairs[1][1]", "'n9'"),
        (plan(pairs=[["n1", "n2"]]), "program.pairs", "no pair with n3"),
        (plan(pairs=[["n1", "n2"], ["n3", "n3"]]), "program.pairs[1].electrodes", "'n3' twice"),
        (plan(pairs=[["n1", "n2"], ["n2", "n3"], ["n2", "n1"]]), "program.pairs[2]", "n2-n1 for the second time"),
        (plan(pairs=[]), "program.pairs", "at least 1"),
        (plan(*NEEDLES, needle(None, 70.0)), "program.pairs", "an applicator without a name"),
        (plan(needle("n1", 20.0, start="10 s"), *NEEDLES[1:]), f"{A}.program", "needles that start at 0 s and 10 s"),
        (plan(conductivity_memory="150 %"), "program.conductivity_memory", "fraction from 0 to 1"),
        (plan(needle("n1", 20.0, deployment="5 cm"), *NEEDLES[1:]), "deployment", "5 mm to 40 mm"),
    ],
)
def test_what_cannot_be_done_is_refused_where_it_is_written(
    refusals: Refuse, changes: dict[str, Any], where: str, says: str
) -> None:
    found = refusals(changes)
    assert any(where in str(one) and says in str(one) for one in found), [str(one) for one in found]


def test_more_needles_than_the_generator_has_outputs_are_refused(refusals: Refuse) -> None:
    needles = [needle(f"n{number}", 20.0 + 12.0 * number) for number in range(7)]
    pairs = [[f"n{number}", f"n{number + 1}"] for number in range(6)]
    assert any("at most 6 needles" in str(one) for one in refusals(plan(*needles, pairs=pairs)))


def test_a_program_of_one_needle_alone_is_refused(refusals: Refuse) -> None:
    alone = needle("n1", 20.0, program={**PROGRAM, "pairs": [["n1", "n2"]]})
    found = refusals({f"{A}": {"applicators": [alone]}})
    assert any("applicators[0].program.pairs[0][1]" in str(one) for one in found)
