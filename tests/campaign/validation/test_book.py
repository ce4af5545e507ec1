# SPDX-License-Identifier: LGPL-3.0-or-later
"""The validation book: what a case file may say, how quantities are judged, and the page that tells all of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagio_sim.campaign.validation.case import BookCase, ValidationCase, chosen_cases, find_book, read_cases
from imagio_sim.campaign.validation.conduct import (
    keep,
    picture_of,
    read_result,
    run_case,
    verdicts_of_tests,
    write_result,
)
from imagio_sim.campaign.validation.figure import write_figure
from imagio_sim.campaign.validation.inputs import SourceTree
from imagio_sim.campaign.validation.page import page, verdict_of
from imagio_sim.campaign.validation.verdict import CaseResult, Judgement, Verdict, judged, not_judged
from imagio_sim.errors import InputError, InputErrors

ROOT = Path(__file__).parents[3]
BOOK = ROOT / "validation"
RANGE = {"name": "length", "low": 2.0, "high": 4.0, "unit": "cm", "why": "not stated"}


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ZZ01",
        "title": "How wide?",
        "modality": "radiofrequency",
        "kind": "experiment",
        "use": "validate",
        "measured": True,
        "sources": ["a table"],
        "tolerance": "4 mm",
        "study": "study",
        **changes,
    }


def case(**changes: Any) -> ValidationCase:
    return ValidationCase.model_validate(entry(**changes))


def result(*verdicts: Verdict) -> CaseResult:
    return CaseResult("ZZ01", "4 mm", verdicts, 1.0, "0")


def written_book(folder: Path, **changes: Any) -> Path:
    """A book of one case, whose study judges 30 mm against 28 to 36."""
    place = folder / "validation" / "experiments" / "ZZ01_width"
    place.mkdir(parents=True)
    (folder / "validation" / "verification").mkdir()
    (folder / "validation" / "open_cases.yaml").write_text("cases: []\n")
    for package in (folder / "validation", place.parent):
        (package / "__init__.py").touch()
    (place / "case.yaml").write_text(yaml.safe_dump(entry(**changes)))
    (place / "study.py").write_text(
        "from imagio_sim.campaign.validation import judged\n"
        "def judge(case):\n"
        "    return (judged('width', 'mm', 30.0, within=(28.0, 36.0), reference=32.0),)\n"
    )
    return folder / "validation"


def run(book: Path) -> CaseResult:
    """The result of its case."""
    return run_case(book, read_cases(book)["ZZ01"], SourceTree(book.parent))


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        ([30.0], "agree"),
        ([40.0], "disagree"),
        ([30.0, 30.0, 40.0], "agree"),
        ([30.0, 40.0, 40.0], "disagree"),
        ([30.0, 40.0], "not judged"),
    ],
)
def test_two_thirds_of_the_samples_decide(samples: list[float], verdict: Judgement) -> None:
    assert judged("width", "mm", samples, within=(28.0, 36.0)).verdict == verdict


def test_what_is_not_judged_names_the_input_that_decides() -> None:
    found = judged("width", "mm", [30.0, 40.0], within=(28.0, 36.0), unknown="length 2 to 4 cm")
    assert "length 2 to 4 cm" in found.why
    assert (found.low, found.high, found.simulated) == (30.0, 40.0, 35.0)


def test_the_limits_of_a_tolerance_belong_to_it_and_one_side_may_be_open() -> None:
    assert judged("width", "mm", 28.0, within=(28.0, 36.0)).verdict == "agree"
    assert judged("width", "mm", 1e9, within=(28.0, None)).verdict == "agree"
    assert judged("width", "mm", 27.9, within=(28.0, None)).verdict == "disagree"


def test_what_is_not_a_number_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="not a number"):
        judged("width", "mm", float("nan"), within=(28.0, 36.0))


def test_a_case_disagrees_with_any_quantity_that_does() -> None:
    good, bad = (judged("width", "mm", value, within=(28.0, 36.0)) for value in (30.0, 40.0))
    open_one = not_judged("length", "mm", "the electrode is not stated")
    assert result(good, open_one).verdict == "agree"
    assert result(good, bad, open_one).verdict == "disagree"
    assert result(open_one).verdict == "not judged"
    assert (result(good, bad, open_one).judged_count, result(good, bad).agreeing_count) == (2, 1)


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    kept = result(
        judged("width", "mm", [30.0, 31.0], within=(28.0, None), models=(20.0, 40.0)), not_judged("a", "", "b")
    )
    write_result(tmp_path / "result.json", kept)
    assert read_result(tmp_path / "result.json") == kept
    assert read_result(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tests": ["tests/test_units.py"]}, "one of them"),
        ({"study": None}, "one of them"),
        ({"tolerance": None}, "before the first run"),
        ({"tier": "quick"}, "fast"),
        ({"tolerence": "4 mm"}, "tolerence"),
        ({"unknown": [{**RANGE, "high": 1.0}]}, "swap the ends"),
    ],
)
def test_faulty_case_files_are_refused(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match=told):
        read_cases(written_book(tmp_path, **changes))


def test_an_identifier_is_given_once(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    again = entry(study=None, missing="the electrode")
    (book / "open_cases.yaml").write_text(yaml.safe_dump({"cases": [again]}))
    with pytest.raises(InputError, match="two cases"):
        read_cases(book)


def test_unknown_inputs_are_drawn_evenly_over_their_range() -> None:
    drawn = [one["length"] for one in case(unknown=[RANGE]).samples(8, seed=1)]
    assert sorted(int(4.0 * (value - 2.0)) for value in drawn) == list(range(8))
    assert case(unknown=[RANGE]).samples(8, seed=1) == case(unknown=[RANGE]).samples(8, seed=1)


def test_a_study_is_judged_in_a_process_of_its_own(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    found = run(book)
    assert (found.broken, found.verdict, found.tolerance) == ("", "agree", "4 mm")


def test_a_study_that_breaks_down_is_not_judged_and_says_why(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    (book / "experiments" / "ZZ01_width" / "study.py").write_text("raise RuntimeError('no electrode')\n")
    found = run(book)
    assert found.verdict == "not judged"
    assert "no electrode" in found.broken


def record(folder: Path, *outcomes: str) -> Path:
    inside = {"passed": "", "failed": "<failure/>", "skipped": '<skipped message="no data set"/>'}
    cases = "".join(f'<testcase name="test_{at}">{inside[one]}</testcase>' for at, one in enumerate(outcomes))
    file = folder / "tests.xml"
    file.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return file


def test_tests_agree_when_all_that_ran_have_passed(tmp_path: Path) -> None:
    assert [one.verdict for one in verdicts_of_tests(record(tmp_path, "passed", "skipped"))] == ["agree"]
    (failed,) = verdicts_of_tests(record(tmp_path, "passed", "failed"))
    assert (failed.verdict, failed.simulated, failed.why) == ("disagree", 1.0, "failed: test_1")
    (skipped,) = verdicts_of_tests(record(tmp_path, "skipped"))
    assert (skipped.verdict, skipped.why) == ("not judged", "no data set")


def test_an_installation_without_the_book_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import imagio_sim.campaign.validation.case as module

    monkeypatch.setattr(module, "__file__", str(tmp_path / "site-packages" / "imagio_sim" / "a" / "b" / "case.py"))
    with pytest.raises(InputError, match="clone the repository"):
        find_book(tmp_path)


def test_cases_are_chosen_by_name_and_tier() -> None:
    cases = {name: BookCase(case(id=name, tier=tier), Path(name)) for name, tier in (("A", "fast"), ("B", "full"))} | {
        "C": BookCase(case(id="C", study=None, missing="all"), None)
    }
    assert [one.case.id for one in chosen_cases(cases, [], "fast")] == ["A"]
    assert [one.case.id for one in chosen_cases(cases, [], "full")] == ["A", "B"]
    assert [one.case.id for one in chosen_cases(cases, ["B", "C"], None)] == ["B"]
    with pytest.raises(InputErrors, match="did you mean"):
        chosen_cases({"AN01": cases["A"]}, ["AN1"], None)


def test_the_page_tells_agreement_and_disagreement_alike() -> None:
    cases = {"ZZ01": BookCase(case(), None), "ZZ02": BookCase(case(id="ZZ02", study=None, missing="the needle"), None)}
    text = page(Path("validation.md"), cases)
    assert "has not been run" in text
    assert "| radiofrequency | 0 | 0 | 1 | 0 | 1 |" in text
    assert "| ZZ02 | How wide? | the needle |" in text
    calibrating = BookCase(case(use="calibrate"), None)
    assert verdict_of((calibrating, result(judged("width", "mm", 40.0, within=(28.0, 36.0))))) == "calibrates"


def test_calibrating_cases_do_not_count_as_agreement(tmp_path: Path) -> None:
    book = written_book(tmp_path, use="calibrate")
    cases = read_cases(book)
    file = cases["ZZ01"].result_file
    assert file is not None
    write_result(file, run(book))
    assert "Of 0 measured quantities that are judged, 0 agree" in page(tmp_path / "validation.md", cases)


def test_a_result_is_out_of_date_when_the_logic_of_its_study_or_what_it_samples_changes(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    kept, study = run(book), book / "experiments" / "ZZ01_width" / "study.py"

    def current() -> bool:
        return SourceTree(tmp_path).is_current(read_cases(book)["ZZ01"], kept)

    assert current()
    study.write_text('"""Says what it does."""\n' + study.read_text() + "# as measured\n")
    assert current()
    study.write_text(study.read_text().replace("30.0", "31.0"))
    assert not current()
    study.write_text(study.read_text().replace("31.0", "30.0"))
    assert current()
    (book / "experiments" / "ZZ01_width" / "case.yaml").write_text(yaml.safe_dump(entry(unknown=[RANGE])))
    assert not current()


def test_a_result_is_out_of_date_when_what_its_study_imports_or_reads_changes(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    place = book / "experiments" / "ZZ01_width"
    (place / "table.csv").write_text("32\n")
    (book / "experiments" / "bench.py").write_text("WIDTH = 30.0\n")
    (place / "study.py").write_text(
        "from pathlib import Path\n"
        "from imagio_sim.campaign.validation import judged\n"
        "from validation.experiments.bench import WIDTH\n"
        "def judge(case):\n"
        "    measured = float((Path(__file__).parent / 'table.csv').read_text())\n"
        "    return (judged('width', 'mm', WIDTH, within=(28.0, 36.0), reference=measured),)\n"
    )
    case_of = read_cases(book)["ZZ01"]
    kept = run(book)
    assert kept.data_files == ("validation/experiments/ZZ01_width/table.csv",)
    assert SourceTree(tmp_path).is_current(case_of, kept)
    (place / "table.csv").write_text("33\n")
    assert not SourceTree(tmp_path).is_current(case_of, kept)
    (place / "table.csv").write_text("32\n")
    (book / "experiments" / "bench.py").write_text("WIDTH = 31.0\n")
    assert not SourceTree(tmp_path).is_current(case_of, kept)
    assert not SourceTree(tmp_path).is_current(case_of, None)
    assert not SourceTree(tmp_path).is_current(case_of, replace(kept, broken="killed"))


def test_a_picture_is_small_and_the_same_whenever_it_is_drawn(tmp_path: Path) -> None:
    rows = [
        judged(f"width {at}", "mm", [20.0 + at, 22.0 + at], within=(18.0, None), reference=21.0, spread=2.0)
        for at in range(20)
    ]
    drawn = result(*rows, judged("ratio", "", 0.9, within=(0.8, 1.2), models=(0.5, 1.5)), not_judged("a", "", "b"))
    files = (tmp_path / "one.svg", tmp_path / "two.svg")
    assert all(write_figure(file, drawn) for file in files)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size < 40_000
    text = files[0].read_text()
    assert "width 19" in text
    assert "ratio" in text
    assert write_figure(tmp_path / "none.svg", result(not_judged("a", "", "b"))) is False
    assert not (tmp_path / "none.svg").exists()


def test_the_page_shows_the_picture_of_an_experiment(tmp_path: Path) -> None:
    book = written_book(tmp_path)
    cases = read_cases(book)
    keep(cases["ZZ01"], run(book))
    assert picture_of(cases["ZZ01"]).is_file()
    shown = page(tmp_path / "docs" / "validation.md", cases)
    assert "(../validation/experiments/ZZ01_width/result.svg)" in shown


def test_every_experiment_with_figures_has_the_picture_of_its_result(tmp_path: Path) -> None:
    for one in read_cases(BOOK).values():
        kept = read_result(one.result_file)
        if kept and one.case.kind == "experiment" and write_figure(tmp_path / "again.svg", kept):
            assert shape_of(picture_of(one)) == shape_of(tmp_path / "again.svg"), one.case.id


def shape_of(picture: Path) -> str:
    """A drawing without its numbers, whose last digits are those of a version of the drawing library."""
    return re.sub(r"-?\d+(\.\d+)?", "#", picture.read_text(encoding="utf-8"))


def test_the_committed_page_is_what_the_committed_results_give() -> None:
    file = ROOT / "docs" / "validation.md"
    assert file.read_text(encoding="utf-8") == page(file, read_cases(BOOK))


def test_the_readme_counts_as_the_page_does() -> None:
    page_text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    agree, disagree = re.findall(r"of these measured\*\* \| (\d+) \| (\d+) \|", page_text)[0]
    judged, within = re.findall(r"Of (\d+) measured quantities that are judged, (\d+) agree", page_text)[0]
    told = f"of {int(agree) + int(disagree)} experiments that can be judged {agree} agree and {disagree} do not"
    assert f"{told} (of their {judged} quantities {within} do)" in readme


def test_the_tolerance_of_a_case_is_the_one_it_was_judged_by() -> None:
    for one in read_cases(BOOK).values():
        kept = read_result(one.result_file)
        assert kept is None or replace(kept, tolerance=one.case.tolerance or "") == kept, one.case.id


def test_tests_that_cases_name_exist() -> None:
    for one in read_cases(BOOK).values():
        for name in one.case.tests:
            file, _, function = name.partition("::")
            assert (ROOT / file).is_file(), name
            assert f"def {function}" in (ROOT / file).read_text(encoding="utf-8"), name
