# SPDX-License-Identifier: LGPL-3.0-or-later
"""The picture of an experiment: what was measured and accepted, and what was simulated with its spread."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from imagio_sim.campaign.validation.verdict import CaseResult, Verdict

FIGURE = "result.svg"
COLOURS = {"agree": "#2f7d4f", "disagree": "#b3382c", "not judged": "#6b6b6b"}
"""Of what was simulated, by verdict."""
MEASURED, ACCEPTED, MODELS = "#1f4e8c", "#c9dbf2", "#b8b8b8"
STYLE: Any = {
    "svg.hashsalt": "imagio-sim",  # with the date left out: the same bytes from the same figures
    "svg.fonttype": "none",
    "font.size": 8.0,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
_NAME = re.compile(r' id="[a-z0-9]+_\d+"')
_LONG_NUMBER = re.compile(r"(\d+\.\d\d)\d+")
_WIDTH, _ROW, _ABOVE_AND_BELOW = 7.2, 0.3, 0.55


def write_figure(file: Path, result: CaseResult) -> bool:
    """Draw the quantities that have figures, those of one unit together; whether there are any."""
    drawn = [one for one in result.verdicts if one.simulated is not None]
    if not drawn:
        return False
    import matplotlib as mpl
    from matplotlib.figure import Figure

    units = list(dict.fromkeys(one.unit for one in drawn))
    groups = [[one for one in drawn if one.unit == unit] for unit in units]
    heights = [_ROW * len(group) + _ABOVE_AND_BELOW for group in groups]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, sum(heights) + 0.25), layout="constrained")
        axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
        for place, group, unit in zip(axes, groups, units, strict=True):
            _draw(place, group, unit)
        figure.legend(handles=_legend(), loc="outside upper center", ncols=5, frameon=False, fontsize=7)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_shortened(text.getvalue()), encoding="utf-8")
    return True


def _shortened(svg: str) -> str:
    """The same picture to a hundredth of a point, without indentation and names that nothing refers to."""
    lines = (_NAME.sub("", line.strip()) for line in svg.splitlines())
    return _LONG_NUMBER.sub(r"\1", "\n".join(lines)) + "\n"


def _draw(axes: Any, rows: Sequence[Verdict], unit: str) -> None:
    """Quantities of one unit below each other, the first on top."""
    low, high = _limits(rows)
    for height, one in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
        _draw_reference(axes, one, height, low, high)
        _draw_simulated(axes, one, height)
    axes.set_yticks(range(len(rows) - 1, -1, -1), [one.quantity for one in rows])
    axes.tick_params(axis="y", length=0.0)
    axes.set_xlim(low, high)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(unit or "share or ratio")


def _draw_reference(axes: Any, one: Verdict, height: float, low: float, high: float) -> None:
    if one.accepted_low is not None or one.accepted_high is not None:
        start = low if one.accepted_low is None else one.accepted_low
        end = high if one.accepted_high is None else one.accepted_high
        axes.barh(height, max(end - start, 0.004 * (high - low)), left=start, height=0.7, color=ACCEPTED)
    if one.reference is not None:
        axes.errorbar(
            one.reference, height + 0.14, xerr=one.reference_spread, fmt="o", ms=4, capsize=2, lw=1, color=MEASURED
        )


def _draw_simulated(axes: Any, one: Verdict, height: float) -> None:
    colour, place = COLOURS[one.verdict], height - 0.14
    if one.model_low is not None:
        axes.plot([one.model_low, one.model_high], [place, place], color=MODELS, lw=1.2, solid_capstyle="butt")
    if one.low is not None:
        axes.plot([one.low, one.high], [place, place], color=colour, lw=3.0, solid_capstyle="butt")
    axes.plot([one.simulated], [place], marker="D", ms=4, color=colour)


def _limits(rows: Sequence[Verdict]) -> tuple[float, float]:
    """Ends of the axis: everything that is drawn and a little more."""
    values = [value for one in rows for value in _values(one) if value is not None]
    low, high = min(values), max(values)
    more = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return low - more, high + more


def _values(one: Verdict) -> tuple[float | None, ...]:
    spread = one.reference_spread or 0.0
    measured = () if one.reference is None else (one.reference - spread, one.reference + spread)
    accepted = (one.accepted_low, one.accepted_high)
    return (one.simulated, one.low, one.high, one.model_low, one.model_high, *accepted, *measured)


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = COLOURS["not judged"]
    return [
        Patch(color=ACCEPTED, label="accepted"),
        Line2D([], [], color=MEASURED, marker="o", ms=4, lw=1, label="measured (standard deviation)"),
        Line2D([], [], color=grey, marker="D", ms=4, lw=3, label="simulated over what is unknown"),
        Line2D([], [], color=MODELS, lw=1.2, label="over death models"),
    ]
