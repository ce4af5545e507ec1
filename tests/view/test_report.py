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


def frozen() -> Result:
    made = complete()
    shape = {
        "volume_ml": 37.83,
        "tissue_volume_ml": 37.6,
        "long_axis_mm": 55.8,
        "short_axis_mm": 39.28,
        "transverse_axis_mm": 37.1,
        "sphericity": 0.89,
        "components": 1,
        "centroid_lps_mm": [0.0, 0.0, 0.0],
        "centroid_to_target_mm": 0.0,
        "clipped_by_region": False,
    }
    made["ice"] = {"0_degC": shape, "-40_degC": {**shape, "volume_ml": 15.61}}  # type: ignore[dict-item]
    made["structures"]["portal vein"]["minimum_temperature_degC"] = -3.25
    return made


@pytest.mark.parametrize("text", ["<h2>Ice</h2>", "37.83 ml", "55.8 mm", "−40 °C", "lowest temperature", "−3.2 °C"])
def test_what_froze_is_reported(tmp_path: Path, text: str) -> None:
    assert text in render_report(report(tmp_path, frozen()))
    assert text not in render_report(report(tmp_path, complete()))


def test_the_report_shows_tables_of_the_sources_and_no_raw_data(tmp_path: Path) -> None:
    made = complete()
    made["solver"] = {
        "steps": 481,
        "wall_s": 12.345,
        "field_error_K": 0.5,
        "by_stage": [{"steps": 481}],
        "sources": [{"cryo": {"medial": {"coldest_wall_degC": -124.6, "largest_heat_taken_W": 28.4}}}],
        "energy_by_stage": [{"source_by_name_J": {}, "lost_by_path_J": {"perfusion": -77.0}}],
    }
    page = render_report(report(tmp_path, made))
    assert "−124.6 °C" in page
    assert "Heat into tissue and out of it" in page
    assert "0.500 K" in page
    assert "&#39;steps&#39;" not in page
    assert "coldest_wall" not in page


def test_contraction_is_told_of_only_where_something_contracts(tmp_path: Path) -> None:
    made = complete()
    made["contracted_zone_estimate"] = {
        "volume_ml": 10.0,
        "long_axis_mm": 30.0,
        "short_axis_mm": 25.0,
        "transverse_axis_mm": 25.0,
        "length_ratio": 0.81,
        "length_ratio_range": [0.75, 0.86],
        "measured_tissue": "liver",
    }
    assert "14 % shorter to\n25 % shorter)" in render_report(report(tmp_path, made))
    made["contracted_zone_estimate"]["length_ratio_range"] = [0.75, 1.06]
    assert "6 % longer to\n25 % shorter)" in render_report(report(tmp_path, made))
    made["contracted_zone_estimate"]["length_ratio"] = 0.9999
    assert "Heated tissue contracts" not in render_report(report(tmp_path, made))
