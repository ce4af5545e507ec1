# SPDX-License-Identifier: LGPL-3.0-or-later
"""Programs of cryoprobes: phases, and what a device cannot do."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.devices import load_device
from imagio_sim.devices.modalities.cryo import CryoDevice
from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, assignments
from imagio_sim.plan.programs.cryo import FreezeThaw

APPLICATOR, PROGRAM = "plans.A.applicators[0]", "plans.A.program"
FREEZE, THAW = {"action": "freeze", "duration": "10 min"}, {"action": "passive_thaw", "duration": "5 min"}
ACTIVE = {"action": "active_thaw", "duration": "2 min"}
CYCLES = {"mode": "freeze_thaw", "phases": [FREEZE, THAW, FREEZE, ACTIVE]}
NEEDLE = {"device": "icerod_17g", "entry": [110, 20, 30], "tip": [5, 20, 30]}


def cryo(phases: list[Any], **others: Any) -> dict[str, Any]:
    return {f"{APPLICATOR}.device": "icerod_17g", PROGRAM: {"mode": "freeze_thaw", "phases": phases, **others}}


def test_the_phases_follow_each_other(scenario: Callable[..., Scenario]) -> None:
    (only,) = assignments(scenario(cryo(CYCLES["phases"], cooling_phase="1 min")), "A", 0, "cryo")
    assert isinstance(only.program, FreezeThaw)
    assert only.program.treatment_time == 27 * 60.0
    assert only.off_time == 27 * 60.0
    assert only.program.cooling_phase == 60.0


@pytest.mark.parametrize(
    ("phases", "where", "says"),
    [
        ([THAW, FREEZE], f"{PROGRAM}.phases[0].action", "begin with a freeze"),
        ([ACTIVE, FREEZE], f"{PROGRAM}.phases[0].action", "begin with a freeze"),
        ([FREEZE, FREEZE], f"{PROGRAM}.phases[1].action", "one longer phase"),
        ([FREEZE, THAW, THAW], f"{PROGRAM}.phases[2].action", "one longer phase"),
        ([], f"{PROGRAM}.phases", "at least 1"),
        ([{"action": "freeze", "duration": "0 s"}], f"{PROGRAM}.phases[0].duration", "0 s"),
        ([{"action": "freeze", "duration": 600}], f"{PROGRAM}.phases[0].duration", "without a unit"),
        ([{"action": "freez", "duration": "10 min"}], f"{PROGRAM}.phases[0].action", "freeze"),
        ([{**FREEZE, "power": "5 W"}], f"{PROGRAM}.phases[0].power", ""),
    ],
)
def test_phases_that_make_no_sense_are_refused(
    refusals: Callable[..., tuple[InputError, ...]], phases: list[Any], where: str, says: str
) -> None:
    (error,) = refusals(cryo(phases))
    assert where in error.where
    assert says in str(error)


def test_a_cryoprobe_runs_no_program_of_another_modality(refusals: Callable[..., tuple[InputError, ...]]) -> None:
    (error,) = refusals({f"{APPLICATOR}.device": "icerod_17g"})
    assert "freeze_thaw" in str(error)


def test_a_probe_without_warm_gas_cannot_thaw_actively() -> None:
    device = load_device("icerod_17g")
    assert isinstance(device, CryoDevice)
    program = FreezeThaw.model_validate(CYCLES)
    assert list(program.faults_with(device)) == []
    (fault,) = program.faults_with(device.model_copy(update={"thawing": None}))
    assert fault.path == ("phases", 3, "action")
    assert "no thawing gas" in fault.misfit.remedy


@pytest.mark.parametrize("distance_mm", [0.0, 1.0])
def test_probes_whose_solids_intersect_are_refused(
    refusals: Callable[..., tuple[InputError, ...]], distance_mm: float
) -> None:
    other = {**NEEDLE, "entry": [110, 20 + distance_mm, 30], "tip": [5, 20 + distance_mm, 30]}
    errors = refusals({"plans.A.applicators": [NEEDLE, other], PROGRAM: CYCLES})
    assert any("applicators[1]" in error.where for error in errors)


def test_probes_a_centimetre_apart_are_accepted(scenario: Callable[..., Scenario]) -> None:
    other = {**NEEDLE, "entry": [110, 30, 30], "tip": [5, 30, 30]}
    made = scenario({"plans.A.applicators": [NEEDLE, other], PROGRAM: CYCLES})
    assert len(assignments(made, "A", 0, "cryo")) == 2
