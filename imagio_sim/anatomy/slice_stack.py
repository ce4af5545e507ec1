# SPDX-License-Identifier: LGPL-3.0-or-later
"""Outlines on parallel slices with a known pose, as histology gives them, and the closed surface through them.

A file (YAML) holds for every slice its pose in the patient and the outlines of the zone on it::

    schema: 1
    frame: LPS                          # or RAS
    source: sections of P01, 5 mm apart, outlined by two readers
    length_ratio: 0.88                  # optional: length after by length before fixing and cutting
    slices:
      - origin: [12.0, -80.5, 410.0]    # mm: where u = v = 0
        axes: [[1, 0, 0], [0, 1, 0]]    # directions of u and v
        polygons: [[[0, 0], [21.5, 0.4], [20.1, 18.0]]]   # u, v in mm; a polygon within another is a hole

Between slices the signed distance s to the outline is interpolated (shape-based interpolation, see Herman, Zheng and
Bucholtz 1992), as s (2 m - s) with m its largest value on the slice: of an ellipsoid across its slices that is
quadratic in height, and found again without the loss of volume that straight lines between outlines bring.
Beyond the last slice, or before one without an outline, the zone ends half a slice distance further in a dome: for a
rounded end that is its volume on average over where the first slice falls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imagio_sim.anatomy.frame import to_lps
from imagio_sim.anatomy.smooth_surface import contour
from imagio_sim.anatomy.volume import ClosedSurface
from imagio_sim.errors import InputError, InputErrors

Floats = NDArray[np.float64]

PIXEL_MM = 0.5
"""Spacing of the grid in which the surface is looked for."""
_PADDING = 3
_STRAIGHT = 1e-3
"""How far directions may be from unit length, right angles and each other."""
_LEAST_GAP_MM = 0.01

Number = Annotated[float, Field(allow_inf_nan=False)]
Point = tuple[Number, Number, Number]
Polygon = Annotated[tuple[tuple[Number, Number], ...], Field(min_length=3)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slice(_Part):
    """Pose of one slice and the outlines on it."""

    origin: Point
    axes: tuple[Point, Point]
    polygons: tuple[Polygon, ...]

    @property
    def normal(self) -> Floats:
        """Direction across the slice (3,)."""
        return np.asarray(np.cross(*np.array(self.axes)))


class SliceFile(_Part):
    """What a file of slices holds; see the head of this module."""

    schema_: Literal[1] = Field(alias="schema")
    frame: Literal["LPS", "RAS"]
    source: Annotated[str, Field(min_length=1)]
    notice: str = ""
    length_ratio: Annotated[float, Field(gt=0.3, lt=1.5)] | None = None
    slices: Annotated[tuple[Slice, ...], Field(min_length=2)]


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Parallel slices in order.

    Attributes
    ----------
    origin_mm, directions
        A point (3,) and the directions of u, v and across the slices (rows of (3, 3)), LPS.
    heights_mm
        Where the slices lie (k,) across them, ascending.
    outlines_mm
        Polygons (n, 2) in u, v of the first slice, for every slice.
    length_ratio
        Length after by length before the specimen was fixed and cut; None where the file does not say.
    notice
        What everyone must be told who sees it.
    """

    origin_mm: Floats
    directions: Floats
    heights_mm: Floats
    outlines_mm: tuple[tuple[Floats, ...], ...]
    length_ratio: float | None = None
    notice: str = ""

    def surface(self, pixel_mm: float = PIXEL_MM) -> ClosedSurface:
        """Closed surface through the outlines; without triangles where there is none."""
        if not any(self.outlines_mm):
            return ClosedSurface(np.zeros((1, 3)), np.zeros((0, 3), dtype=np.int64))
        low, field = self._field(pixel_mm)
        found = contour(field.astype(np.float32), 0.0)
        return ClosedSurface(
            self.origin_mm + (found.points_mm * pixel_mm + low) @ self.directions, found.triangles
        ).outward()

    def _field(self, pixel_mm: float) -> tuple[Floats, Floats]:
        """Lower corner (3,) of a grid in u, v and height, and the signed distance at its points, positive inside."""
        points = np.concatenate([one for outlines in self.outlines_mm for one in outlines])
        padding = _PADDING * pixel_mm
        reach = float(np.diff(self.heights_mm).max()) / 2.0 + padding
        low = np.array([*(points.min(axis=0) - padding), self.heights_mm[0] - reach])
        high = np.array([*(points.max(axis=0) + padding), self.heights_mm[-1] + reach])
        u, v, height = (np.arange(a, b + pixel_mm, pixel_mm) for a, b in zip(low, high, strict=True))
        grid = np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1)
        planes = [_profile(signed_distance(outlines, grid)) if outlines else None for outlines in self.outlines_mm]
        layers = np.full((len(height), *grid.shape[:2]), -1.0)
        for run in _runs(planes):
            self._fill(layers, height, run, np.stack([plane for plane in planes[run] if plane is not None]))
        return low, np.moveaxis(layers, 0, -1)

    def _fill(self, layers: Floats, height: Floats, run: slice, planes: Floats) -> None:
        """Set the layers (k, i, j) at these heights (k,) between slices that follow each other, and in their domes."""
        own = self.heights_mm[run]
        between = (height >= own[0]) & (height <= own[-1])
        layers[between] = _interpolated(own, planes, height[between])
        for plane, end, gap, side in (
            (planes[0], own[0], self._gap(run.start - 1), -1.0),
            (planes[-1], own[-1], self._gap(run.stop - 1), 1.0),
        ):
            share = side * (height - end) / (gap / 2.0)
            within = (share > 0.0) & (share <= 1.0)
            layers[within] = plane - plane.max() * share[within, None, None] ** 2

    def _gap(self, number: int) -> float:
        """Distance of a slice to the next, beyond the ends that of the last two."""
        gaps = np.diff(self.heights_mm)
        return float(gaps[np.clip(number, 0, len(gaps) - 1)])


def _profile(distance: Floats) -> Floats:
    """What is interpolated instead of a signed distance of the same sign; see the head of this module."""
    return np.asarray(distance * (2.0 * distance.max() - distance))


def _runs(planes: Sequence[Floats | None]) -> Iterator[slice]:
    """Slices that follow each other without an empty one between them."""
    filled = [False, *(plane is not None for plane in planes), False]
    starts = [number for number in range(len(planes)) if filled[number + 1] and not filled[number]]
    ends = [number for number in range(len(planes)) if filled[number + 1] and not filled[number + 2]]
    yield from (slice(start, end + 1) for start, end in zip(starts, ends, strict=True))


def _interpolated(heights: Floats, planes: Floats, wanted: Floats) -> Floats:
    """Planes (k, i, j) at the heights wanted: piecewise cubic, exact for what is quadratic in height."""
    from scipy.interpolate import CubicHermiteSpline

    if len(heights) == 1:
        return np.repeat(planes, len(wanted), axis=0)
    slopes = np.gradient(planes, heights, axis=0, edge_order=2 if len(heights) > 2 else 1)
    return np.asarray(CubicHermiteSpline(heights, planes, slopes, axis=0)(wanted))


def signed_distance(outlines_mm: Iterable[Floats], points_mm: Floats) -> Floats:
    """Distance of points (..., 2) to the nearest outline, positive inside an odd number of polygons (n, 2)."""
    from skimage.measure import points_in_poly

    flat = points_mm.reshape(-1, 2)
    inside, distance = np.zeros(len(flat), dtype=bool), np.full(len(flat), np.inf)
    for outline in outlines_mm:
        inside ^= np.asarray(points_in_poly(flat, outline))
        for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            distance = np.minimum(distance, _segment_distance(flat, start, end))
    return np.where(inside, distance, -distance).reshape(points_mm.shape[:-1])


def _segment_distance(points: Floats, start: Floats, end: Floats) -> Floats:
    along = end - start
    square = float(along @ along)
    share = np.clip((points - start) @ along / square, 0.0, 1.0) if square > 0.0 else np.zeros(len(points))
    return np.asarray(np.linalg.norm(points - start - share[:, None] * along, axis=1))


def read_slice_stack(path: Path) -> SliceStack:
    """Read slices; everything that is wrong with the file is reported together."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unreadable(path, " ".join(str(error).split())) from error
    if not isinstance(data, dict):
        raise _unreadable(path, f"{type(data).__name__} at the top")
    try:
        given = SliceFile.model_validate(data)
    except ValidationError as error:
        raise InputErrors(
            [
                _fault(path, dict(detail))
                for detail in error.errors()
                if not (detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"])
            ]
        ) from error
    faults = list(_pose_faults(path, given.slices))
    if faults:
        raise InputErrors(faults)
    return _stack(path, given)


def _unreadable(path: Path, found: str) -> InputError:
    return InputError(
        str(path),
        found=found,
        allowed="slices: schema, frame, source and slices with origin, axes and polygons",
        remedy="see the guide, Measured zones",
    )


def _fault(path: Path, detail: dict[str, Any]) -> InputError:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in detail["loc"]).lstrip(".")
    given = detail["input"]
    found = f"a {type(given).__name__}" if isinstance(given, dict | list | tuple) else repr(given)
    if detail["type"] == "missing":
        found = "nothing"
    return InputError(f"{path}: {place}", found=found, allowed=str(detail["msg"]).lower(), remedy="correct this value")


def _pose_faults(path: Path, slices: tuple[Slice, ...]) -> Iterator[InputError]:
    """Axes that are no unit vectors at right angles, and slices that are not parallel to the first."""
    for number, one in enumerate(slices):
        axes = np.array(one.axes)
        if np.abs(axes @ axes.T - np.eye(2)).max() > _STRAIGHT:
            yield InputError(
                f"{path}: slices[{number}].axes",
                found="directions that are not of length 1 and at right angles",
                allowed="two unit vectors at right angles",
                remedy="divide each by its length; polygons are in mm",
            )
        elif np.linalg.norm(np.cross(one.normal, slices[0].normal)) > _STRAIGHT:
            yield InputError(
                f"{path}: slices[{number}].axes",
                found="a slice at an angle to the first",
                allowed="parallel slices",
                remedy="give the zone as a label map or a surface",
            )


def _stack(path: Path, given: SliceFile) -> SliceStack:
    """Slices in order of height, all outlines in u, v of the first."""
    flip = to_lps(given.frame)[:3, :3]
    first = given.slices[0]
    directions = np.vstack([first.axes, first.normal]) @ flip
    origin = flip @ np.array(first.origin)
    offsets = [directions @ (flip @ np.array(one.origin) - origin) for one in given.slices]
    heights = np.array([offset[2] for offset in offsets])
    order = np.argsort(heights)
    if np.diff(heights[order]).min() < _LEAST_GAP_MM:
        raise InputError(
            f"{path}: slices",
            found="two slices in one place",
            allowed="slices one after another",
            remedy="give both outlines as polygons of one slice",
        )
    outlines = [
        tuple(
            offset[:2] + np.array(polygon) @ (np.array(one.axes) @ flip @ directions[:2].T) for polygon in one.polygons
        )
        for one, offset in zip(given.slices, offsets, strict=True)
    ]
    return SliceStack(
        origin,
        directions,
        heights[order],
        tuple(outlines[number] for number in order),
        given.length_ratio,
        given.notice,
    )


def write_slice_stack(path: Path, stack: SliceStack, *, source: str) -> None:
    """Write slices such that :func:`read_slice_stack` reads them back (LPS)."""
    along, across, normal = stack.directions
    data = {
        "schema": 1,
        "frame": "LPS",
        "source": source,
        **({"notice": stack.notice} if stack.notice else {}),
        **({} if stack.length_ratio is None else {"length_ratio": float(stack.length_ratio)}),
        "slices": [
            {
                "origin": _rounded(stack.origin_mm + height * normal),
                "axes": [_rounded(along, 9), _rounded(across, 9)],
                "polygons": [[_rounded(point) for point in polygon] for polygon in outlines],
            }
            for height, outlines in zip(stack.heights_mm, stack.outlines_mm, strict=True)
        ],
    }
    path.write_text(yaml.safe_dump(data, sort_keys=False, default_flow_style=None), encoding="utf-8")


def _rounded(values: Floats, digits: int = 4) -> list[float]:
    return [round(float(value), digits) for value in values]
