# SPDX-License-Identifier: LGPL-3.0-or-later
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from imagio_sim.outcome.result import Result
from imagio_sim.view.curves import draw_curves
from imagio_sim.view.report import Constant, Picture, Report, render_report, write_report
from tests.outcome.cases import result

VOID = {"meta", "img", "br", "link", "hr"}


class Balance(HTMLParser):
    """Checks that every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def report(tmp_path: Path, made: Result) -> Report:
    draw_curves(tmp_path / "curves.png", {"time_s": [0.0, 60.0], "power_W": [60.0, 60.0]}, "A")
    constants = [
        Constant("liver", "thermal conductivity", "0.52 W/(m K)", "± 0.03", "IT'IS database 4.1", "read", "library"),
        Constant("liver", "perfusion rate", "0.0077 1/s", "", "a recollection", "memory", "condition cirrhosis"),
    ]
    return Report(
        title="Liver · plan <A>",
        question="Is 60 W enough?",
        summary={"patient": "cube", "device": "cooled electrode, 3 cm"},
        result=made,
        pictures=[Picture(tmp_path / "curves.png", "Generator curves")],
        constants=constants,
    )


def complete() -> Result:
    made = result()
    made["constraints"] = [
        {
            "name": "margin",
            "quantity": "minimal_ablative_margin",
            "structure": None,
            "bound": "at_least",
            "limit": 5.0,
            "warn": None,
            "value": 5.98,
            "status": "pass",
        }
    ]
    return made


def test_the_report_stands_alone_and_is_well_formed(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", report(tmp_path, complete()))
    page = (tmp_path / "report.html").read_text()
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert re.findall(r'(?:src|href)="(?!data:image/png;base64,)', page) == []
    assert "http" not in page


@pytest.mark.parametrize(
    "text",
    [
        "6.0 mm",
        "≥ 5.00 mm",
        "5.98 mm",
        'class="status pass"',
        "arrhenius",
        "cem43",
        "portal vein",
        "36000 J in",
        "0.3 %",
        "35937 nodes",
        "IT&#39;IS database 4.1",
        "2 constants in all",
        "1 constants from memory",
        'class="unchecked"><td>liver</td><td>perfusion rate',
        "condition cirrhosis",
        "through bone (rib)",
        "Research use only",
        "not of a medical device",
    ],
)
def test_the_report_says(tmp_path: Path, text: str) -> None:
    assert text in render_report(report(tmp_path, complete()))


def test_what_comes_from_files_is_escaped(tmp_path: Path) -> None:
    page = render_report(report(tmp_path, complete()))
    assert "plan &lt;A&gt;" in page
    assert "<A>" not in page


def test_a_failed_run_says_so(tmp_path: Path) -> None:
    failed: Result = {
        "schema": 1,
        "status": "failed",
        "plan": "A",
        "modalities": ["rf"],
        "warnings": [],
        "versions": {},
        "inputs": {},
        "failure": "the heat solver diverged",
    }
    page = render_report(report(tmp_path, failed))
    assert "This run is failed" in page
    assert "the heat solver diverged" in page


def test_a_run_without_zone_shows_dashes(tmp_path: Path) -> None:
    assert "<b>– mm</b>" in render_report(report(tmp_path, result(radius_mm=-1.0)))
