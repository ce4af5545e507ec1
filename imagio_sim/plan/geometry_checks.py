# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether applicators have room beside each other, and markup files give a place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator, Rod
from imagio_sim.errors import InputError
from imagio_sim.plan.model import Fault, fault
from imagio_sim.plan.placement import entry_and_tip, placed_in_stage
from imagio_sim.plan.scenario import Frame
from imagio_sim.plan.stages import SAME_POINT_MM, Plan
from imagio_sim.units import Misfit


def geometry_faults(plan: Plan, frame: Frame, base: Path) -> Iterator[Fault]:
    """Applicators that cannot be placed, or that run through each other, within each stage."""
    for number in range(len(plan.stages)):
        unplaced = list(_unplaced(plan, number, frame, base))
        yield from unplaced
        if not unplaced:
            yield from _crossings(plan, number, frame, base)
            yield from _programs_in_place(plan, number, frame, base)


def _unplaced(plan: Plan, stage: int, frame: Frame, base: Path) -> Iterator[Fault]:
    for index, applicator in enumerate(plan.stages[stage].applicators):
        path = ("stages", stage, "applicators", index, "markup")
        if applicator.markup is None:
            continue
        try:
            entry, tip = entry_and_tip(applicator, frame, base)
        except InputError as error:
            yield Fault(path, Misfit(f"{applicator.markup!r} with {error.found}", error.allowed, error.remedy))
            continue
        if np.linalg.norm(entry - tip) < SAME_POINT_MM:
            yield fault(
                *path,
                found="a line without length",
                allowed="two different points",
                remedy="move the entry to the skin in 3D Slicer",
            )


def _crossings(plan: Plan, stage: int, frame: Frame, base: Path) -> Iterator[Fault]:
    placed = list(enumerate(placed_in_stage(plan, stage, frame, base)))
    for (_, one), (index, other) in combinations(placed, 2):
        gap = clearance(one, other)
        if gap < 0.0:
            yield fault(
                "stages", stage, "applicators", index,
                found=f"an applicator that runs through {one.name} ({-gap:.1f} mm deep)",
                allowed="applicators that do not touch",
                remedy="move entry or tip",
            )  # fmt: skip


def _programs_in_place(plan: Plan, stage: int, frame: Frame, base: Path) -> Iterator[Fault]:
    here = plan.stages[stage]
    if here.program is None or not here.applicators:
        return
    placed = {one.name: one for one in placed_in_stage(plan, stage, frame, base)}
    found = here.program.faults_in_place(placed, here.applicators[0].of_library)
    yield from (one.below("stages", stage, "program") for one in found)


def clearance(one: PlacedApplicator, other: PlacedApplicator) -> float:
    """Smallest distance [mm] between two applicators' surfaces up to their entries; negative where they intersect."""
    gaps = (_rod_clearance(a, b) for a in _within_body(one) for b in _within_body(other))
    return min(gaps, default=inf)  # a transducer has no rods


def _within_body(placed: PlacedApplicator) -> Iterator[Rod]:
    """The rods, straight shafts cut off at the skin."""
    reach = float(np.linalg.norm(np.subtract(placed.entry_mm, placed.tip_mm)))
    for rod in placed.rods:
        if len(rod.path_mm) == 2 and rod.length_mm > reach:
            first, last = np.array(rod.path_mm)
            x, y, z = first + (last - first) * reach / rod.length_mm
            yield Rod(
                rod.name,
                (rod.path_mm[0], (float(x), float(y), float(z))),
                rod.radius_mm,
                rod.tip,
                rod.tip_length_mm,
                rod.sections,
            )
        else:
            yield rod


def _rod_clearance(one: Rod, other: Rod) -> float:
    distances = (
        segment_distance(np.array(a), np.array(b), np.array(c), np.array(d))
        for a, b in zip(one.path_mm, one.path_mm[1:], strict=False)
        for c, d in zip(other.path_mm, other.path_mm[1:], strict=False)
    )
    return min(distances) - one.radius_mm - other.radius_mm


def segment_distance(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> float:
    """Distance between the segments a-b and c-d, points (3,).

    Either both closest points are inside their segments, or one of them is an end.
    """
    ends = [_point_distance(a, c, d), _point_distance(b, c, d), _point_distance(c, a, b), _point_distance(d, a, b)]
    u, v, w = b - a, d - c, a - c
    determinant = (u @ u) * (v @ v) - (u @ v) ** 2
    if determinant > 1e-12 * (u @ u) * (v @ v):
        along_u = ((u @ v) * (v @ w) - (v @ v) * (u @ w)) / determinant
        along_v = ((u @ u) * (v @ w) - (u @ v) * (u @ w)) / determinant
        if 0.0 <= along_u <= 1.0 and 0.0 <= along_v <= 1.0:
            ends.append(float(np.linalg.norm(w + along_u * u - along_v * v)))
    return min(ends)


def _point_distance(point: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    along = np.clip((point - a) @ (b - a) / max(float((b - a) @ (b - a)), 1e-300), 0.0, 1.0)
    return float(np.linalg.norm(point - a - along * (b - a)))
