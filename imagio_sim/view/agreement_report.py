# SPDX-License-Identifier: LGPL-3.0-or-later
"""Simulated against measured zones, as a page that stands alone: tables, Bland–Altman plots, every case's picture."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.volume import Image
from imagio_sim.outcome.agreement import LimitsOfAgreement, MarginAgreement
from imagio_sim.outcome.surface import Surface
from imagio_sim.view.page import TextTable, embedded, rendered, write_page
from imagio_sim.view.planes import SOFT_TISSUE_WINDOW_HU
from imagio_sim.view.scene import NOTICE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

SIMULATED_COLOUR, MEASURED_COLOUR, TARGET_COLOUR = "#0072B2", "#D55E00", "#009E73"
_AXES = (("axial", 0, 1, -1.0), ("coronal", 0, 2, 1.0), ("sagittal", 1, 2, 1.0))
"""Planes: which patient axes (LPS) run to the right and up, and the sign of the one that runs up."""
_TITLES = {"axial": "axial (left →)", "coronal": "coronal (left →)", "sagittal": "sagittal (posterior →)"}
_AROUND_MM = 6.0


@dataclass(frozen=True)
class CasePicture:
    """Picture of one case, with what is to be said below it."""

    name: str
    path: Path
    caption: str


@dataclass(frozen=True)
class AgreementPage:
    """What the page is made of.

    Attributes
    ----------
    notices
        What everyone must be told first, such as that the cohort is synthetic.
    facts
        How it was compared, by name.
    summary
        Spread of every figure over the cases.
    cases
        Figures of every case.
    shrinkage
        The figures by what is done about shrinkage.
    margins
        Predicted against measured margins; without rows where no case has a target.
    plots
        Bland–Altman plots with their captions.
    pictures
        One of every case.
    """

    title: str
    notices: Sequence[str]
    facts: Mapping[str, str]
    summary: TextTable
    limits: TextTable
    cases: TextTable
    shrinkage: TextTable
    margins: TextTable
    plots: Sequence[CasePicture]
    pictures: Sequence[CasePicture]


def write_agreement_page(path: Path, page: AgreementPage) -> None:
    """Write the page."""
    pictures = {one.path: embedded(one.path) for one in (*page.plots, *page.pictures)}
    write_page(path, rendered("agreement.html.j2", page=page, pictures=pictures))


def margin_row(name: str, found: MarginAgreement) -> list[str]:
    """One row of the table of margins."""
    shares = (found.too_small_share, found.sensitivity, found.specificity)
    curve = "–" if found.area_under_curve is None else f"{found.area_under_curve:.2f}"
    return [name, str(found.count), *("–" if one is None else f"{100.0 * one:.0f} %" for one in shares), curve]


def draw_overlay(
    path: Path,
    title: str,
    simulated: Surface,
    measured: Surface,
    *,
    target: Surface | None,
    image: Image | None,
    notice: str,
) -> None:
    """Write a PNG with both zones in three planes through the middle of the measured one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(13.0, 5.2), facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, y=0.975, ha="left", fontsize=14, fontweight="bold")
    figure.text(
        0.99, 0.95, f"{notice} {NOTICE}".strip(), ha="right", fontsize=9.5, color="#a63f00" if notice else "#555555"
    )
    shown = [("simulated", simulated, SIMULATED_COLOUR), ("measured", measured, MEASURED_COLOUR)]
    shown += [] if target is None else [("target", target, TARGET_COLOUR)]
    points = np.concatenate([surface.points_mm for _, surface, _ in shown])
    box = np.array([points.min(axis=0) - _AROUND_MM, points.max(axis=0) + _AROUND_MM])
    half = float(np.diff(box, axis=0).max()) / 2.0
    for number, (name, right, up, sign) in enumerate(_AXES):
        axes = figure.add_axes((0.035 + 0.325 * number, 0.14, 0.3, 0.74))
        middle = box.mean(axis=0)
        if image is not None:
            _draw_image(axes, image, measured.centroid_mm, (right, up), middle, half)
        for _, surface, colour in shown:
            _draw_outline(axes, surface, measured.centroid_mm, (right, up), colour)
        axes.set(xlim=(middle[right] - half, middle[right] + half), aspect="equal", title=_TITLES[name])
        axes.set_ylim(*(middle[up] + sign * np.array([-half, half])))
        axes.tick_params(labelsize=8)
    handles = [Line2D([], [], color=colour, linewidth=2.5, label=name) for name, _, colour in shown]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize=11)
    figure.savefig(path, dpi=80, format="png")


def _draw_outline(axes: Axes, surface: Surface, through: Floats, across: tuple[int, int], colour: str) -> None:
    from matplotlib.collections import LineCollection

    if len(surface.triangles):
        normal = np.ones(3)
        normal[list(across)] = 0.0
        segments = surface.section(through, normal)[:, :, list(across)]
        axes.add_collection(LineCollection(list(segments), colors=colour, linewidths=2.0))


def _draw_image(
    axes: Axes, image: Image, through: Floats, across: tuple[int, int], middle: Floats, half: float
) -> None:
    ticks = np.linspace(-half, half, 240)
    points = np.broadcast_to(through, (240, 240, 3)).copy()
    points[..., across[0]], points[..., across[1]] = np.meshgrid(middle[across[0]] + ticks, middle[across[1]] + ticks)
    voxel, inside = image.grid.nearest(points.reshape(-1, 3))
    low, high = SOFT_TISSUE_WINDOW_HU
    values = np.where(inside, image.values[tuple(voxel.T)], low).reshape(240, 240)
    first, second = middle[across[0]], middle[across[1]]
    extent = (first - half, first + half, second - half, second + half)
    axes.imshow(values, cmap="gray", vmin=low, vmax=high, origin="lower", extent=extent)


def draw_bland_altman(
    path: Path, title: str, unit: str, pairs: Sequence[tuple[float, float]], limits: LimitsOfAgreement, notice: str
) -> None:
    """Write a PNG: difference over mean of simulated and measured value, bias and limits with their confidence."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.2), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    simulated, measured = np.array(pairs, dtype=float).T
    axes.axhline(0.0, color="#999999", linewidth=0.8)
    middle = (simulated + measured) / 2.0
    reach = max(float(np.ptp(middle)), 1e-3)
    axes.set_xlim(middle.min() - 0.1 * reach, middle.max() + 0.22 * reach)
    for place, value, interval, style in (
        (0.13, limits.bias, limits.bias_interval, "-"),
        (0.09, limits.low, limits.low_interval, "--"),
        (0.17, limits.high, limits.high_interval, "--"),
    ):
        axes.axhline(value, color="#0072B2", linestyle=style)
        at = middle.max() + place * reach
        axes.errorbar(at, value, np.abs(np.array(interval)[:, None] - value), color="#0072B2", capsize=4.0)
        text = f"{value:.1f}".replace("-", "−")
        axes.annotate(text, (1.01, value), xycoords=("axes fraction", "data"), va="center")
    axes.plot(middle, simulated - measured, "o", color="#D55E00", markeredgecolor="white")
    axes.set(xlabel=f"mean of simulated and measured ({unit})", ylabel=f"simulated − measured ({unit})")
    axes.set_title("\n".join([title, *textwrap.wrap(notice, 60)]), fontsize=10)
    figure.savefig(path, dpi=90, format="png")
