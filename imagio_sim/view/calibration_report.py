# SPDX-License-Identifier: LGPL-3.0-or-later
"""A calibration as a page that stands alone: parameters before and after, and errors with and without a case's zone."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imagio_sim.view.page import TextTable, embedded, is_wide, rendered, write_page
from imagio_sim.view.report import Picture

BEFORE_COLOUR, AFTER_COLOUR, MEASURED_COLOUR = "#d9dfe6", "#0072B2", "#D55E00"
_INCHES_PER_CASE = 0.22
_MOST_NAMES = 60
"""Cases beyond which a plot does not name them."""

Told = tuple[float, float, float]
"""Percentiles 5, 50 and 95."""


@dataclass(frozen=True)
class CalibrationPage:
    """What the page is made of.

    Attributes
    ----------
    notices
        What everyone must be told first, such as that the cohort is synthetic.
    parameters
        Each parameter before and after, over all cases.
    cases
        Values of every case.
    errors
        Of the lengths, by how they were predicted.
    facts
        How it was calibrated and how far to believe it, by name.
    pictures
        Plots with their captions.
    """

    title: str
    notices: Sequence[str]
    parameters: TextTable
    cases: TextTable
    errors: TextTable
    facts: Mapping[str, str]
    pictures: Sequence[Picture]


def write_calibration_page(path: Path, page: CalibrationPage) -> None:
    """Write the page; it is there only once it is complete."""
    pictures = [(embedded(one.path), one.caption, is_wide(one.path)) for one in page.pictures]
    write_page(path, rendered("calibration.html.j2", page=page, pictures=pictures))


def draw_parameter(path: Path, title: str, before: Told, cases: Mapping[str, Told], notice: str) -> None:
    """Write a PNG: the interval of every case over what was known beforehand."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 1.6 + _INCHES_PER_CASE * len(cases)), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    low, median, high = before
    axes.axvspan(low, high, color=BEFORE_COLOUR, label="known before (5 to 95 %)")
    axes.axvline(median, color="#5b6675", linestyle="--", linewidth=1.0)
    values, rows = np.array(list(cases.values())), np.arange(len(cases))
    reach = np.stack([values[:, 1] - values[:, 0], values[:, 2] - values[:, 1]])
    axes.errorbar(
        values[:, 1], rows, xerr=reach, fmt="o", color=AFTER_COLOUR, capsize=2.0, markersize=4.0, label="case"
    )
    named = len(cases) <= _MOST_NAMES
    axes.set_yticks(rows if named else [], list(cases) if named else [], fontsize=8)
    axes.invert_yaxis()
    axes.set_title("\n".join([title, *textwrap.wrap(notice, 70)]), fontsize=10)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.savefig(path, dpi=90, format="png")


@dataclass(frozen=True)
class PredictedLength:
    """One length [mm] of every case: measured, as the other cases let expect (5, 95 %), and as they predict it."""

    title: str
    measured: Sequence[float]
    expected: Sequence[tuple[float, float]]
    left_out: Sequence[float]


def draw_lengths(path: Path, lengths: Sequence[PredictedLength], notice: str) -> None:
    """Write a PNG with a panel per length: what the other cases let expect over what was measured."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4 * len(lengths), 4.4), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(notice, fontsize=9, color="#a63f00")
    for axes, one in zip(figure.subplots(1, len(lengths), squeeze=False)[0], lengths, strict=True):
        low, high = np.array(one.expected).T
        ends = (min(low.min(), min(one.measured)) - 1.0, max(high.max(), max(one.measured)) + 1.0)
        axes.plot(ends, ends, color="#999999", linewidth=0.8)
        axes.vlines(one.measured, low, high, color=AFTER_COLOUR, linewidth=1.5, label="expected, 5 to 95 %")
        axes.plot(one.measured, one.left_out, "o", color=MEASURED_COLOUR, markersize=4.0, label="predicted")
        axes.set(xlim=ends, ylim=ends, aspect="equal", xlabel=f"measured {one.title} (mm)")
        axes.set_ylabel("from the other cases alone (mm)")
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(path, dpi=90, format="png")
