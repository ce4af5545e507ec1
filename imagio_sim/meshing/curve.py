# SPDX-License-Identifier: LGPL-3.0-or-later
"""The smooth curve behind a rod's centre line: stretches that are straight, circular or splines.

A plan gives a curved tine as points. Where these lie on a line or a circle the solid is an exact cylinder or torus,
which OpenCASCADE cuts faster and more reliably than a pipe along a spline. Positions are arc lengths [mm] of the
polyline.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from imagio_sim.meshing.centre_line import arc_lengths, is_straight

Vector = NDArray[np.float64]

# A turn of the centre line sharper than this is a corner, not part of a smooth curve.
_CORNER_DEGREES = 35.0
# Points this close to a circle lie on it; directions this close (radian) continue each other.
_ON_CIRCLE_MM = 1e-5
_SAME_DIRECTION = 1e-5
# With three points there is always a circle; four on one are no accident.
_POINTS_OF_AN_ARC = 4


class Stretch(Protocol):
    """A smooth piece of a centre line between two arc lengths."""

    @property
    def start(self) -> float:
        """Arc length of its distal end."""

    @property
    def end(self) -> float:
        """Arc length of its proximal end."""

    def at(self, arc: float) -> tuple[Vector, Vector]:
        """Point and unit direction at an arc length."""


@dataclass(frozen=True, eq=False)
class Line:
    """A straight stretch."""

    start: float
    end: float
    origin: Vector
    direction: Vector

    def at(self, arc: float) -> tuple[Vector, Vector]:
        """Point and unit direction at an arc length."""
        return self.origin + (arc - self.start) * self.direction, self.direction


@dataclass(frozen=True, eq=False)
class Arc:
    """A stretch of a circle about ``centre``, turning about ``axis`` (unit) from ``spoke`` = first point - centre.

    ``known_arcs`` (k,) are the polyline's arc lengths at its points and ``known_angles`` (k,) the angles [rad] there.
    """

    known_arcs: Vector
    known_angles: Vector
    centre: Vector
    axis: Vector
    spoke: Vector

    @property
    def start(self) -> float:
        """Arc length of its distal end."""
        return float(self.known_arcs[0])

    @property
    def end(self) -> float:
        """Arc length of its proximal end."""
        return float(self.known_arcs[-1])

    def angle(self, arc: float) -> float:
        """Angle [rad] turned since the distal end."""
        return float(np.interp(arc, self.known_arcs, self.known_angles))

    def at(self, arc: float) -> tuple[Vector, Vector]:
        """Point and unit direction at an arc length."""
        angle, side = self.angle(arc), np.cross(self.axis, self.spoke)
        outward = np.cos(angle) * self.spoke + np.sin(angle) * side
        forward = np.cross(self.axis, outward)
        return self.centre + outward, forward / np.linalg.norm(forward)


@dataclass(frozen=True, eq=False)
class Spline:
    """A stretch through points that are on no common line or circle."""

    curve: CubicSpline

    @property
    def start(self) -> float:
        """Arc length of its distal end."""
        return float(self.curve.x[0])

    @property
    def end(self) -> float:
        """Arc length of its proximal end."""
        return float(self.curve.x[-1])

    def at(self, arc: float) -> tuple[Vector, Vector]:
        """Point and unit direction at an arc length."""
        forward = self.curve(arc, 1)
        return np.asarray(self.curve(arc)), np.asarray(forward / np.linalg.norm(forward))


def smooth_runs(path: ArrayLike) -> list[list[Stretch]]:
    """The stretches of a polyline, one list for each run between sharp corners."""
    points, arcs = np.asarray(path, float), arc_lengths(path)
    directions = np.diff(points, axis=0) / np.diff(arcs)[:, None]
    turns = np.degrees(np.arccos(np.clip((directions[:-1] * directions[1:]).sum(axis=1), -1.0, 1.0)))
    corners = [0, *(np.flatnonzero(turns > _CORNER_DEGREES) + 1), len(points) - 1]
    return [_stretches(points[first : last + 1], arcs[first : last + 1]) for first, last in pairwise(corners)]


def _stretches(points: Vector, arcs: Vector) -> list[Stretch]:
    """Lines and circles where these join without a kink, else one spline through all points."""
    stretches: list[Stretch] = []
    first = 0
    while first < len(points) - 1:
        stretch, first = _longest(points, arcs, first)
        stretches.append(stretch)
    kinks = [np.linalg.norm(one.at(one.end)[1] - other.at(other.start)[1]) for one, other in pairwise(stretches)]
    if any(kink > _SAME_DIRECTION for kink in kinks):
        return [Spline(CubicSpline(arcs, points))]
    return stretches


def _longest(points: Vector, arcs: Vector, first: int) -> tuple[Stretch, int]:
    """The longest line or circle that begins at a point, and the number of the point where it ends."""
    fewest = min(_POINTS_OF_AN_ARC, len(points))
    for last in range(len(points) - 1, first, -1):
        piece, known = points[first : last + 1], arcs[first : last + 1]
        if is_straight(piece, _ON_CIRCLE_MM):
            direction = (piece[-1] - piece[0]) / np.linalg.norm(piece[-1] - piece[0])
            return Line(float(known[0]), float(known[-1]), piece[0], direction), last
        arc = _arc_through(piece, known) if len(piece) >= fewest else None
        if arc is not None:
            return arc, last
    raise AssertionError("two points are always a line")


def _arc_through(points: Vector, arcs: Vector) -> Arc | None:
    """The circle through all points, if there is one."""
    a, b, c = points[0], points[len(points) // 2], points[-1]
    axis = np.cross(b - a, c - a)
    square = float(axis @ axis)
    if square == 0.0:
        return None
    to_b, to_c = b - a, c - a
    centre = a + ((to_c @ to_c) * np.cross(axis, to_b) - (to_b @ to_b) * np.cross(axis, to_c)) / (2.0 * square)
    axis /= np.sqrt(square)
    spokes = points - centre
    radius = float(np.linalg.norm(spokes[0]))
    off_plane, off_circle = np.abs(spokes @ axis).max(), np.abs(np.linalg.norm(spokes, axis=1) - radius).max()
    if max(off_plane, off_circle) > _ON_CIRCLE_MM:
        return None
    angles = np.unwrap(np.arctan2(spokes @ np.cross(axis, spokes[0]), spokes @ spokes[0]))
    return Arc(arcs, angles, centre, axis, spokes[0])
