# SPDX-License-Identifier: LGPL-3.0-or-later
"""The vessels of a scenario by their centre lines: read, put into patient space, ordered by their flow, checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.centre_lines import FileLine, read_centre_lines
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.errors import InputError, InputErrors
from imagio_sim.meshing.region import Region
from imagio_sim.meshing.vessel_contact import CentreLine
from imagio_sim.plan import Scenario, input_files, to_lps
from imagio_sim.plan.markup import LPS_FROM_RAS
from imagio_sim.plan.model import nearest
from imagio_sim.plan.vessels import DrawnVessel, VesselFile
from imagio_sim.units import FLOW, parse_quantity

Floats = NDArray[np.float64]

# Ends closer than this [mm] are one junction.
_SAME_JUNCTION_MM = 0.5
# Points closer than this [mm] are one.
_SAME_POINT_MM = 1e-6
# Lines are looked at at this distance [mm].
_PROBING_MM = 0.5
# A line may run as far [mm] within a labelled vessel that it does not describe: a branch that leaves it.
_LONGEST_IN_LABEL_MM = 10.0
# Flows into and out of a junction that differ by more than this share are told.
_BALANCED = 0.1


@dataclass(frozen=True, eq=False)
class VesselCourse:
    """One vessel in patient space.

    Attributes
    ----------
    place
        Where the scenario says so.
    line
        Its centre line, in the direction of its flow.
    flow
        [m3/s].
    inlet_temperature
        Of blood that comes from no other vessel [degC].
    label
        The label that describes the same vessel.
    parents
        Numbers of the courses that end where this one begins; all smaller than its own.
    """

    place: str
    line: CentreLine
    flow: float
    inlet_temperature: float
    label: str | None
    parents: tuple[int, ...] = ()


def vessel_courses(scenario: Scenario) -> tuple[VesselCourse, ...]:
    """Every vessel of a scenario that is given by its centre line, those upstream first.

    Raises
    ------
    InputError
        When a file does not hold what the scenario says, or the vessels run in a circle.
    """
    files = input_files(scenario) if scenario.patient.vessels else {}
    found: list[VesselCourse] = []
    for index, vessel in enumerate(scenario.patient.vessels):
        place = f"patient.vessels[{index}]"
        if isinstance(vessel, DrawnVessel):
            found.append(_drawn(scenario, vessel, f"{scenario.origin}: {place}"))
        else:
            found += _of_file(scenario, vessel, files[f"{place}.file"], f"{scenario.origin}: {place}")
    return _downstream(found)


def _inlet_temperature(scenario: Scenario, vessel: DrawnVessel | VesselFile) -> float:
    given = vessel.inlet_temperature
    return scenario.patient.body_temperature if given is None else given


def _drawn(scenario: Scenario, vessel: DrawnVessel, place: str) -> VesselCourse:
    points = np.array([to_lps(point, scenario.frame) for point in vessel.points])
    line = CentreLine(vessel.name, points, np.array(vessel.radii))
    inlet = _inlet_temperature(scenario, vessel)
    return VesselCourse(place, line, _flow_in_si(vessel, line), inlet, vessel.label)


def _flow_in_si(vessel: DrawnVessel | VesselFile, line: CentreLine) -> float:
    """The flow [m3/s] that a scenario gives, or that follows from the mean velocity at the line's beginning."""
    if vessel.flow is not None:
        return vessel.flow * 1e-9
    assert vessel.velocity is not None
    return float(np.pi * line.radii_mm[0] ** 2 * vessel.velocity) * 1e-9


def _of_file(scenario: Scenario, vessel: VesselFile, path: Path, place: str) -> Iterator[VesselCourse]:
    wanted = [name for name in (vessel.radius_array, vessel.flow_array) if name is not None]
    for found in read_centre_lines(path, wanted, where=f"{place}.file"):
        line = _in_patient(vessel, found, f"{place}.file: line {found.name}")
        flow = _flow_of(vessel, found, line, f"{place}.file: line {found.name}")
        yield VesselCourse(place, line, flow, _inlet_temperature(scenario, vessel), vessel.label)


def _in_patient(vessel: VesselFile, found: FileLine, where: str) -> CentreLine:
    """The line in LPS mm, without repeated points; lines without length and radii that are none are refused."""
    scale = {"mm": 1.0, "cm": 10.0, "m": 1000.0}[vessel.length_unit]
    points = found.points * scale * (LPS_FROM_RAS if vessel.frame == "RAS" else 1.0)
    moved = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > _SAME_POINT_MM])
    if moved.sum() < 2:
        raise InputError(
            where,
            found=f"{int(moved.sum())} different points",
            allowed="at least two",
            remedy="drop the line, or complete it",
        )
    if vessel.radius_array is None:
        return CentreLine(f"{vessel.name}.{found.name}", points[moved], np.full(int(moved.sum()), vessel.radius))
    radii = found.arrays[vessel.radius_array] * scale
    if not (np.isfinite(radii).all() and radii.min() > 0.0):
        raise InputError(
            f"{where}, {vessel.radius_array}",
            found=f"a radius of {radii.min():g} mm",
            allowed="radii above zero at every point",
            remedy="drop the points where there is no vessel, or give one radius",
        )
    return CentreLine(f"{vessel.name}.{found.name}", points[moved], radii[moved])


def _flow_of(vessel: VesselFile, found: FileLine, line: CentreLine, where: str) -> float:
    """Flow [m3/s] of a line of a file; negative, missing and implausible ones are refused."""
    if vessel.flow_array is None:
        return _flow_in_si(vessel, line)
    flow = float(found.arrays[vessel.flow_array][0])
    if not flow > 0.0:
        raise InputError(
            f"{where}, {vessel.flow_array}",
            found=f"a flow of {flow:g} {vessel.flow_unit}",
            allowed="a flow above zero in the direction of the points",
            remedy="turn the line round, or drop it where nothing flows",
        )
    return 1e-9 * parse_quantity(f"{flow!r} {vessel.flow_unit}", FLOW, f"{where}, {vessel.flow_array}")


def _downstream(courses: Sequence[VesselCourse]) -> tuple[VesselCourse, ...]:
    """The courses in an order in which blood comes before where it goes to, with their parents."""
    begins = np.array([course.line.points_mm[0] for course in courses]).reshape(-1, 3)
    ends = np.array([course.line.points_mm[-1] for course in courses]).reshape(-1, 3)
    joined = np.linalg.norm(begins[:, None] - ends[None, :], axis=2) < _SAME_JUNCTION_MM
    order: list[int] = []
    while len(order) < len(courses):
        ready = [n for n in range(len(courses)) if n not in order and set(np.flatnonzero(joined[n])) <= set(order)]
        if not ready:
            raise _circular([course for n, course in enumerate(courses) if n not in order])
        order += ready
    number = {old: new for new, old in enumerate(order)}
    return tuple(
        VesselCourse(
            one.place, one.line, one.flow, one.inlet_temperature, one.label,
            tuple(sorted(number[parent] for parent in np.flatnonzero(joined[old]))),
        )
        for old, one in ((old, courses[old]) for old in order)
    )  # fmt: skip


def _circular(left: Sequence[VesselCourse]) -> InputError:
    return InputError(
        left[0].place,
        found=f"vessels that run in a circle: {', '.join(course.line.name for course in left)}",
        allowed="lines in the direction of their flow, which comes from somewhere",
        remedy="turn round the lines that are drawn against their flow",
    )


def unbalanced_junctions(courses: Sequence[VesselCourse]) -> tuple[str, ...]:
    """What to tell of junctions where more or less blood leaves than arrives."""
    told = {}
    for course in courses:
        if course.parents:
            arriving = sum(courses[parent].flow for parent in course.parents)
            leaving = sum(other.flow for other in courses if other.parents == course.parents)
            if abs(leaving - arriving) > _BALANCED * max(arriving, leaving):
                names = " and ".join(courses[parent].line.name for parent in course.parents)
                told[course.parents] = f"vessels: {leaving / arriving:.0%} of the flow of {names} goes on from its end"
    return tuple(told.values())


def check_vessels(scenario: Scenario, courses: Sequence[VesselCourse], anatomy: Anatomy, region: Region) -> None:
    """Refuse vessels that cannot be where they are said to be.

    Raises
    ------
    InputErrors
        All of them: lines beyond the image or the region, unknown labels, lines within labelled vessels.
    """
    has_image = scenario.patient.image is not None or bool(scenario.patient.labels)
    refused = [
        error
        for course in courses
        for error in (
            *_misplaced(course, anatomy, region, has_image=has_image),
            *_label_faults(course, courses, anatomy),
        )
    ]
    if refused:
        raise InputErrors(refused)


def _probed(line: CentreLine) -> Floats:
    """Points (k, 3) all along a line."""
    length = float(line.arc_mm[-1])
    count = max(2, int(np.ceil(length / _PROBING_MM)) + 1)
    return line.points_at(np.asarray(np.linspace(0.0, length, count), dtype=np.float64))


def _misplaced(course: VesselCourse, anatomy: Anatomy, region: Region, *, has_image: bool) -> Iterator[InputError]:
    points, grid = _probed(course.line), anatomy.labels.grid
    _, inside = grid.nearest(points)
    if has_image and not inside.all():
        x, y, z = points[~inside][0]
        beyond = f"{1.0 - inside.mean():.0%} of its length beyond the image, at LPS {x:.0f}, {y:.0f}, {z:.0f} mm"
        yield InputError(
            course.place,
            found=f"{course.line.name} with {beyond}",
            allowed=f"centre lines within {grid.describe()}",
            remedy="check frame and unit of its points",
        )
    elif region.signed_distance_mm(points).min() > 0.0:
        away = float(region.signed_distance_mm(points).min())
        yield InputError(
            course.place,
            found=f"{course.line.name}, which passes the region at a distance of {away:.0f} mm",
            allowed="a vessel that runs through the region at least in part",
            remedy="check frame and unit of its points, or drop the vessel: it is too far away to matter",
        )


def _label_faults(course: VesselCourse, courses: Sequence[VesselCourse], anatomy: Anatomy) -> Iterator[InputError]:
    vessels = {name for name, labelled in anatomy.tissues.items() if labelled.role == "vessel"}
    if course.label is not None and course.label not in vessels:
        yield InputError(
            f"{course.place}.label",
            found=repr(course.label),
            allowed=f"the label of a vessel: {', '.join(sorted(vessels)) or 'there is none'}",
            remedy=nearest(course.label, vessels, "leave it out where no label describes the vessel"),
        )
    described = {other.label for other in courses}
    points = _probed(course.line)
    step = float(np.mean([np.linalg.norm(b - a) for a, b in pairwise(points)]))
    numbers = anatomy.label_at(points)
    for number in np.unique(numbers[numbers > 0]):
        name, length = anatomy.labels.names[int(number)], float((numbers == number).sum()) * step
        if name in vessels - described and length > _LONGEST_IN_LABEL_MM:
            yield InputError(
                course.place,
                found=f"{course.line.name}, which runs {length:.0f} mm within the labelled vessel {name!r}",
                allowed="one description of a vessel",
                remedy=f"add label: {name} so that the label does not cool a second time, or drop the centre line",
            )
