# SPDX-License-Identifier: LGPL-3.0-or-later
"""The book as a campaign: every case a job of Snakemake, on the cores of this machine or on a cluster.

A folder holds the order (``order.json``) and, as they come, the results (``results/<case>.json``). The same order in
the same folder goes on where it was: results that are there and up to date are taken as they are.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from imagio_sim.campaign.validation.case import BookCase, read_cases
from imagio_sim.campaign.validation.conduct import read_result, run_case, write_result
from imagio_sim.campaign.validation.inputs import SourceTree
from imagio_sim.campaign.validation.verdict import CaseResult
from imagio_sim.campaign.workflow.engine import Engine, check_engine, running
from imagio_sim.errors import InputError, Interrupted
from imagio_sim.occupancy import Occupant, occupied

ORDER, RESULTS, LOCK = "order.json", "results", "validation.lock"
WORKFLOW = Path(__file__).parent / "Snakefile"
_POLL = 1.0


def campaign_results(
    book: Path, cases: Sequence[BookCase], folder: Path, engine: Engine
) -> Iterator[tuple[BookCase, CaseResult]]:
    """Run cases by an engine in a folder and give each with its result as soon as it is there.

    Raises
    ------
    InputError
        Before anything starts: an engine that is not there, a folder in which another one runs.
    Interrupted
        By the user; the same order goes on.
    """
    engine = replace(engine, snakefile=WORKFLOW)
    check_engine(engine)
    folder.mkdir(parents=True, exist_ok=True)
    with occupied(folder / LOCK, on_wait=_refuse_occupant(folder)) as place:
        _write_order(book, cases, folder)
        with running(engine, folder) as poll:
            waiting, ended = list(cases), False
            while not ended:  # the engine books its last job after the result is there
                ended = poll() is not None
                for entry, result in _arrived(folder, waiting):
                    waiting.remove(entry)
                    yield entry, result
                place.beat()
                _wait()


def _wait() -> None:
    try:
        time.sleep(_POLL)
    except KeyboardInterrupt as stop:
        raise Interrupted("stopped; the same command goes on with the cases that are left") from stop


def _write_order(book: Path, cases: Sequence[BookCase], folder: Path) -> None:
    """Say what is wanted, and forget results of what has changed since."""
    tree = SourceTree(book.parent)
    for entry in cases:
        file = result_file(folder, entry.case.id)
        if file.is_file() and not tree.is_current(entry, read_result(file)):
            file.unlink()
    order = {"book": str(book.resolve()), "cases": [entry.case.id for entry in cases]}
    (folder / ORDER).write_text(json.dumps(order, indent=1) + "\n", encoding="utf-8")


def _arrived(folder: Path, waiting: Sequence[BookCase]) -> list[tuple[BookCase, CaseResult]]:
    read = [(entry, read_result(result_file(folder, entry.case.id))) for entry in waiting]
    return [(entry, result) for entry, result in read if result is not None]


def result_file(folder: Path, case: str) -> Path:
    """Where a campaign's folder holds the result of a case."""
    return folder / RESULTS / f"{case}.json"


def ordered_cases(folder: Path) -> list[str]:
    """Identifiers of the cases of a campaign's folder."""
    return list(json.loads((folder / ORDER).read_text(encoding="utf-8"))["cases"])


def _refuse_occupant(folder: Path) -> Callable[[Occupant], None]:
    def refuse(other: Occupant) -> None:
        raise InputError(
            str(folder),
            found=f"a folder in which cases are being run by {other.text}",
            allowed="one at a time",
            remedy="wait for it, or choose another --campaign",
        )

    return refuse


def main() -> None:
    """The job of one case: ``python -m imagio_sim.campaign.validation.campaign FOLDER CASE``."""
    folder, case = Path(sys.argv[1]).resolve(), sys.argv[2]
    # Of SLURM's variables only some reach a job through Snakemake, with which MPI takes the cluster for its own.
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        del os.environ[name]
    book = Path(json.loads((folder / ORDER).read_text(encoding="utf-8"))["book"])
    file = result_file(folder, case)
    partial = file.with_suffix(".partial")
    write_result(partial, run_case(book, read_cases(book)[case], SourceTree(book.parent)))
    partial.replace(file)


if __name__ == "__main__":
    main()
