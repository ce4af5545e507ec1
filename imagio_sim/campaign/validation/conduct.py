# SPDX-License-Identifier: LGPL-3.0-or-later
"""Run cases of the book, each in a process of its own, so that none can take the others with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import imagio_sim
from imagio_sim.campaign.validation.case import RESULT, BookCase
from imagio_sim.campaign.validation.figure import FIGURE, write_figure
from imagio_sim.campaign.validation.inputs import SourceTree
from imagio_sim.campaign.validation.verdict import CaseResult, Verdict, judged, not_judged

TIME_LIMIT = 3600.0  # s; the longest case of the book takes a sixth of it on an idle machine


def run_cases(book: Path, cases: Sequence[BookCase], jobs: int) -> Iterator[tuple[BookCase, CaseResult]]:
    """Run cases, ``jobs`` at a time, and give each with its result as soon as it is there."""
    tree = SourceTree(book.parent)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(run_case, book, one, tree): one for one in cases}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def run_case(book: Path, entry: BookCase, tree: SourceTree) -> CaseResult:
    """Run one case of a source tree; a run that breaks down is not judged and says why."""
    began, code = time.monotonic(), tree.code_digest(entry)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            judge = _by_tests if entry.case.tests else _by_study
            found = judge(book, entry, Path(scratch))
        except subprocess.TimeoutExpired:
            found = _Found(broken=f"took longer than {TIME_LIMIT / 60.0:g} min")
    verdicts = found.verdicts
    if found.broken:
        verdicts = (not_judged("run", "", f"broke down: {found.broken}"),)
    return CaseResult(
        entry.case.id,
        entry.case.tolerance or "",
        verdicts,
        time.monotonic() - began,
        imagio_sim.__version__,
        found.broken,
        tree.inputs_digest(entry, code, found.data_files),
        found.data_files,
    )


@dataclass(frozen=True)
class _Found:
    """What the process of a case has left: verdicts and the data it has read, or what it broke down of."""

    verdicts: tuple[Verdict, ...] = ()
    data_files: tuple[str, ...] = ()
    broken: str = ""


def write_result(file: Path, result: CaseResult) -> None:
    """Write a result beside its case, or where it is wanted."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result.data(), indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def keep(entry: BookCase, result: CaseResult, out: Path | None = None) -> None:
    """Write a result, and the picture of an experiment, beside the case or into a folder ``out``."""
    assert entry.folder is not None
    file = entry.folder / RESULT if out is None else out / f"{entry.case.id}.json"
    write_result(file, result)
    if entry.case.kind == "experiment":
        write_figure(picture_of(entry, out), result)


def picture_of(entry: BookCase, out: Path | None = None) -> Path:
    """Where the picture of a case is, beside it or in a folder ``out``."""
    assert entry.folder is not None
    return entry.folder / FIGURE if out is None else out / f"{entry.case.id}.svg"


def read_result(file: Path | None) -> CaseResult | None:
    """The result of a case that has one."""
    if file is None or not file.is_file():
        return None
    return CaseResult.of_data(json.loads(file.read_text(encoding="utf-8")))


def _child(book: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(book.parent), str(book.parent / "cli"), os.environ.get("PYTHONPATH", "")]
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command,
        cwd=book.parent,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=TIME_LIMIT,
        check=False,
    )


def _last_line(ended: subprocess.CompletedProcess[str]) -> str:
    lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
    return lines[-1][:300] if lines else f"ended with {ended.returncode}"


def _by_study(book: Path, entry: BookCase, scratch: Path) -> _Found:
    assert entry.folder is not None
    target = scratch / "verdicts.json"
    ended = _child(book, "imagio_sim.campaign.validation.judging", str(entry.folder / "case.yaml"), str(target))
    if ended.returncode or not target.is_file():
        return _Found(broken=_last_line(ended))
    left = json.loads(target.read_text(encoding="utf-8"))
    return _Found(tuple(Verdict(**one) for one in left["verdicts"]), tuple(left["data_files"]))


def _by_tests(book: Path, entry: BookCase, scratch: Path) -> _Found:
    record = scratch / "tests.xml"
    ended = _child(book, "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={record}", *entry.case.tests)
    if not record.is_file() or ended.returncode not in (0, 1):
        return _Found(broken=_last_line(ended))
    return _Found(verdicts_of_tests(record))


def verdicts_of_tests(record: Path) -> tuple[Verdict, ...]:
    """The verdict of a JUnit record: all tests that ran must have passed."""
    tests = list(ElementTree.parse(record).iter("testcase"))
    skipped = [test for test in tests if test.find("skipped") is not None]
    failed = [test for test in tests if test.find("failure") is not None or test.find("error") is not None]
    ran = len(tests) - len(skipped)
    if not ran:
        reasons = {str(one.get("message", "")) for test in skipped for one in test.iter("skipped")}
        return (not_judged("tests that pass", "", "; ".join(sorted(reasons)) or "no test was found"),)
    why = f"failed: {', '.join(str(test.get('name')) for test in failed)}" if failed else ""
    if skipped and not failed:
        why = f"{len(skipped)} more need what is not here"
    passed = float(ran - len(failed))
    return (judged("tests that pass", "", passed, within=(float(ran), None), reference=float(ran), why=why),)
