# SPDX-License-Identifier: LGPL-3.0-or-later
"""The validation book as a campaign: jobs of Snakemake, whose results are taken when they are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagio_sim.campaign.validation.campaign import LOCK, campaign_results, ordered_cases, result_file
from imagio_sim.campaign.validation.case import read_cases
from imagio_sim.campaign.validation.conduct import read_result, write_result
from imagio_sim.campaign.workflow.engine import Engine
from imagio_sim.errors import InputError
from imagio_sim.occupancy import occupied
from tests.campaign.validation.test_book import result, written_book

pytest.importorskip("snakemake", reason="Snakemake is not installed: pip install 'imagio-sim[campaign]'")


def test_a_campaign_gives_what_a_worker_gives_and_goes_on_with_what_is_there(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    cases, folder = list(read_cases(book).values()), tmp_path / "campaign"

    ((entry, found),) = campaign_results(book, cases, folder, Engine(1))

    assert (entry.case.id, found.verdict, found.broken) == ("ZZ01", "agree", "")
    assert ordered_cases(folder) == ["ZZ01"]
    file = result_file(folder, "ZZ01")
    stamp = file.stat().st_mtime_ns
    assert [again for _, again in campaign_results(book, cases, folder, Engine(1))] == [found]
    assert file.stat().st_mtime_ns == stamp


def test_a_result_of_other_inputs_is_not_taken(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    cases, folder = list(read_cases(book).values()), tmp_path / "campaign"
    kept = read_result(_left(folder, inputs="of last year"))
    assert kept is not None

    ((_, found),) = campaign_results(book, cases, folder, Engine(1))

    assert found.verdicts[0].simulated == 30.0
    assert found.inputs != kept.inputs


def _left(folder: Path, inputs: str) -> Path:
    file = result_file(folder, "ZZ01")
    write_result(file, result())
    file.write_text(json.dumps({**json.loads(file.read_text()), "inputs": inputs}))
    return file


def test_two_in_one_folder_are_refused(tmp_path: Path) -> None:
    book, folder = written_book(tmp_path), tmp_path / "campaign"
    started = campaign_results(book, list(read_cases(book).values()), folder, Engine(1))
    with occupied(folder / LOCK, on_wait=lambda _: None), pytest.raises(InputError, match="one at a time"):
        next(started)
