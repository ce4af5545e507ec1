# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a sample of runs to the page that shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imagio_sim.campaign.geometry import read_anatomy
from imagio_sim.campaign.uncertainty.propagation import Asked, differences, read_uncertainty
from imagio_sim.errors import InputError
from imagio_sim.outcome.uncertainty import PlanUncertainty
from imagio_sim.plan import Scenario
from imagio_sim.view.uncertainty_report import (
    PlanPage,
    draw_probability,
    uncertainty_sections,
    write_uncertainty_page,
)

if TYPE_CHECKING:
    from markupsafe import Markup


def write_page_of(folder: Path, scenario: Scenario, found: Mapping[str, PlanUncertainty], asked: Asked) -> None:
    """Write ``uncertainty.html`` and, per plan, ``death_probability_<plan>.png``."""
    anatomy = read_anatomy(scenario)
    for name, one in found.items():
        draw_probability(_picture(folder, name), f"{scenario.name}: {name}", one.zone, anatomy)
    write_uncertainty_page(
        folder / "uncertainty.html",
        title=f"{scenario.name}: how sure are we?",
        question=scenario.question,
        plans=[PlanPage(one, _picture(folder, name)) for name, one in found.items()],
        differences=differences(found),
        asked={
            "members per plan": f"{asked.count}, a Latin hypercube of seed {asked.seed}, the same in every plan",
            "placement": _placement(scenario, asked),
            "mesh of the members": asked.members,
            "time per member": ", ".join(f"{name}: {one.seconds:.1f} s" for name, one in found.items()),
        },
    )


def sections_of(folder: Path, plans: Collection[str]) -> Markup:
    """What the folder of ``imagio uncertainty`` says of plans, for a page about their runs.

    Raises
    ------
    InputError
        If the folder holds no sample, or none of these plans.
    """
    found = {name: one for name, one in read_uncertainty(folder).items() if name in plans}
    if not found:
        raise InputError(
            f"--uncertainty {folder}",
            found=f"no sample of {' or '.join(sorted(plans))}",
            allowed="the folder in which imagio uncertainty drew the plans of these runs",
            remedy="draw them with imagio uncertainty SCENARIO",
        )
    pages = [PlanPage(one, _picture(folder, name)) for name, one in found.items()]
    return uncertainty_sections(pages, differences(found))


def _picture(folder: Path, plan: str) -> Path:
    return folder / f"death_probability_{plan}.png"


def _placement(scenario: Scenario, asked: Asked) -> str:
    if asked.placement_mm == 0.0 or scenario.solver.geometry == "axisymmetric":
        return "as planned"
    return f"tips lie {asked.placement_mm:g} mm off on average, in any direction; needles enter where planned"
