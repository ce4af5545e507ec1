# SPDX-License-Identifier: LGPL-3.0-or-later
"""Polylines in space: arc length, projection and distance. All lengths in mm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NEARLY_PARALLEL = 1e-12
_SAME_PLACE = 1e-9


def arc_lengths(path: ArrayLike) -> NDArray[np.float64]:
    """Arc length (k,) at each point of a polyline (k, 3), zero at the first."""
    steps = np.linalg.norm(np.diff(np.asarray(path, float), axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def point_at(path: ArrayLike, arc: ArrayLike) -> NDArray[np.float64]:
    """Points (..., 3) at these arc lengths, held at the ends."""
    points, known, places = np.asarray(path, float), arc_lengths(path), np.asarray(arc, float)
    return np.stack([np.interp(places, known, points[:, axis]) for axis in range(points.shape[1])], axis=-1)


def stretch(path: ArrayLike, start: float, end: float) -> NDArray[np.float64]:
    """The polyline between two arc lengths, corners in between kept."""
    known = arc_lengths(path)
    inner = known[(known > start + _SAME_PLACE) & (known < end - _SAME_PLACE)]
    return point_at(path, np.concatenate([[start], inner, [end]]))


def is_straight(path: ArrayLike, tolerance: float = 1e-6) -> bool:
    """Whether all points lie within the tolerance of the chord from the first to the last."""
    points = np.asarray(path, float)
    return bool(project(points[[0, -1]], points)[0].max() <= tolerance)


def project(path: ArrayLike, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance (n,) of points (n, 3) to a polyline and arc length (n,) of the nearest place on it."""
    corners, known = np.asarray(path, float), arc_lengths(path)
    best = np.full(len(points), np.inf)
    arc = np.zeros(len(points))
    for start, end, offset in zip(corners[:-1], corners[1:], known[:-1], strict=True):
        along = end - start
        length = float(np.linalg.norm(along))
        share = np.clip((points - start) @ along / length**2, 0.0, 1.0)
        distance = np.linalg.norm(points - start - share[:, None] * along, axis=1)
        nearer = distance < best
        best[nearer], arc[nearer] = distance[nearer], (offset + share * length)[nearer]
    return best, arc


def distance_between(one: ArrayLike, other: ArrayLike) -> float:
    """Smallest distance between two polylines."""
    first, second = np.asarray(one, float), np.asarray(other, float)
    nearest = min(project(first, second)[0].min(), project(second, first)[0].min())
    crossings = [_distance_of_lines(a, b, c, d) for a, b in pairwise(first) for c, d in pairwise(second)]
    return float(min([nearest, *crossings]))


def _distance_of_lines(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> float:
    """Distance of the lines a-b and c-d where their feet lie inside both segments, else infinity."""
    along, across, offset = b - a, d - c, a - c
    normal = np.cross(along, across)
    square = float(normal @ normal)
    if square < _NEARLY_PARALLEL * float(along @ along) * float(across @ across):
        return float("inf")
    share_first = float(np.cross(across, offset) @ normal) / square
    share_second = float(np.cross(along, offset) @ normal) / square
    if not (0.0 <= share_first <= 1.0 and 0.0 <= share_second <= 1.0):
        return float("inf")
    return abs(float(offset @ normal)) / float(np.sqrt(square))


def densified(path: ArrayLike, spacing: float) -> NDArray[np.float64]:
    """Points along a polyline, no farther apart than the spacing; a single point stays."""
    points = np.asarray(path, float)
    if len(points) == 1:
        return points
    length = float(arc_lengths(points)[-1])
    return point_at(points, np.linspace(0.0, length, max(2, int(np.ceil(length / spacing)) + 1)))


def stacked(paths: Sequence[ArrayLike], spacing: float) -> NDArray[np.float64]:
    """All points (n, 3) of several polylines, densified."""
    return np.vstack([densified(path, spacing) for path in paths])
