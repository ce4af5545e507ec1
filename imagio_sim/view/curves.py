# SPDX-License-Identifier: LGPL-3.0-or-later
"""Generator and temperature curves, and the histogram of margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
    "mol": "drug [mol]",
    "umol_per_l": "concentration [µmol/l]",
    "mol_per_m3": "concentration [mol/m³]",
}
_LOGARITHMIC, _DECADES = frozenset({"mol"}), 1e-4
"""Units whose curves differ by orders of magnitude, and how much of them below the highest is shown."""
_LEAST_CHANGE = {"degC": 0.01}
"""A panel whose curves all stay within this says nothing; of other units, one whose curves are all zero."""
_SPANS, _MANY = {"d": 86400.0, "h": 3600.0}, 3.0
"""Units of time longer than minutes [s], and from how many of them on one is used."""
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LINES = ("-", "--", ":", "-.")
_LEGEND_ROWS = 8
"""Curves in one column of a legend; a panel of more has a second column."""


def draw_curves(path: Path, history: Mapping[str, Sequence[float]], title: str) -> None:
    """Write a PNG with one panel per unit over simulated time.

    Parameters
    ----------
    history
        Columns of equal length that end in their unit (``power_W``, ``tip_degC``, ``plasma_mol_per_m3``), and
        ``time_s``. Columns in other units are left out.
    """
    panels = _panels(history)
    figure = _figure(9.0, 1.2 + 1.9 * max(1, len(panels)))
    times, unit_of_time = _in_readable_unit(np.array(history[TIME]))
    shared: Axes | None = None
    for position, (unit, names) in enumerate(panels.items()):
        axes = shared = figure.add_subplot(len(panels), 1, position + 1, sharex=shared)
        for (colour, line), name in zip(_styles(len(names)), names, strict=True):
            values = np.array(history[name], dtype=float)
            axes.plot(times, values, line, color=colour, linewidth=1.6, label=_label(name))
        axes.set_ylabel(_UNITS[unit])
        if unit in _LOGARITHMIC and (highest := max(np.nanmax(history[name]) for name in names)) > 0.0:
            axes.set(yscale="log", ylim=(_DECADES * highest, 2.0 * highest))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        columns = -(-len(names) // _LEGEND_ROWS)
        # Beside the panel: within it, some curve of a long history always runs beneath the words.
        axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1.0, 1.0), ncols=columns)
        axes.tick_params(labelbottom=position == len(panels) - 1)
    if shared is not None:
        shared.set_xlabel(f"time [{unit_of_time}]")
    _finish(figure, path, title)


def _in_readable_unit(times: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Times [s] in the unit in which people speak of so long a span."""
    name, length = next(
        ((name, length) for name, length in _SPANS.items() if times.max() >= _MANY * length), ("min", 60.0)
    )
    return np.asarray(times / length, dtype=np.float64), name


def has_curves(history: Mapping[str, Sequence[float]]) -> bool:
    """Whether anything happens in any column of a history, so that there is something to draw."""
    return bool(_panels(history))


def _styles(count: int) -> list[tuple[str, str]]:
    """Colour and line of each curve of a panel: all colours solid, then all dashed, and so on."""
    return [(_COLOURS[n % len(_COLOURS)], _LINES[n // len(_COLOURS) % len(_LINES)]) for n in range(count)]


def _label(name: str) -> str:
    """``applicator_1.heat_taken_W`` as "applicator 1: heat taken"."""
    return name.removesuffix(f"_{_unit(name)}").replace("_", " ").replace(".", ": ")


def _unit(name: str) -> str | None:
    """The unit that the name of a column ends in, the longest where several fit; None for those that are not drawn."""
    return max((unit for unit in _UNITS if name.endswith(f"_{unit}")), key=len, default=None)


def _panels(history: Mapping[str, Sequence[float]]) -> dict[str, list[str]]:
    """Columns by unit, in the order of the units' first appearance; units in which nothing happens are left out."""
    panels: dict[str, list[str]] = {}
    for name in history:
        unit = _unit(name)
        if name != TIME and unit is not None:
            panels.setdefault(unit, []).append(name)
    return {unit: names for unit, names in panels.items() if _happens(unit, [history[name] for name in names])}


def _happens(unit: str, columns: Sequence[Sequence[float]]) -> bool:
    """Whether the columns of a unit have anything to show."""
    values = np.concatenate([np.array(column, dtype=float) for column in columns])
    known = values[np.isfinite(values)]
    return bool(known.any()) and (unit not in _LEAST_CHANGE or np.ptp(known) > _LEAST_CHANGE[unit])


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


@dataclass(frozen=True, eq=False)
class HistogramCurve:
    """Share (n,) of a part of the patient whose value is at least each of (n,)."""

    name: str
    values: NDArray[np.float64]
    shares: NDArray[np.float64]


def draw_volume_histograms(path: Path, curves: Sequence[HistogramCurve], quantity: str, title: str) -> None:
    """Write a PNG with cumulative volume histograms of one ``quantity`` (with its unit): a DVH, or one of a drug."""
    figure = _figure(9.0, 4.2)
    axes = figure.add_subplot()
    for (colour, line), curve in zip(_styles(len(curves)), curves, strict=True):
        axes.plot(curve.values, 100.0 * curve.shares, line, color=colour, linewidth=1.8, label=curve.name)
    axes.set(xlabel=quantity, ylabel="volume [%]", ylim=(0.0, 102.0))
    axes.set_xlim(left=0.0)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
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
