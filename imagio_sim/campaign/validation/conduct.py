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
from pathlib import Path
from xml.etree import ElementTree

import imagio_sim
from imagio_sim.campaign.validation.case import BookCase
from imagio_sim.campaign.validation.verdict import CaseResult, Verdict, judged, not_judged

TIME_LIMIT = 3600.0  # s; the longest case of the book takes a sixth of it on an idle machine


def run_cases(book: Path, cases: Sequence[BookCase], jobs: int) -> Iterator[tuple[BookCase, CaseResult]]:
    """Run cases, ``jobs`` at a time, and give each with its result as soon as it is there."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(run_case, book, one): one for one in cases}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def run_case(book: Path, entry: BookCase) -> CaseResult:
    """Run one case; a run that breaks down is not judged and says why."""
    began = time.monotonic()
    case = entry.case
    with tempfile.TemporaryDirectory() as scratch:
        try:
            judge = _by_tests if case.tests else _by_study
            verdicts, broken = judge(book, entry, Path(scratch))
        except subprocess.TimeoutExpired:
            verdicts, broken = (), f"took longer than {TIME_LIMIT / 60.0:g} min"
    if broken:
        verdicts = (not_judged("run", "", f"broke down: {broken}"),)
    seconds = time.monotonic() - began
    return CaseResult(case.id, case.tolerance or "", verdicts, seconds, imagio_sim.__version__, broken)


def write_result(file: Path, result: CaseResult) -> None:
    """Write a result beside its case, or where it is wanted."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result.data(), indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


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


def _by_study(book: Path, entry: BookCase, scratch: Path) -> tuple[tuple[Verdict, ...], str]:
    assert entry.folder is not None
    target = scratch / "verdicts.json"
    ended = _child(book, "imagio_sim.campaign.validation.judging", str(entry.folder / "case.yaml"), str(target))
    if ended.returncode or not target.is_file():
        return (), _last_line(ended)
    return tuple(Verdict(**one) for one in json.loads(target.read_text(encoding="utf-8"))), ""


def _by_tests(book: Path, entry: BookCase, scratch: Path) -> tuple[tuple[Verdict, ...], str]:
    record = scratch / "tests.xml"
    ended = _child(book, "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={record}", *entry.case.tests)
    if not record.is_file() or ended.returncode not in (0, 1):
        return (), _last_line(ended)
    return verdicts_of_tests(record), ""


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
