# SPDX-License-Identifier: LGPL-3.0-or-later
"""The page of a calibration: what it says first, that it stands alone, and its plots."""

from __future__ import annotations

import re
from pathlib import Path

from imagio_sim.view.calibration_report import (
    CalibrationPage,
    PredictedLength,
    draw_lengths,
    draw_parameter,
    write_calibration_page,
)
from imagio_sim.view.page import TextTable
from imagio_sim.view.report import Picture

NOTICE = "SYNTHETIC <made up>"


def test_a_page_says_its_notices_first_escapes_them_and_asks_for_nothing(tmp_path: Path) -> None:
    cases = {f"P{number}": (0.01, 0.02 + 0.001 * number, 0.04) for number in range(3)}
    draw_parameter(tmp_path / "parameter.png", "liver: perfusion_rate (1/s)", (0.005, 0.02, 0.03), cases, NOTICE)
    lengths = [PredictedLength("long axis", [30.0, 32.0], [(28.0, 33.0), (29.0, 36.0)], [31.0, 33.0])]
    draw_lengths(tmp_path / "lengths.png", lengths, NOTICE)
    table = TextTable(["parameter", "known before"], [["liver: perfusion_rate", "0.02"]])
    pictures = [Picture(tmp_path / "parameter.png", "intervals"), Picture(tmp_path / "lengths.png", "lengths")]
    page = CalibrationPage("Calibration on 3 cases", [NOTICE], table, table, table, {"seed": "0"}, pictures)

    write_calibration_page(tmp_path / "page.html", page)

    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "SYNTHETIC &lt;made up&gt;" in text
    assert text.index("SYNTHETIC") < text.index("liver: perfusion_rate")
    assert text.count("data:image/png;base64,") == 2
    assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:)', text) == []
