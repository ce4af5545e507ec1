# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a mesh is made from: geometry, the reach of the device and a resolution; never a program value.

Two plans that differ in power, time or cooling have the same recipe and share one mesh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imagio_sim.devices.applicator import PlacedApplicator, Rod, TipShape
from imagio_sim.errors import InputError
from imagio_sim.meshing.centre_line import arc_lengths, stacked, stretch
from imagio_sim.meshing.placement import check_clearance, check_near_target, check_within
from imagio_sim.meshing.region import Box, Capsule, Point, Region, RegionShape, Sphere, as_point, enclosing_region

Resolution = Literal["coarse", "normal", "fine"]

# The region extends this many reaches beyond the active surface (60 mm in all for a 3 cm tip with a reach of 20 mm),
# and never less than the margin: tines lie at the rim of their zone and reach little farther.
_REGION_PER_REACH = 2.25
_LEAST_MARGIN_MM = 40.0
_LEAST_REACH_MM = 8.0
# Ablation zones are longer along the shaft than across it.
_ACROSS_PER_LONG_AXIS = 0.8
# Tissue kept around every point of the target, so that its margin can be judged.
_AROUND_TARGET_MM = 20.0
# The reach up to which a zone is resolved by the table's size; a larger zone may have larger cells.
_REFERENCE_REACH_MM = 20.0


@dataclass(frozen=True)
class Sizes:
    """Edge lengths [mm] asked of the mesher.

    ``surface_mm`` at the active surface, ``zone_mm`` from a few millimetres off it up to the reach of the device, then
    growing by ``growth`` per mm up to ``far_mm``; on a rod never above ``per_radius`` times its radius.
    """

    surface_mm: float
    zone_mm: float
    far_mm: float
    growth: float
    per_radius: float

    def scaled(self, factor: float) -> Sizes:
        """All lengths times a factor."""
        return replace(
            self,
            surface_mm=self.surface_mm * factor,
            zone_mm=self.zone_mm * factor,
            far_mm=self.far_mm * factor,
            per_radius=self.per_radius * factor,
        )


SIZES: Mapping[Resolution, Sizes] = {
    "coarse": Sizes(surface_mm=0.6, zone_mm=1.7, far_mm=8.0, growth=0.2, per_radius=0.8),
    "normal": Sizes(surface_mm=0.35, zone_mm=0.95, far_mm=6.0, growth=0.12, per_radius=0.6),
    "fine": Sizes(surface_mm=0.18, zone_mm=0.48, far_mm=6.0, growth=0.12, per_radius=0.4),
}


CELLS_PER_WIDTH: Mapping[Resolution, float] = {"coarse": 2.0, "normal": 3.5, "fine": 7.0}
"""Cells across the width of a :class:`Detail`."""

EXTENT_MM: Mapping[Resolution, float] = {"coarse": 6.0, "normal": 4.0, "fine": 2.5}
"""Edge length [mm] within an :class:`Extent`."""


@dataclass(frozen=True)
class RodShape:
    """The surface of one rod: what :class:`~imagio_sim.devices.applicator.Rod` says without its cooling and wiring.

    ``sections`` are (name, start, end) by arc length [mm] from the distal end; ``tag`` is ``<applicator>.<rod>``.
    """

    tag: str
    path_mm: tuple[Point, ...]
    radius_mm: float
    tip: TipShape
    tip_length_mm: float
    sections: tuple[tuple[str, float, float], ...]

    @classmethod
    def of(cls, applicator: str, rod: Rod) -> RodShape:
        """The shape of a placed rod."""
        sections = tuple((section.name, section.start_mm, section.end_mm) for section in rod.sections)
        return cls(f"{applicator}.{rod.name}", rod.path_mm, rod.radius_mm, rod.tip, rod.tip_length_mm, sections)

    @property
    def length_mm(self) -> float:
        """Arc length of the centre line."""
        return float(arc_lengths(self.path_mm)[-1])

    @property
    def pointed_mm(self) -> float:
        """Length of the tip over which the rod is thinner than its radius; 0 for a flat end."""
        return 0.0 if self.tip == "flat" else self.tip_length_mm

    def radius_at_mm(self, arc_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Radius (n,) of the solid at each arc length (n,): that of a cone or half ellipsoid within the tip."""
        if self.pointed_mm == 0.0:
            return np.full(np.shape(arc_mm), self.radius_mm)
        share = np.clip(arc_mm / self.pointed_mm, 0.0, 1.0)
        return np.asarray(self.radius_mm * (share if self.tip == "cone" else np.sqrt(share * (2.0 - share))))

    def section_at(self, arc_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number (n,) of the section at each arc length (n,); -1 is inert shaft."""
        number = np.full(len(arc_mm), -1, dtype=np.int64)
        for index, (_, start, end) in enumerate(self.sections):
            number[(arc_mm >= start) & (arc_mm <= end)] = index
        return number


@dataclass(frozen=True)
class Spot:
    """A line (or a point) [mm] around which cells are at most ``size_mm`` up to ``reach_mm``, growing beyond."""

    path_mm: tuple[Point, ...]
    reach_mm: float
    size_mm: float


@dataclass(frozen=True)
class Detail:
    """A line (or a point) [mm] along which something happens that is ``width_mm`` wide and must be resolved."""

    path_mm: tuple[Point, ...]
    width_mm: float


@dataclass(frozen=True)
class Extent:
    """A ball [mm] over which something slow happens, for which cells of a few millimetres are fine enough."""

    centre_mm: Point
    radius_mm: float


@dataclass(frozen=True)
class Support:
    """What acts without rods asks of the mesh.

    ``contained`` are points [mm] that the region has to hold, each with so much tissue [mm] around it.
    """

    details: tuple[Detail, ...] = ()
    contained: tuple[tuple[Point, float], ...] = ()
    extents: tuple[Extent, ...] = ()

    def with_(self, other: Support) -> Support:
        """Both together."""
        return Support(self.details + other.details, self.contained + other.contained, self.extents + other.extents)


NO_SUPPORT = Support()


@dataclass(frozen=True)
class MeshRecipe:
    """A region with rods cut out of it and the sizes of its cells.

    ``focus_mm`` are the polylines (or single points) around which the mesh is fine up to ``reach_mm``; ``spots`` are
    finer yet, whatever else is there.
    """

    region: Region
    rods: tuple[RodShape, ...]
    focus_mm: tuple[tuple[Point, ...], ...]
    reach_mm: float
    sizes: Sizes
    spots: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class AxisymmetricRecipe:
    """The r-z half plane of a recipe with one straight rod; z is ``tip_height_mm`` at its tip, more towards the hub.

    Without a rod the half plane is that of the z axis.
    """

    solid: MeshRecipe
    tip_height_mm: float = 0.0


@dataclass(frozen=True)
class ShellRecipe:
    """The space between two spheres about the origin (a ball when ``inner_mm`` is 0), sizes [mm] by radius."""

    inner_mm: float
    outer_mm: float
    size_inner_mm: float
    size_outer_mm: float


Recipe = MeshRecipe | AxisymmetricRecipe | ShellRecipe


def recipe_for(
    applicators: Sequence[PlacedApplicator],
    target_points_mm: NDArray[np.float64],
    *,
    reach_mm: float,
    resolution: Resolution = "normal",
    size_factor: float = 1.0,
    region_factor: float = 1.0,
    shape: RegionShape = "auto",
    margin_mm: float | None = None,
    support: Support = NO_SUPPORT,
) -> MeshRecipe:
    """Make the recipe for placed applicators and a target; refuses placements that cannot be meant.

    Parameters
    ----------
    applicators
        In the patient, LPS mm; without any the mesh is fine around the middle of the target.
    target_points_mm
        Points (n, 3) that stand for the target: its surface or its voxels.
    reach_mm
        How far from the active surface the device's largest zone extends, see :func:`reach_for`.
    size_factor
        Scales every cell size, for convergence studies.
    region_factor
        Scales the region, to show that its boundary has no influence.
    shape, margin_mm
        Shape of the region and how far it extends beyond target and active surfaces, where they are not to be chosen
        from the reach.
    support
        What devices without rods ask for.
    """
    check_clearance(applicators)
    check_near_target(applicators, target_points_mm, reach_mm=reach_mm)
    region = region_for(
        applicators,
        target_points_mm,
        reach_mm=reach_mm,
        factor=region_factor,
        shape=shape,
        margin_mm=margin_mm,
        support=support,
    )
    check_within(applicators, region)
    focus, reach = _focus(applicators, target_points_mm, reach_mm, support)
    return MeshRecipe(
        region=region,
        rods=tuple(RodShape.of(applicator.name, rod) for applicator in applicators for rod in applicator.rods),
        focus_mm=focus,
        reach_mm=reach,
        sizes=sizes_for(resolution, reach_mm=reach).scaled(size_factor),
        spots=spots_for(support, resolution, size_factor=size_factor),
    )


def spots_for(support: Support, resolution: Resolution, *, size_factor: float = 1.0) -> tuple[Spot, ...]:
    """Cells for what is asked for: details have so many across the width, over a width on either side."""
    share = size_factor / CELLS_PER_WIDTH[resolution]
    details = [Spot(detail.path_mm, detail.width_mm, detail.width_mm * share) for detail in support.details]
    size = EXTENT_MM[resolution] * size_factor
    return (*details, *(Spot((extent.centre_mm,), extent.radius_mm, size) for extent in support.extents))


def _focus(
    applicators: Sequence[PlacedApplicator], target_points_mm: NDArray[np.float64], reach_mm: float, support: Support
) -> tuple[tuple[tuple[Point, ...], ...], float]:
    """Lines around which the mesh is fine, and up to which distance.

    The active paths, else the whole target, else what devices without rods ask for.
    """
    if any(applicator.rods for applicator in applicators):
        return active_paths(applicators, reach_mm=reach_mm), reach_mm
    if not len(target_points_mm):
        return tuple(detail.path_mm for detail in support.details), reach_mm
    centre = target_points_mm.mean(axis=0)
    radius = float(np.linalg.norm(target_points_mm - centre, axis=1).max())
    return ((as_point(np.round(centre, 1)),),), max(reach_mm, float(np.ceil(radius)))


def sizes_for(resolution: Resolution, *, reach_mm: float) -> Sizes:
    """The table's sizes; a device of more than the reference reach has proportionally larger cells in its zone."""
    if resolution not in SIZES:
        raise InputError(
            "resolution", found=repr(resolution), allowed=", ".join(get_args(Resolution)), remedy="choose one of these"
        )
    sizes = SIZES[resolution]
    zone = sizes.zone_mm * max(1.0, reach_mm / _REFERENCE_REACH_MM)
    return replace(sizes, zone_mm=min(zone, sizes.far_mm))


def active_paths(applicators: Sequence[PlacedApplicator], *, reach_mm: float) -> tuple[tuple[Point, ...], ...]:
    """Centre lines where the devices act: their active sections, or the distal part where a device has none."""
    paths = []
    for applicator in applicators:
        acts = any(section.active for rod in applicator.rods for section in rod.sections)
        for rod in applicator.rods:
            paths += [tuple(as_point(p) for p in path) for path in _active_stretches(rod, acts, reach_mm)]
    return tuple(paths)


def _active_stretches(rod: Rod, acts: bool, reach_mm: float) -> list[NDArray[np.float64]]:
    """Stretches of one rod's centre line that act; a cooled shaft counts only near its tip."""
    length = float(arc_lengths(rod.path_mm)[-1])
    if acts:
        ends = [(s.start_mm, min(s.end_mm, length)) for s in rod.sections if s.active]
    else:
        limit = min(2.0 * reach_mm, length)
        ends = [(s.start_mm, min(s.end_mm, limit)) for s in rod.sections if s.start_mm < limit] or [(0.0, limit)]
    return [stretch(rod.path_mm, start, end) for start, end in ends]


def reach_for(rods: Sequence[Rod], *, largest_zone_mm: float) -> float:
    """How far [mm] a device's largest zone extends beyond its active surface.

    ``largest_zone_mm`` is the zone's long axis; ``rods`` are in the applicator's frame (shaft along z).
    Tines spread into the zone, so that little of it lies beyond them.
    """
    active = [stretch(rod.path_mm, s.start_mm, s.end_mm) for rod in rods for s in rod.sections if s.active]
    spread = max((float(np.linalg.norm(path[:, :2], axis=1).max()) for path in active), default=0.0)
    return max(_ACROSS_PER_LONG_AXIS * largest_zone_mm / 2.0 - spread, _LEAST_REACH_MM)


def region_for(
    applicators: Sequence[PlacedApplicator],
    target_points_mm: NDArray[np.float64],
    *,
    reach_mm: float,
    factor: float = 1.0,
    shape: RegionShape = "auto",
    margin_mm: float | None = None,
    support: Support = NO_SUPPORT,
) -> Region:
    """Choose a body so large that its boundary does not influence the result.

    60 mm for a 3 cm tip that reaches 20 mm; ``margin_mm`` sets how far it extends beyond active surfaces and target.
    """
    paths = active_paths(applicators, reach_mm=reach_mm)
    active = stacked(paths, 1.0) if paths else np.empty((0, 3))
    contained = np.array([point for point, _ in support.contained]).reshape(-1, 3)
    target = np.asarray(target_points_mm, float).reshape(-1, 3)
    around_active = max(_REGION_PER_REACH * reach_mm, _LEAST_MARGIN_MM) if margin_mm is None else margin_mm
    around_target = _AROUND_TARGET_MM if margin_mm is None else margin_mm
    around_contained = np.array([margin for _, margin in support.contained])
    margins = np.concatenate(
        [np.full(len(active), around_active), np.full(len(target), around_target), around_contained]
    )
    return enclosing_region(np.vstack([active, target, contained]), margins, shape).scaled(factor)


def recipe_to_json(recipe: Recipe) -> str:
    """Text that holds the whole recipe and is the same for equal recipes."""
    return json.dumps({"kind": type(recipe).__name__, **_tagged(recipe)}, sort_keys=True)


def recipe_from_json(text: str) -> Recipe:
    """The recipe that :func:`recipe_to_json` wrote."""
    data = json.loads(text)
    kind = data.pop("kind")
    if kind == ShellRecipe.__name__:
        return ShellRecipe(**data)
    if kind == AxisymmetricRecipe.__name__:
        return AxisymmetricRecipe(_solid(data["solid"]), data["tip_height_mm"])
    return _solid(data)


def _tagged(recipe: Recipe) -> dict[str, Any]:
    """The fields as plain data; a region carries the name of its class."""
    data = asdict(recipe)
    solid = recipe.solid if isinstance(recipe, AxisymmetricRecipe) else recipe
    if isinstance(solid, MeshRecipe):
        data.get("solid", data)["region"]["shape"] = type(solid.region).__name__
    return data


def _solid(data: dict[str, Any]) -> MeshRecipe:
    """A :class:`MeshRecipe` from plain data."""
    return MeshRecipe(
        region=_region(data["region"]),
        rods=tuple(_rod(rod) for rod in data["rods"]),
        focus_mm=tuple(tuple(as_point(p) for p in path) for path in data["focus_mm"]),
        reach_mm=data["reach_mm"],
        sizes=Sizes(**data["sizes"]),
        spots=tuple(
            Spot(tuple(as_point(p) for p in spot["path_mm"]), spot["reach_mm"], spot["size_mm"])
            for spot in data["spots"]
        ),
    )


def _region(data: dict[str, Any]) -> Region:
    """A region from plain data."""
    if data["shape"] == Sphere.__name__:
        return Sphere(as_point(data["centre_mm"]), data["radius_mm"])
    if data["shape"] == Capsule.__name__:
        return Capsule(as_point(data["start_mm"]), as_point(data["end_mm"]), data["radius_mm"])
    return Box(as_point(data["lower_mm"]), as_point(data["upper_mm"]))


def _rod(data: dict[str, Any]) -> RodShape:
    """A :class:`RodShape` from plain data."""
    path = tuple(as_point(point) for point in data["path_mm"])
    sections = tuple((name, start, end) for name, start, end in data["sections"])
    return RodShape(**{**data, "path_mm": path, "sections": sections})
