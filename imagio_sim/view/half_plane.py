# SPDX-License-Identifier: LGPL-3.0-or-later
"""An axisymmetric phantom in the plane of its axis: the half plane that was solved, and its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.outcome.zone import AblationZone
from imagio_sim.view.scene import NEEDLE_COLOUR, NOTICE, ZONE_COLOUR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.tri import Triangulation

HOT_ISOTHERMS = (42.0, 50.0, 60.0, 80.0, 100.0)
COLD_ISOTHERMS = (-40.0, -30.0, -20.0, 0.0)
"""Temperatures [degC] that are drawn as lines."""
_HOTTEST_COLOUR = 140.0
"""Where the colours of heat end [degC]: a cell at a tip may be far hotter, and all else would look the same."""
_AROUND_MM, _LEAST_MM = 16.0, 20.0
_COLOURS = 24
_BORDER_COLOUR = "#009E73"


@dataclass(frozen=True, eq=False)
class HalfPlane:
    """What there is to show.

    Attributes
    ----------
    title
        Case and plan.
    domain, sampled
        The mesh of the half plane and its tissues.
    zone, zone_name, level
        The deciding zone, what it is called, and the nodal death level (n,) it was made from.
    extreme, is_cold
        Highest temperature (n,) [degC] that every node has lived through; the lowest where the plan freezes.
    applicators
        On the axis.
    """

    title: str
    domain: Domain
    sampled: Sampled
    zone: AblationZone
    zone_name: str
    level: NDArray[np.float64]
    extreme: NDArray[np.float64]
    is_cold: bool
    applicators: Sequence[PlacedApplicator]


def draw_half_plane(path: Path, shown: HalfPlane) -> None:
    """Write a PNG: temperature in colours with isotherms, the zone's outline, borders of layers and the applicator."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 8.0), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.14, 0.7, 0.76))
    window = _window(shown)
    for side in (1.0, -1.0):
        _draw_side(axes, shown, side, colours_in=figure if side > 0.0 else None)
    _draw_applicators(axes, shown)
    axes.set(xlim=(-window[1], window[1]), ylim=(window[0] - window[1], window[0] + window[1]), aspect="equal")
    axes.set(xlabel="distance from the axis [mm]", ylabel="z [mm]")
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    _legend(figure, shown)
    figure.suptitle(shown.title, x=0.01, y=0.98, ha="left", fontsize=14, fontweight="bold")
    figure.text(0.99, 0.01, NOTICE, ha="right", va="bottom", fontsize=8, color="#555555")
    figure.savefig(path, dpi=110, format="png")


def _window(shown: HalfPlane) -> tuple[float, float]:
    """Height of the middle and half the width [mm] of what is shown: the zone, or the surroundings of the tips."""
    points = shown.zone.surface.points_mm
    if not len(points):
        points = np.array([applicator.tip_mm for applicator in shown.applicators] or [(0.0, 0.0, 0.0)])
    low, high = points[:, 2].min(), points[:, 2].max()
    reach = max(float(points[:, 0].max()), float(high - low) / 2.0, _LEAST_MM)
    return float(low + high) / 2.0, reach + _AROUND_MM


def _draw_side(axes: Axes, shown: HalfPlane, side: float, *, colours_in: Figure | None) -> None:
    """One half: the right one as it was solved, the left one its mirror image."""
    from matplotlib.ticker import MaxNLocator
    from matplotlib.tri import Triangulation

    radius, height = shown.domain.points_mm.T
    grid = Triangulation(side * radius, height, shown.domain.cells)
    low, high = float(shown.extreme.min()), float(shown.extreme.max())
    last = min(high, _HOTTEST_COLOUR)
    levels = MaxNLocator(_COLOURS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, max(last, low + 1.0))
    colours = "viridis" if shown.is_cold else "inferno"
    beyond: Literal["neither", "max"] = "max" if high > levels[-1] else "neither"
    filled = axes.tricontourf(grid, shown.extreme, levels=levels, cmap=colours, extend=beyond)
    if colours_in is not None:
        bar = colours_in.colorbar(filled, cax=colours_in.add_axes((0.83, 0.14, 0.025, 0.76)))
        bar.set_label(_bar_label(shown, high if beyond == "max" else None))
    isotherms = [value for value in (COLD_ISOTHERMS if shown.is_cold else HOT_ISOTHERMS) if low < value < high]
    if isotherms:
        lines = axes.tricontour(
            grid, shown.extreme, levels=isotherms, colors="white", linewidths=0.9, linestyles="solid"
        )
        if colours_in is not None:
            places = _label_places(grid, shown, isotherms)
            text = {level: f"{level:g} °C".replace("-", "−") for level in isotherms}
            axes.clabel(lines, list(places), fmt=text, fontsize=8, manual=list(places.values()))
    if shown.level.min() < 0.0 < shown.level.max():
        axes.tricontour(grid, shown.level, levels=[0.0], colors=[ZONE_COLOUR], linewidths=2.4)
    _draw_borders(axes, grid, shown.sampled)


def _label_places(
    grid: Triangulation, shown: HalfPlane, isotherms: Sequence[float]
) -> dict[float, tuple[float, float]]:
    """Where the isotherms are labelled: each on a ray of its own from the middle, so that no label meets another."""
    from matplotlib.tri import LinearTriInterpolator

    temperature = LinearTriInterpolator(grid, shown.extreme)
    middle, half = _window(shown)
    along = np.linspace(0.0, half, 400)
    places = {}
    for level, angle in zip(isotherms, np.radians(np.linspace(-55.0, 55.0, len(isotherms))), strict=True):
        across, up = along * np.cos(angle), middle + along * np.sin(angle)
        above = np.asarray(temperature(across, up) > level)
        crossings = np.flatnonzero(above[1:] != above[:-1])
        if len(crossings):
            places[level] = (float(across[crossings[-1]]), float(up[crossings[-1]]))
    return places


def _bar_label(shown: HalfPlane, beyond: float | None) -> str:
    """What the colours are, and the highest temperature if it is ``beyond`` them."""
    end = "" if beyond is None else f", up to {beyond:.0f}"
    return f"{'lowest' if shown.is_cold else 'highest'} temperature [°C]{end}"


def _draw_borders(axes: Axes, grid: Triangulation, sampled: Sampled) -> None:
    """Borders between tissues, along the edges of cells that are mostly of different ones."""
    from matplotlib.collections import LineCollection

    tissue = sampled.fractions.argmax(axis=1)
    cell, edge = np.nonzero((grid.neighbors >= 0) & (tissue[grid.neighbors] != tissue[:, None]))
    ends = np.stack([grid.triangles[cell, edge], grid.triangles[cell, (edge + 1) % 3]], axis=1)
    segments = np.stack([grid.x[ends], grid.y[ends]], axis=-1)
    axes.add_collection(LineCollection(list(segments), colors=_BORDER_COLOUR, linewidths=1.2))


def _draw_applicators(axes: Axes, shown: HalfPlane) -> None:
    """What the mesh leaves out: the applicators' own surface and inside."""
    for applicator in shown.applicators:
        for rod in applicator.rods:
            low, high = rod.path_mm[0][2], rod.path_mm[-1][2]
            axes.fill_betweenx([low, high], -rod.radius_mm, rod.radius_mm, color=NEEDLE_COLOUR, linewidth=0.5)


def _legend(figure: Figure, shown: HalfPlane) -> None:
    from matplotlib.lines import Line2D

    lines = [(f"{shown.zone_name}, {shown.zone.volume_ml:.1f} ml", ZONE_COLOUR), ("applicator", NEEDLE_COLOUR)]
    present = shown.sampled.fractions.max(axis=0) > 0.0
    if present.sum() > 1:
        names = [name.replace("_", " ") for name, there in zip(shown.sampled.tissues, present, strict=True) if there]
        lines.append((f"border of {', '.join(names)}", _BORDER_COLOUR))
    handles = [Line2D([], [], color=colour, linewidth=3.0, label=label) for label, colour in lines]
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.03), ncols=3, frameon=False, fontsize=10)
