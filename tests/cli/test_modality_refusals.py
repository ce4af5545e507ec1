# SPDX-License-Identifier: LGPL-3.0-or-later
"""What ``imagio run`` refuses of each modality, of vessels and of perfusion: one line, exit code 2, nothing left.

Bone in the path of sound is no fault but a warning, on the terminal and in the result.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import yaml

from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.plan import Scenario
from imagio_sim.tissue.library import Tissue
from tests.anatomy.made_files import lps_grid
from tests.cli.conftest import PLAN, assert_refused_at, call
from tests.cli.test_run_refusals import refused
from tests.plan.conftest import put

Bend = Callable[..., Path]

PLACE = f"plans.{PLAN}"
PROGRAM, NEEDLES = f"{PLACE}.program", f"{PLACE}.applicators"
BENCH: dict[str, Any] = {
    "schema": 1,
    "name": "bench",
    "question": "Is it refused?",
    "expected_run_time": "5 s",
    "frame": "LPS",
    "patient": {"unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"},
    "plans": {},
    "solver": {"resolution": "coarse", "geometry": "axisymmetric"},
}


def parallel(device: str, *apart_mm: float) -> list[dict[str, Any]]:
    """Needles through the phantom's liver side by side, so far from the first."""
    return [
        {"name": f"n{number}", "device": device, "entry": [107.0, 30.0, z], "tip": [36.5, 17.2, z]}
        for number, z in enumerate((0.0, *apart_mm))
    ]


TWO = parallel("electroporation_19g", 15.0)
FREEZE = {"action": "freeze", "duration": "10 min"}
THAW = {"action": "passive_thaw", "duration": "5 min"}
PULSES = {
    "mode": "pulse_sequence",
    "pairs": [["n0", "n1"]],
    "voltage": "2000 V",
    "pulses": 90,
    "pulse_width": "90 us",
    "repetition_rate": "1.5 Hz",
}
VEIN = {"name": "vein", "points": [[60.0, -40.0, 0.0], [60.0, 60.0, 0.0]], "radius": "3 mm", "flow": "60 ml/min"}


def frozen(*phases: dict[str, str], probes: tuple[float, ...] = ()) -> dict[str, Any]:
    return {NEEDLES: parallel("icerod_17g", *probes), PROGRAM: {"mode": "freeze_thaw", "phases": list(phases)}}


def pulsed(**program: Any) -> dict[str, Any]:
    return {NEEDLES: TWO, PROGRAM: PULSES | program}


def burnt(device: str, **program: Any) -> dict[str, Any]:
    return {NEEDLES: parallel(device), PROGRAM: {"duration": "1 min", **program}}


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        # solids that intersect: by spacing, by count
        (frozen(FREEZE, probes=(1.0,)), f"{NEEDLES}[1]", "runs through n0"),
        (frozen(FREEZE, probes=(10.0, 20.0, 20.5)), f"{NEEDLES}[3]", "runs through n2"),
        # freeze programs
        (frozen(THAW, FREEZE), f"{PROGRAM}.phases[0].action", "expected freeze, got passive_thaw"),
        # voltage over the device's limit
        (pulsed(voltage="3200 V"), f"{PROGRAM}.voltage", "at most 3000 V"),
        (pulsed(pairs=[{"electrodes": ["n0", "n1"], "voltage": "3100 V"}]), f"{PROGRAM}.pairs[0].voltage", "3000 V"),
        (
            {PROGRAM: {"mode": "constant_voltage", "voltage": "300 V", "duration": "1 min"}},
            f"{PROGRAM}.voltage",
            "at most 253 V",
        ),
        # pulses longer than the plan
        (pulsed(duration="50 s"), f"{PROGRAM}.duration", "at least 60.0 s, got 50 s"),
        (
            burnt("mw_single_slot", mode="pulsed", power="30 W", on_time="2 min", off_time="10 s"),
            f"{PROGRAM}.on_time",
            "at most the duration, 60 s",
        ),
        (
            burnt("laser_diffuser_2cm", mode="pulsed", power="8 W", on_time="2 min", off_time="10 s"),
            f"{PROGRAM}.on_time",
            "at most the duration, 60 s",
        ),
        (
            {PLACE: {"stages": [{"applicators": TWO, "program": PULSES}, {"start": "30 s", "wait": "1 min"}]}},
            f"{PLACE}.stages[1].start",
            "60 s or later",
        ),
        # vessels
        ({"patient.vessels": [VEIN | {"radius": "0 mm"}]}, "patient.vessels[0]", "0 mm"),
    ],
)
def test_check_and_run_refuse_it_at_its_place_in_the_scenario(
    changes: dict[str, Any], where: str, says: str, written: Bend, tmp_path: Path
) -> None:
    refusal = refused(written(changes), folder=tmp_path)
    assert_refused_at(refusal, tmp_path / "bent.yaml", where, says)
    checked = call("check", "bent.yaml", folder=tmp_path)
    assert checked.code == 2
    assert checked.err == f"{refusal.removeprefix(f'{tmp_path}/')}\n"


def test_a_centre_line_that_leaves_the_image_is_refused(written: Bend, tmp_path: Path) -> None:
    leaving = VEIN | {"points": [[60.0, -40.0, -60.0], [60.0, 900.0, -60.0]]}
    refusal = refused(written({"patient.vessels": [leaving]}), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / 'bent.yaml'}: patient.vessels[0]: expected centre lines within 96x96x96 ")
    assert "of its length beyond the image, at LPS " in refusal
    assert refusal.endswith("; check frame and unit of its points")


def test_probes_too_close_to_be_meshed_are_refused(written: Bend, tmp_path: Path) -> None:
    refusal = refused(written(frozen(FREEZE, probes=(1.6,))), folder=tmp_path)
    assert f"bent.yaml: {PLACE}: applicators n0 and n1: expected at least 0.2 mm of tissue between" in refusal
    assert refusal.endswith("; move the entry or the tip of one of them")


def test_a_centre_line_with_a_radius_of_zero_in_its_file_is_refused(written: Bend, tmp_path: Path) -> None:
    (tmp_path / "vein.csv").write_text("x,y,z,R\n60,-40,0,3\n60,10,0,0\n60,60,0,3\n")
    vein = {
        "name": "vein", "file": "vein.csv", "frame": "RAS", "length_unit": "mm", "radius_array": "R",
        "flow": "60 ml/min",
    }  # fmt: skip
    refusal = refused(written({"patient.vessels": [vein]}), folder=tmp_path)
    assert "patient.vessels[0].file: line 1, R: expected radii above zero at every point, got a radius of 0 mm" in (
        refusal
    )


def test_a_perfusion_image_on_another_grid_is_refused(written: Bend, tmp_path: Path) -> None:
    grid = lps_grid()
    write_nifti(tmp_path / "flow.nii.gz", np.full(grid.shape, 60.0, np.float32), grid)
    perfusion = {"image": "flow.nii.gz", "unit": "mL/(min 100 mL)"}
    refusal = refused(written({"patient.perfusion": perfusion}), folder=tmp_path)
    assert refusal.startswith(f"{tmp_path / 'flow.nii.gz'}: expected the grid of the labels")
    assert "resample one onto the other" in refusal


# ----------------------------------------------------------------------------------------------------- on the bench


@pytest.fixture
def bench(tmp_path: Path) -> Bend:
    """Write a bench experiment in homogeneous liver with one device at the origin."""

    def write(device: dict[str, Any], program: dict[str, Any], changes: dict[str, Any] | None = None) -> Path:
        data = copy.deepcopy(BENCH)
        data["plans"][PLAN] = {"applicators": [{"entry": [0, 0, 80], "tip": [0, 0, 0], **device}], "program": program}
        for path, value in (changes or {}).items():
            put(data, path, value)
        file = tmp_path / "bench.yaml"
        file.write_text(yaml.safe_dump(data), encoding="utf-8")
        return file

    return write


MICROWAVES = {"mode": "constant_power", "power": "30 W", "duration": "1 min"}


def test_a_tissue_on_an_antennas_path_without_data_at_its_frequency_is_refused(
    bench: Bend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Scenario.tissue

    def without_microwaves(self: Scenario, name: str) -> Tissue:
        tissue = found(self, name)
        kept = {key: value for key, value in tissue.values.items() if "2450_mhz" not in key}
        return Tissue(tissue.name, MappingProxyType(kept))

    monkeypatch.setattr(Scenario, "tissue", without_microwaves)
    refusal = refused(bench({"device": "mw_single_slot"}, MICROWAVES), folder=tmp_path)
    assert f"bench.yaml: {PLACE}: applicator_1: expected tissues with data at 2450 MHz, got tissue 'liver'" in refusal
    assert "; give 'relative_permittivity_2450_mhz' of 'liver' with its source in the scenario" in refusal


def test_a_dielectric_model_that_was_measured_at_another_frequency_is_refused(bench: Bend, tmp_path: Path) -> None:
    file = bench({"device": "mw_dual_slot_915"}, MICROWAVES, {"solver.dielectric_model": "ji_brace"})
    refusal = refused(file, folder=tmp_path)
    assert "bench.yaml: solver.dielectric_model: expected one of " in refusal
    assert "'ji_brace' at 915 MHz" in refusal


def test_check_refuses_with_the_words_of_run(bench: Bend, tmp_path: Path) -> None:
    solver = {"solver.dielectric_model": "cubic", "solver.death_model": "cem44"}
    file = bench({"device": "mw_single_slot"}, MICROWAVES, solver)
    checked, ran = (call(command, file, folder=tmp_path) for command in ("check", "run"))
    assert (checked.code, checked.err) == (ran.code, ran.err)
    assert checked.code == 2
    assert "solver.dielectric_model: " in checked.err
    assert "solver.death_model: " in checked.err
    assert not (tmp_path / "runs").exists()


def test_a_slot_outside_the_tissue_is_refused(bench: Bend, tmp_path: Path) -> None:
    surface = {
        "body_temperature": "37 degC",
        "layers": {"by_height": [{"below": "3 mm", "tissue": "liver"}, {"tissue": "air"}]},
    }
    refusal = refused(bench({"device": "mw_single_slot"}, MICROWAVES, {"patient": surface}), folder=tmp_path)
    assert f"bench.yaml: {PLACE}: applicator_1: expected tissue all around the stretch from " in refusal
    assert refusal.endswith("; push the antenna farther in, or turn it away from the surface")


SKIN = {
    "body_temperature": "37 degC",
    "layers": {"by_height": [{"below": "0 mm", "tissue": "liver"}, {"tissue": "air"}]},
}
IN_SPACE = {"solver": {"resolution": "coarse"}, "patient": SKIN}


def test_an_acoustic_focus_outside_the_region_is_refused(bench: Bend, tmp_path: Path) -> None:
    array = {"device": "hifu_array_256", "entry": [0, 0, 115], "tip": [0, 0, -5]}
    points = [{"power": "50 W", "duration": "5 s"}, {"focus": [0, 0, 8], "power": "50 W", "duration": "5 s"}]
    refusal = refused(bench(array, {"mode": "sonications", "sonications": points}, IN_SPACE), folder=tmp_path)
    assert f"bench.yaml: {PLACE}: applicator applicator_1: expected a focus in tissue within the region" in refusal
    assert "got an acoustic focus outside the body, at LPS (0.0, 0.0, 8.0) mm; " in refusal


def test_bone_in_the_path_of_sound_is_told_with_the_share_it_takes(
    bench: Bend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagio_sim.campaign.presentation.write_presentation", lambda *_: None)
    bowl = {"device": "hifu_bowl_2mhz_44mm", "entry": [0, 0, 24], "tip": [0, 0, -20]}
    program = {"mode": "sonications", "cooling_phase": "1 s", "sonications": [{"power": "15 W", "duration": "1 s"}]}
    layers = [
        {"below": "-6 mm", "tissue": "liver"},
        {"below": "-4 mm", "tissue": "bone_cortical"},
        {"below": "0 mm", "tissue": "muscle"},
        {"tissue": "air"},
    ]
    ended = call("run", bench(bowl, program, {**IN_SPACE, "patient.layers.by_height": layers}), folder=tmp_path)
    assert ended.code == 0, ended.err
    result = json.loads((tmp_path / "runs" / "bench" / PLAN / "result.json").read_text())
    (told,) = (warning for warning in result["warnings"] if "bone in the path" in warning)
    (facts,) = (source for stage in result["solver"]["sources"] for source in stage.values())
    lost = facts["foci"][0]["share"]["lost"]["bone"]
    assert lost > 0.4
    assert told.startswith(f"applicator_1: bone in the path to focus 1 takes {lost:.0%} of the acoustic power")
    assert f"warning {PLAN}: {told}" in ended.out
