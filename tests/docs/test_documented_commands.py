# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every command that README and guide show is executed as it stands there, on stand-ins that take seconds."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

from imagio_cli.main import COMMANDS
from tests.campaign.bench import bench_case
from tests.cli.conftest import call

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```([a-z]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^(?:\./)?imagio ([^#\n]+)", re.MULTILINE)
OTHER = re.compile(r"^(?!(?:\./)?imagio )([a-z][\w.-]*(?: [^#\n]+)?)", re.MULTILINE)
"""What stands in a block for the shell and is not ours."""
MAKE = re.compile(r"`make ([a-z-]+)`")
MENTIONED = re.compile(r"`(?:\./)?imagio ([a-z][^`]*)`")

SHORTER = {"--samples 64": "--samples 8", "--count 20": "--count 3"}
"""What a documented command may say that takes too long for a test, and what is executed in its place."""
ELSEWHERE = {"--slurm": "tests/campaign/workflow/test_cluster.py", "data get": "tests/cli/test_data_command.py"}
"""What needs a cluster or a network, and where it is executed."""


@dataclass(frozen=True)
class Shown:
    """A command on a page."""

    page: str
    text: str


def shown() -> Iterator[Shown]:
    """Commands in blocks, in the order in which a reader comes to them."""
    for page in PAGES:
        for _, block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for text in SHOWN.findall(block):
                yield Shown(page.relative_to(ROOT).as_posix(), text.strip())


def mentioned() -> Iterator[Shown]:
    """Commands within sentences."""
    for page in PAGES:
        for text in MENTIONED.findall(page.read_text(encoding="utf-8")):
            yield Shown(page.relative_to(ROOT).as_posix(), text.strip())


def written_case(path: Path) -> None:
    """A case of seconds under the name of the documented file, with the plan that the pages speak of."""
    case = bench_case(name=path.stem)
    case["plans"] = {"one_needle": case["plans"].pop(next(iter(case["plans"])))}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(case, sort_keys=False), encoding="utf-8")


def written_zone(path: Path) -> None:
    """A zone where the needle of the case was active."""
    mask = np.zeros((30, 30, 50), np.uint8)
    mask[11:19, 11:19, 5:35] = 1
    nibabel.save(nibabel.Nifti1Image(mask, nibabel.affines.from_matvec(np.eye(3), [-15.0, -15.0, -5.0])), path)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the pages take for granted."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("my_case.yaml", "scenarios/phantom_rf_coarse.yaml", "scenarios/liver_rf_demo.yaml"):
        written_case(folder / name)
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4)), folder / "segmentation.nii.gz")
    written_zone(folder / "follow_up.nii.gz")
    table = "run,measured_zone\nruns/phantom_rf_coarse/one_needle,follow_up.nii.gz\n"
    (folder / "measured.csv").write_text(table, encoding="utf-8")
    cases = [{"scenario": "my_case.yaml", "patient": "P01", "measured_zone": "follow_up.nii.gz"}]
    campaign = {"schema": 1, "name": "campaign", "cases": cases, "resolution": "coarse"}
    (folder / "campaign.yaml").write_text(yaml.safe_dump(campaign), encoding="utf-8")
    assert call("run", "scenarios/phantom_rf_coarse.yaml", folder=folder).code == 0
    return folder


def test_the_pages_show_commands() -> None:
    assert {one.text.split()[0] for one in shown()} >= {"run", "check", "sweep", "compare", "uncertainty", "campaign"}


def test_every_command_in_a_block_is_executed_and_ends_well(desk: Path) -> None:
    for one in shown():
        if any(what in one.text for what in ELSEWHERE):
            continue
        text = one.text
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        ended = call(*shlex.split(text), folder=desk)
        assert ended.code == 0, f"{one.page}: imagio {one.text}\n{ended.err}"


@pytest.mark.parametrize("one", sorted(set(mentioned()), key=str), ids=lambda one: one.text)
def test_every_command_in_a_sentence_exists_with_its_options(one: Shown, tmp_path: Path) -> None:
    words = one.text.split()
    assert words[0] in COMMANDS, f"{one.page}: imagio {one.text}"
    names = [words[0], *(word for word in words[1:2] if words[0] in ("campaign", "data") and word.islower())]
    said = call(*names, "--help", folder=tmp_path)
    for word in words:
        assert not word.startswith("--") or word in said.out, f"{one.page}: {word} of imagio {one.text}"


@pytest.mark.parametrize("path", sorted(ELSEWHERE.values()))
def test_what_is_executed_elsewhere_is_executed_there(path: str) -> None:
    what = next(one for one, place in ELSEWHERE.items() if place == path)
    text = (ROOT / path).read_text(encoding="utf-8")
    assert all(word.strip("-") in text for word in what.split())


def others() -> list[Shown]:
    """Commands of other programs, in blocks that say no language."""
    return [
        Shown(page.relative_to(ROOT).as_posix(), text.strip())
        for page in PAGES
        for language, block in BLOCK.findall(page.read_text(encoding="utf-8"))
        for text in OTHER.findall(block)
        if language in ("", "sh", "bash", "console")
    ]


def test_other_programs_are_shown_that_are_known_here() -> None:
    assert {one.text.split()[0] for one in others()} == {"make", "python3", "duckdb", "conda", "pvbatch"}


def targets() -> list[str]:
    shown_there = [one.text.split()[1] for one in others() if one.text.startswith("make ")]
    mentioned_there = [name for page in PAGES for name in MAKE.findall(page.read_text(encoding="utf-8"))]
    return sorted({*shown_there, *mentioned_there})


@pytest.mark.parametrize("target", targets())
def test_every_target_of_make_is_one(target: str) -> None:
    rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert target in rules


@pytest.mark.parametrize("text", [one.text for one in others() if one.text.split()[0] in ("python3", "duckdb")])
def test_what_reads_the_table_of_results_reads_it(desk: Path, text: str) -> None:
    assert call("campaign", "run", "campaign.yaml", folder=desk).code == 0
    program, _, code = shlex.split(text)
    if program == "duckdb":
        pytest.importorskip("duckdb")
        code = f"import duckdb; print(duckdb.sql({code!r}).fetchall())"
    ended = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert "one_needle" in ended.stdout


def test_conda_finds_the_environment_that_it_is_told_to_make_and_activate() -> None:
    (text,) = {one.text for one in others() if one.text.startswith("conda")}
    file, name = re.fullmatch(r"conda env create --file (\S+) && conda activate (\S+)", text).groups()  # type: ignore[union-attr]
    assert yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["name"] == name


def test_the_script_that_pvbatch_is_given_is_run_by_the_real_one() -> None:
    assert {one.text for one in others() if one.text.startswith("pvbatch")} == {"pvbatch paraview_view.py picture.png"}
    assert '"pvbatch"' in (ROOT / "tests/export/test_viewer_scenes.py").read_text(encoding="utf-8")
