# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a sample of runs to the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imagio_sim.campaign.geometry import read_anatomy
from imagio_sim.campaign.uncertainty.propagation import Asked, differences
from imagio_sim.outcome.uncertainty import PlanUncertainty
from imagio_sim.plan import Scenario
from imagio_sim.view.uncertainty_report import PlanPage, draw_probability, write_uncertainty_page


def write_page_of(folder: Path, scenario: Scenario, found: Mapping[str, PlanUncertainty], asked: Asked) -> None:
    """Write ``uncertainty.html`` and, per plan, ``death_probability_<plan>.png``."""
    anatomy = read_anatomy(scenario)
    pages = []
    for name, one in found.items():
        picture = folder / f"death_probability_{name}.png"
        draw_probability(picture, f"{scenario.name}: {name}", one.zone, anatomy)
        pages.append(PlanPage(one, picture))
    write_uncertainty_page(
        folder / "uncertainty.html",
        title=f"{scenario.name}: how sure are we?",
        question=scenario.question,
        plans=pages,
        differences=differences(found),
        asked={
            "members per plan": f"{asked.count}, a Latin hypercube of seed {asked.seed}, the same in every plan",
            "placement": _placement(scenario, asked),
            "mesh of the members": asked.members,
            "time per member": ", ".join(f"{name}: {one.seconds:.1f} s" for name, one in found.items()),
        },
    )


def _placement(scenario: Scenario, asked: Asked) -> str:
    if asked.placement_mm == 0.0 or scenario.solver.geometry == "axisymmetric":
        return "as planned"
    return f"tips lie {asked.placement_mm:g} mm off on average, in any direction; needles enter where planned"
