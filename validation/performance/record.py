# SPDX-License-Identifier: LGPL-3.0-or-later
"""Figures of every version as JSON, and the page made of them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import imagio_sim
from validation.performance import ablations, comparison, modalities, scaling

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
VERSIONS = FOLDER / "versions"
PLOT = FOLDER / "scaling.png"


class Part(Protocol):
    """A part of the page."""

    def measure(self, short: bool) -> dict[str, Any]:
        """Figures as JSON takes them; ``short``: on coarse meshes with few steps."""

    def table(self, found: Mapping[str, Any]) -> str:
        """The figures as Markdown."""

    def broken_promises(self, found: Mapping[str, Any]) -> Iterator[str]:
        """What the project promises and the figures do not hold."""


PARTS: Mapping[str, Part] = {
    "comparison": comparison,
    "ablations": ablations,
    "modalities": modalities,
    "scaling": scaling,
}


def machine() -> str:
    """The machine and how busy it was."""
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, load before the run {load:.1f}"


def keep(part: str, where: str, found: Mapping[str, Any]) -> None:
    """Write the figures of a part beside the others of this version."""
    VERSIONS.mkdir(exist_ok=True)
    file = VERSIONS / f"{imagio_sim.__version__}.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept[part] = {"machine": where, "figures": found}
    file.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def kept_versions() -> dict[str, dict[str, Any]]:
    """All that was kept, by version, oldest first."""
    files = sorted(VERSIONS.glob("*.json"), key=lambda file: [int(number) for number in file.stem.split(".")])
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def write_page() -> None:
    """Renew tables and plot from what is kept."""
    README.write_text(page(README.read_text(encoding="utf-8"), kept_versions()), encoding="utf-8")
    newest = list(kept_versions().values())[-1]
    if "scaling" in newest:
        scaling.draw(newest["scaling"]["figures"], PLOT)


def page(text: str, versions: Mapping[str, Mapping[str, Any]]) -> str:
    """A page with the tables of the newest version between its marks, and a line for every version."""
    newest = list(versions.values())[-1]
    for name, kept in newest.items():
        text = between(text, name, f"{kept['machine']}.\n\n{PARTS[name].table(kept['figures'])}")
    return between(text, "versions", version_table(versions))


def between(text: str, name: str, content: str) -> str:
    """The text with other content between two marks."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n\n{content}\n\n{end}{rest.split(end)[1]}"


def version_table(versions: Mapping[str, Mapping[str, Any]]) -> str:
    """One line a version, of ratios that another machine would give as well."""
    lines = [
        "| version | times faster than plain DOLFINx | exponent | two ranks | dearest modality |",
        "|---|---:|---:|---:|---|",
    ]
    for version, kept in versions.items():
        figures = {name: part["figures"] for name, part in kept.items()}
        lines.append(f"| {version} | " + " | ".join(_ratios(figures)) + " |")
    return "\n".join(lines)


def _ratios(figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"{comparison.ratio(figures['comparison']):.1f}" if "comparison" in figures else ""
    grown = figures.get("scaling")
    yield f"{scaling.exponent(grown):.2f}" if grown else ""
    yield (
        f"{min(scaling.speed_ups(grown).values()):.2f} to {max(scaling.speed_ups(grown).values()):.2f}" if grown else ""
    )
    costs = {name: modalities.relative(row) for name, row in figures.get("modalities", {}).items()}
    yield max(
        (f"{name} {cost:.1f}" for name, cost in costs.items()), key=lambda text: float(text.split()[-1]), default=""
    )
