# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio devices`` as a user meets it."""

import json

import pytest
from typer.testing import CliRunner

from imagio_cli.main import application, main
from imagio_sim.devices import device_names


def test_every_device_is_listed() -> None:
    result = CliRunner().invoke(application, ["devices"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    for name in device_names():
        assert name in result.output


def test_a_device_is_shown_with_evidence_and_references() -> None:
    result = CliRunner().invoke(application, ["devices", "cooled_17g_3cm"], env={"COLUMNS": "200"})
    for expected in ("geometry.shaft.diameter", "1.473 mm", "memory", "needle_gauge", "Needle gauge comparison chart"):
        assert expected in result.output


def test_json_holds_the_same_figures() -> None:
    shown = json.loads(CliRunner().invoke(application, ["devices", "starburst_xl", "--json"]).output)
    assert shown["geometry"]["tines"]["count"] == 9
    assert shown["references"]["gosmart"]["url"].startswith("https://")
    assert set(json.loads(CliRunner().invoke(application, ["devices", "--json"]).output)) == set(device_names())


def test_an_unknown_device_ends_with_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["imagio", "devices", "starburst_xxl"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "did you mean 'starburst_xl'?" in error
