# SPDX-License-Identifier: LGPL-3.0-or-later
"""Generator and temperature curves, and the histogram of margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imagio_sim.outcome.margins import Margins
from imagio_sim.view.scene import MARGIN_BANDS, NOTICE, band_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIME = "time_s"
_UNITS = {
    "W": "power [W]",
    "V": "voltage [V]",
    "A": "current [A]",
    "ohm": "impedance [Ω]",
    "degC": "temperature [°C]",
    "J": "energy [J]",
    "ml": "volume [ml]",
    "mm": "length [mm]",
}
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LINES = ("-", "--", ":", "-.")
_LEGEND_ROWS = 8
"""Curves in one column of a legend; a panel of more has a second column."""


def draw_curves(path: Path, history: Mapping[str, Sequence[float]], title: str) -> None:
    """Write a PNG with one panel per unit over simulated time.

    Parameters
    ----------
    history
        Columns of equal length with their unit behind the last underscore (``power_W``, ``tip_degC``), and ``time_s``.
        Columns in other units are left out.
    """
    panels = _panels(history)
    figure = _figure(9.0, 1.2 + 1.9 * max(1, len(panels)))
    minutes = np.array(history[TIME]) / 60.0
    shared: Axes | None = None
    for position, (unit, names) in enumerate(panels.items()):
        axes = shared = figure.add_subplot(len(panels), 1, position + 1, sharex=shared)
        for (colour, line), name in zip(_styles(len(names)), names, strict=True):
            values = np.array(history[name], dtype=float)
            axes.plot(minutes, values, line, color=colour, linewidth=1.6, label=_label(name))
        axes.set_ylabel(_UNITS[unit])
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        columns = -(-len(names) // _LEGEND_ROWS)
        # Beside the panel: within it, some curve of a long history always runs beneath the words.
        axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1.0, 1.0), ncols=columns)
        axes.tick_params(labelbottom=position == len(panels) - 1)
    if shared is not None:
        shared.set_xlabel("time [min]")
    _finish(figure, path, title)


def _styles(count: int) -> list[tuple[str, str]]:
    """Colour and line of each curve of a panel: all colours solid, then all dashed, and so on."""
    return [(_COLOURS[n % len(_COLOURS)], _LINES[n // len(_COLOURS) % len(_LINES)]) for n in range(count)]


def _label(name: str) -> str:
    """``applicator_1.heat_taken_W`` as "applicator 1: heat taken"."""
    return name.rsplit("_", 1)[0].replace("_", " ").replace(".", ": ")


def _panels(history: Mapping[str, Sequence[float]]) -> dict[str, list[str]]:
    """Columns by unit, in the order of the units' first appearance."""
    panels: dict[str, list[str]] = {}
    for name in history:
        unit = name.rsplit("_", 1)[-1]
        if name != TIME and unit in _UNITS:
            panels.setdefault(unit, []).append(name)
    return panels


def draw_margin_histogram(path: Path, margins: Margins, title: str) -> None:
    """Write a PNG with the share of the target's counted surface by margin, coloured by band."""
    figure = _figure(9.0, 3.6)
    axes = figure.add_subplot()
    values, areas = margins.margins_mm[margins.counted], margins.areas_mm2[margins.counted]
    finite = np.isfinite(values)
    if finite.any():
        edges = np.arange(np.floor(values[finite].min()), np.ceil(values[finite].max()) + 1.0)
        edges = edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1.0])
        share, _ = np.histogram(values[finite], edges, weights=100.0 * areas[finite] / areas.sum())
        colours = [MARGIN_BANDS[band].colour for band in band_of(edges[:-1])]
        axes.bar(edges[:-1], share, width=1.0, align="edge", color=colours, edgecolor="black", linewidth=0.6)
        axes.axvline(0.0, color="black", linewidth=1.2)
        axes.axvline(5.0, color="black", linewidth=1.0, linestyle="--")
    axes.set_xlabel("margin [mm]")
    axes.set_ylabel("target surface [%]")
    axes.spines[["top", "right"]].set_visible(False)
    _finish(figure, path, title)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _finish(figure: Figure, path: Path, title: str) -> None:
    figure.suptitle(title, fontsize=13, fontweight="bold", ha="left", x=0.01)
    figure.text(0.995, 0.005, NOTICE, ha="right", va="bottom", fontsize=7.5, color="#555555")
    figure.savefig(path, dpi=110, format="png")
