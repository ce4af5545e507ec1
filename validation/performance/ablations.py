# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whole ablations of 12 min with error control, on one rank and on two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imagio_sim.meshing.recipe import Resolution
from validation.independence.study import REFERENCE, case_of
from validation.performance.ranks import solved_on

PLANS = {"constant_30w": "30 W held", "pulsed": "impedance control, pulsed"}
RANKS = (1, 2)
_PARTS = ("electric", "heat", "death")


def measure(short: bool) -> dict[str, Any]:
    """Times of every plan by its number of ranks; the short way leaves the pulsed one out."""
    resolution: Resolution = "coarse" if short else "normal"
    plans = list(PLANS)[: 1 if short else None]
    cases = {plan: case_of(plan, REFERENCE, half_plane=False, resolution=resolution) for plan in plans}
    return {plan: {str(ranks): solved_on(ranks, case) for ranks in RANKS} for plan, case in cases.items()}


def table(found: Mapping[str, Any]) -> str:
    """Whole ablations as Markdown."""
    head = "| 12 min ablation | ranks | nodes | steps | set-up, s | solution, s | simulated / wall | "
    lines = [head + " | ".join(_PARTS) + " |", "|---|" + "---:|" * 9]
    for plan, by_ranks in found.items():
        for ranks, facts in by_ranks.items():
            solve, phases = facts["solve_s"], facts["phases_s"]
            shares = [sum(s for name, s in phases.items() if name.startswith(part)) / solve for part in _PARTS]
            lines.append(
                f"| {PLANS[plan]} | {ranks} | {facts['nodes']} | {facts['steps']} | {facts['set_up_s']:.1f} "
                f"| {solve:.1f} | {facts['simulated_s'] / solve:.0f} | " + " | ".join(f"{s:.0%}" for s in shares) + " |"
            )
    return "\n".join(lines)


def broken_promises(found: Mapping[str, Any]) -> Iterator[str]:
    """Nothing is promised of whole ablations: their steps depend on what the error control finds."""
    yield from ()
