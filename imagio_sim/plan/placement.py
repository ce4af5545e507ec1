# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a plan's entries and tips to applicators in patient space (LPS, mm)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator, Rod, placement
from imagio_sim.plan.markup import LPS_FROM_RAS, read_line
from imagio_sim.plan.scenario import Frame, Scenario
from imagio_sim.plan.stages import Applicator, Plan
from imagio_sim.plan.target import EllipsoidTarget, SphereTarget

Triple = tuple[float, float, float]


def to_lps(point: Triple, frame: Frame) -> NDArray[np.float64]:
    """A point (3,) of the scenario's frame in LPS mm."""
    position = np.array(point, dtype=float)
    return position * LPS_FROM_RAS if frame == "RAS" else position


def placed_applicators(scenario: Scenario, plan_name: str, stage: int | None = None) -> tuple[PlacedApplicator, ...]:
    """The applicators of a plan, or of one of its stages (counted from 0), in LPS mm.

    A shaft shorter than the way from tip to entry is drawn out to the entry, so that it always leaves the tissue.
    """
    plan = scenario.plan(plan_name)
    stages = range(len(plan.stages)) if stage is None else (stage,)
    return tuple(placed for number in stages for placed in placed_in_stage(plan, number, scenario.frame, scenario.base))


def placed_in_stage(plan: Plan, stage: int, frame: Frame, base: Path) -> Iterator[PlacedApplicator]:
    """The applicators of one stage in LPS mm; ``base`` is where markup files are looked for."""
    for name, applicator in zip(plan.applicator_names[stage], plan.stages[stage].applicators, strict=True):
        entry, tip = entry_and_tip(applicator, frame, base)
        motion = placement(tip, entry)
        reach = float(np.linalg.norm(entry - tip))
        rods = tuple(
            _drawn_out(rod, reach).moved(motion) for rod in applicator.of_library.applicator(applicator.deployment)
        )
        yield PlacedApplicator(name, applicator.device, rods, as_triple(entry), as_triple(tip))


def entry_and_tip(applicator: Applicator, frame: Frame, base: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Entry and tip (3,) in LPS mm."""
    if applicator.entry is None or applicator.tip is None:
        return read_line(markup_file(applicator, base))
    return to_lps(applicator.entry, frame), to_lps(applicator.tip, frame)


def sensors_in_lps(applicator: Applicator, frame: Frame, base: Path) -> tuple[Triple, ...]:
    """Temperature sensors of a placed applicator in LPS mm, in the order of the device."""
    entry, tip = entry_and_tip(applicator, frame, base)
    motion = placement(tip, entry)
    positions = applicator.of_library.sensor_positions_mm(applicator.deployment)
    return tuple(as_triple(motion[:3, :3] @ np.array(position) + motion[:3, 3]) for position in positions)


def markup_file(applicator: Applicator, base: Path) -> Path:
    """Where an applicator's markup is."""
    from imagio_sim.anatomy.datasets import resolve_path

    return resolve_path(str(applicator.markup), base=base, where="markup")


def target_in_lps(scenario: Scenario) -> tuple[Triple, Triple] | None:
    """Centre and semi-axes of a virtual target in LPS mm, None for a label."""
    if isinstance(scenario.target, SphereTarget):
        radius = scenario.target.sphere.diameter / 2.0
        return as_triple(to_lps(scenario.target.sphere.centre, scenario.frame)), (radius, radius, radius)
    if isinstance(scenario.target, EllipsoidTarget):
        ellipsoid = scenario.target.ellipsoid
        return as_triple(to_lps(ellipsoid.centre, scenario.frame)), ellipsoid.semi_axes
    return None


def _drawn_out(rod: Rod, reach_mm: float) -> Rod:
    """A straight shaft that ends at the hub, at least ``reach_mm`` long; tines stay as they are."""
    first, last = rod.path_mm[0], rod.path_mm[-1]
    if len(rod.path_mm) != 2 or last[2] >= reach_mm:
        return rod
    return replace(rod, path_mm=(first, (last[0], last[1], reach_mm)))


def as_triple(point: NDArray[np.float64]) -> Triple:
    """A point (3,) as a tuple."""
    return float(point[0]), float(point[1]), float(point[2])
