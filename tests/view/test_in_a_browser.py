# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pages as a browser shows them: nothing in the console, nothing asked of a network, nothing wider than a phone."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from imagio_sim.outcome.result import Result
from imagio_sim.view.comparison_report import ComparedRun, ComparisonReport, write_comparison_report
from imagio_sim.view.interactive import interactive_scene
from imagio_sim.view.page import TextTable
from imagio_sim.view.report import Picture, write_report
from tests.view import test_pictures
from tests.view.test_report import complete, report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")

OPENED = """
<script>
const told = [];
new PerformanceObserver((list) => told.push(...list.getEntries().map((one) => one.name))).observe({ type: "resource" });
document.querySelector(".scene button").click();
window.addEventListener("load", () => setTimeout(() => {
  document.body.dataset.seen = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  document.body.dataset.drawn = document.querySelectorAll(".canvas canvas").length;
  document.body.dataset.asked = told.filter((name) => !name.startsWith("data:") && !name.startsWith("blob:")).join(" ");
}, 500));
</script>
"""
"""Opens the scene as a reader would, and writes down what can be seen of the page."""


def browser(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    drawing = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
    profile = ("--no-sandbox", "--no-first-run", f"--user-data-dir={page.parent / 'profile'}")
    said = ("--enable-logging=stderr", "--virtual-time-budget=8000")
    command = [CHROMIUM, "--headless=new", *profile, *drawing, *said, *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def own_page(folder: Path) -> Path:
    """A run's page, with a scene."""
    path = folder / "own.html"
    write_report(path, replace(report(folder, complete()), scene=interactive_scene(test_pictures.scene())))
    return path


def joint_page(folder: Path) -> Path:
    """A page with four plans of long names side by side."""
    one = report(folder, complete())
    pictures = [Picture(picture.path, picture.caption) for picture in one.pictures]
    names = ["radiofrequency", "microwave_two_antennas", "cryo", "electroporation"]
    result: Result = {**one.result, "constants_from_memory": []}
    runs = [ComparedRun(name, one.question, result, pictures) for name in names]
    rows = [["radiofrequency", "cryo", "portal vein", "0.0", "1.2", "3.4"]]
    differences = TextTable(["plan A", "plan B", "where", "only A (ml)", "only B (ml)", "both (ml)"], rows)
    scene = interactive_scene(test_pictures.scene())
    path = folder / "joint.html"
    page = ComparisonReport("4 plans compared", runs, "smallest energy", [1, 2, 3, 4], differences, [], scene)
    write_comparison_report(path, page)
    return path


@pytest.mark.parametrize("make", [own_page, joint_page])
@pytest.mark.parametrize("size", ["1400,1000", "500,900"])
def test_a_page_opens_with_its_scene_and_without_complaint(tmp_path: Path, make: object, size: str) -> None:
    assert callable(make)
    page = make(tmp_path)
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{OPENED}</body>"), encoding="utf-8")

    shown = browser(page, f"--window-size={size}", "--dump-dom")

    assert [line for line in shown.stderr.splitlines() if "CONSOLE" in line] == []
    seen = dict(re.findall(r'data-(seen|drawn|asked)="([^"]*)"', shown.stdout[-200_000:] + shown.stdout[:200_000]))
    assert seen == {"seen": "0", "drawn": "1", "asked": ""}


@pytest.mark.parametrize("make", [own_page, joint_page])
def test_a_page_can_be_printed(tmp_path: Path, make: object) -> None:
    assert callable(make)
    printed = tmp_path / "page.pdf"

    browser(make(tmp_path), f"--print-to-pdf={printed}", "--no-pdf-header-footer")

    assert printed.read_bytes().startswith(b"%PDF")
