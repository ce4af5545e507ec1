# SPDX-License-Identifier: LGPL-3.0-or-later
"""How time and memory grow with the mesh, and what a second rank brings, over the same prescribed steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imagio_sim.solve.case import ThermalCase
from validation.independence.study import Variant
from validation.performance.comparison import fixed_steps, gentle_case
from validation.performance.ranks import solved_on

NODES = (50_000, 100_000, 200_000, 400_000, 800_000, 1_000_000)
"""Sizes of the meshes, within a tenth."""
RANKS = (1, 2)
FITTED = (90_000, 900_000)
"""Nodes between which the exponent is fitted."""
LARGEST_EXPONENT, LEAST_SPEED_UP = 1.15, 1.6
_CLOSE = 0.1
_NOMINAL = 97_000
"""Nodes of the burn at resolution `normal`, from which the search for a mesh of a size starts."""


def measure(short: bool) -> dict[str, Any]:
    """A burn on meshes of all sizes, on one rank and on two."""
    nodes, steps = (NODES[:1], fixed_steps(5)) if short else (NODES, fixed_steps(20))
    return {"rows": [solved_on(ranks, case, steps) for case in map(case_with, nodes) for ranks in RANKS]}


def case_with(nodes: int) -> ThermalCase:
    """The burn on a mesh of so many nodes: cells smaller or larger everywhere by the same factor."""
    factor = (_NOMINAL / nodes) ** (1.0 / 3.0)
    while True:
        case = gentle_case("normal", Variant(size_factor=factor))
        found = len(case.domain.points_mm)
        if abs(found / nodes - 1.0) < _CLOSE:
            return case
        factor *= (found / nodes) ** (1.0 / 3.0)


def exponent(found: Mapping[str, Any]) -> float | None:
    """Of the time of a step in the number of nodes, on one rank; None: too few sizes were run."""
    rows = [row for row in _on(1, found) if FITTED[0] <= row["nodes"] <= FITTED[1]]
    if len(rows) < 3:
        return None
    nodes, seconds = (np.log([row[name] for row in rows]) for name in ("nodes", "solve_s"))
    return float(np.polyfit(nodes, seconds, 1)[0])


def speed_ups(found: Mapping[str, Any]) -> dict[int, float]:
    """How many times faster two ranks are than one, by nodes."""
    pairs = zip(_on(1, found), _on(2, found), strict=True)
    return {one["nodes"]: one["solve_s"] / two["solve_s"] for one, two in pairs}


def _on(ranks: int, found: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [row for row in found["rows"] if row["ranks"] == ranks]


def table(found: Mapping[str, Any]) -> str:
    """Times and memory as Markdown."""
    fitted, gained = exponent(found), speed_ups(found)
    lines = [] if fitted is None else [f"Time of a step grows with nodes to the power **{fitted:.2f}**.", ""]
    lines += [
        "| nodes | ranks | set-up, s | a step, ms | steps per second | one rank by two | memory, GB | per node, kB |",
        "|---:|" + "---:|" * 7,
    ]
    for row in found["rows"]:
        step = row["solve_s"] / row["steps"]
        gain = f"{gained[row['nodes']]:.2f}" if row["ranks"] == 2 else ""
        lines.append(
            f"| {row['nodes']} | {row['ranks']} | {row['set_up_s']:.1f} | {1e3 * step:.0f} | {1.0 / step:.2f} | {gain} "
            f"| {row['memory_GB']:.1f} | {1e6 * row['memory_GB'] / row['nodes']:.1f} |"
        )
    return "\n".join(lines)


def draw(found: Mapping[str, Any], file: Path) -> None:
    """Time of a step over nodes, on both axes logarithmic, beside a line of exponent 1."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="nodes", ylabel="time of a step (s)")
    for ranks in RANKS:
        rows = _on(ranks, found)
        nodes = np.array([row["nodes"] for row in rows])
        seconds = np.array([row["solve_s"] / row["steps"] for row in rows])
        axes.plot(nodes, seconds, "o-", label=f"{ranks} rank{'s' * (ranks > 1)}")
        if ranks == 1:
            axes.plot(nodes, seconds[0] * nodes / nodes[0], ":", color="grey", label="proportional")
    axes.legend()
    figure.savefig(file, dpi=120)


def broken_promises(found: Mapping[str, Any]) -> Iterator[str]:
    """What does not hold of growth and ranks."""
    fitted = exponent(found)
    if fitted is not None and fitted > LARGEST_EXPONENT:
        yield f"time grows with nodes to the power {fitted:.2f}, {LARGEST_EXPONENT} is promised"
    for nodes, gain in speed_ups(found).items():
        if FITTED[0] <= nodes <= FITTED[1] and gain < LEAST_SPEED_UP:
            yield f"two ranks are only {gain:.2f} times faster at {nodes} nodes, {LEAST_SPEED_UP} are promised"
