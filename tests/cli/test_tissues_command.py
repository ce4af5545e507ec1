# SPDX-License-Identifier: LGPL-3.0-or-later
"""``imagio tissues``."""

import json
import sys

import typer
from typer.testing import CliRunner, Result

from imagio_cli.tissues import tissues
from imagio_sim.errors import InputError
from imagio_sim.tissue import load_tissue, parameter_set, tissue_names


def run(*arguments: str) -> Result:
    application = typer.Typer()
    application.command()(tissues)
    return CliRunner().invoke(application, list(arguments), env={"COLUMNS": "200"})


def test_without_a_name_all_tissues_are_listed() -> None:
    result = run()
    assert result.exit_code == 0
    assert all(name in result.stdout for name in tissue_names())


def test_a_tissue_is_shown_with_unit_spread_evidence_and_source() -> None:
    result = run("liver")
    assert result.exit_code == 0
    for word in ("thermal_conductivity", "0.46 to 0.57", "sd 0.0045", "W/(m K)", "read", "comsol_bio", "COMSOL 5.5"):
        assert word in result.stdout


def test_json_holds_every_value_with_its_reference() -> None:
    shown = json.loads(run("liver", "--json").stdout)
    assert shown["values"].keys() == load_tissue("liver").values.keys()
    assert shown["values"]["density"]["value"] == 1079
    assert "IT'IS" in shown["values"]["density"]["reference"]
    assert set(json.loads(run("--json").stdout)) == set(tissue_names())


def test_an_unknown_tissue_is_a_user_error_that_names_the_nearest() -> None:
    error = run("livr").exception
    assert isinstance(error, InputError)
    assert "did you mean 'liver'" in str(error)


def test_the_command_is_imported_without_heavy_libraries() -> None:
    import subprocess

    check = "import sys, imagio_cli.tissues; sys.exit(any(m in sys.modules for m in ('numpy', 'rich.table', 'yaml')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_species_and_conditions_are_listed() -> None:
    shown = run().stdout
    assert all(name in shown for name in ("pig", "human_child", "cirrhosis", "ex_vivo"))


def test_a_tissue_is_shown_as_it_is_in_a_species_and_a_condition() -> None:
    result = run("liver", "--species", "pig", "--condition", "cirrhosis", "--json")
    perfusion = json.loads(result.stdout)["values"]["perfusion_rate"]
    assert (
        perfusion["value"]
        == load_tissue("liver", sets=[parameter_set("species", "pig")]).value("perfusion_rate") * 0.62
    )
    assert perfusion["origin"] == "condition cirrhosis"
    assert "species pig" in run("liver", "--species", "pig").stdout


def test_an_unknown_species_is_a_user_error_that_names_the_nearest() -> None:
    error = run("liver", "--species", "pgi").exception
    assert isinstance(error, InputError)
    assert "did you mean 'pig'" in str(error)
