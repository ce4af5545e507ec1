# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio check`` as a user meets it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imagio_cli.main import application, main

SCENARIO = """
schema: 1
name: small
question: Is the tumour dead?
expected_run_time: 1 min
frame: RAS
patient:
  labels: [{file: labels.nii.gz}]
  organ_pack: liver
  unlabelled: muscle
  outside: muscle
  body_temperature: 37 degC
target: {label: tumour}
plans:
  pulsed:
    applicators: [{device: cooled_17g_3cm, entry: [110, 20, 30], tip: [5, 20, 30]}]
    program: {mode: impedance_control, duration: 12 min}
    wait: 30 min
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SCENARIO)
    (tmp_path / "labels.nii.gz").touch()
    return tmp_path / "small.yaml"


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["imagio", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(str(end.value.code or 0))


def test_a_valid_scenario_is_summarised_with_what_the_device_adds(file: Path) -> None:
    result = CliRunner().invoke(application, ["check", str(file)], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for expected in ("Plan pulsed", "cooled_17g_3cm", "impedance_control", "pause_power 10 W", "wait 30 min", "valid"):
        assert expected in result.output


def test_infusions_are_shown_where_they_are_given(file: Path) -> None:
    beads = (
        "    infusions: [{name: beads, kind: bland, territory: {labels: [liver]}, organ: [liver], "
        "particles: bland_100_300, particle_volume: 2 ml, occlusion: 90 %}]\n    wait: 30 min"
    )
    file.write_text(SCENARIO.replace("    wait: 30 min", beads))
    result = CliRunner().invoke(application, ["check", str(file)], env={"COLUMNS": "240"})
    assert result.exit_code == 0
    for expected in ("beads", "bland", "particle_volume 2 ml", "occlusion 0.9", "impedance_control", "wait 30 min"):
        assert expected in result.output


def test_an_invalid_scenario_ends_with_one_line_per_fault_and_code_2(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(SCENARIO.replace("12 min", "0 min").replace("37 degC", "37"))
    assert exit_code(monkeypatch, "check", file) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["patient.body_temperature", "plans.pulsed.program.duration"]


def test_a_missing_label_file_ends_with_code_2(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "labels.nii.gz").unlink()
    assert exit_code(monkeypatch, "check", file) == 2
    assert "patient.labels[0].file: expected an existing file" in capsys.readouterr().err


def test_the_schema_is_printed_as_json() -> None:
    result = CliRunner().invoke(application, ["check", "--schema"])
    assert "plans" in json.loads(result.output)["properties"]


def test_check_without_a_scenario_says_what_is_missing() -> None:
    result = CliRunner().invoke(application, ["check"])
    assert result.exit_code == 2
    assert "scenario file" in result.output
