# SPDX-License-Identifier: LGPL-3.0-or-later
"""The zone on the patient's image in three planes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from imagio_sim.anatomy.volume import Grid
from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.view.scene import (
    MARGIN_BANDS,
    NEEDLE_COLOUR,
    NOTICE,
    STRUCTURE_COLOUR,
    VESSEL_COLOUR,
    ZONE_COLOUR,
    Scene,
    band_of,
    in_millimetres,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOFT_TISSUE_WINDOW_HU = (-110.0, 190.0)
"""Lower and upper end of the grey scale: level 40, width 300, usual for the abdomen."""
AROUND_MM = 26.0
"""Tissue shown around zone and target."""
_PIXELS = 420
_IN_PLANE_MM = 2.0
# Greys by role for patients without an image: dark enough that the colours of the margins stand out.
_ROLE_GREYS = {"organ": 0.45, "tumour": 0.6, "vessel": 0.75, "bone": 0.95, "lung": 0.1, "air": 0.0, "fat": 0.25}
_OTHER_GREY, _UNLABELLED_GREY = 0.35, 0.18


@dataclass(frozen=True)
class Plane:
    """An anatomical plane as radiologists look at it.

    ``right`` and ``up`` are the LPS directions of the picture's axes; letters stand at its left, right, top and bottom.
    """

    name: str
    right: tuple[float, float, float]
    up: tuple[float, float, float]
    letters: tuple[str, str, str, str]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Direction (3,) through the plane."""
        return np.asarray(np.cross(self.right, self.up), dtype=np.float64)


PLANES = (
    Plane("axial", (1.0, 0.0, 0.0), (0.0, -1.0, 0.0), ("R", "L", "A", "P")),
    Plane("coronal", (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), ("R", "L", "S", "I")),
    Plane("sagittal", (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), ("A", "P", "S", "I")),
)


def draw_planes(path: Path, scene: Scene, window_hu: tuple[float, float] = SOFT_TISSUE_WINDOW_HU) -> None:
    """Write a PNG with axial, coronal and sagittal plane through the middle of the target.

    Parameters
    ----------
    window_hu
        Ends of the CT's grey scale.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.0, 6.0), facecolor="white")
    FigureCanvasAgg(figure)
    for position, plane in enumerate(PLANES):
        _draw_plane(figure.add_axes((0.01 + 0.33 * position, 0.14, 0.32, 0.74)), scene, plane, window_hu)
    figure.suptitle(scene.title, x=0.01, y=0.975, ha="left", fontsize=15, fontweight="bold")
    figure.text(0.99, 0.955, NOTICE, ha="right", fontsize=10.5, color="#555555")
    _legend(figure, scene)
    figure.savefig(path, dpi=110, format="png")


def _draw_plane(axes: Axes, scene: Scene, plane: Plane, window_hu: tuple[float, float]) -> None:
    half = scene.reach_mm + AROUND_MM
    points = pixels(scene.centre_mm, plane, half)
    background, limits = background_of(scene, points, window_hu)
    extent = (-half, half, -half, half)
    axes.imshow(
        background, cmap="gray", vmin=limits[0], vmax=limits[1], extent=extent, origin="lower", interpolation="bilinear"
    )
    _draw_zone(axes, scene, points, extent)
    draw_context(axes, scene, plane)
    _draw_target(axes, scene, plane)
    draw_needles(axes, scene, plane, half)
    _draw_minimal_margin(axes, scene, plane, half)
    draw_frame(axes, plane, half)


def pixels(centre: NDArray[np.float64], plane: Plane, half: float) -> NDArray[np.float64]:
    """Points (rows, columns, 3) in LPS mm."""
    ticks = ((np.arange(_PIXELS) + 0.5) / _PIXELS * 2.0 - 1.0) * half
    across, upwards = np.meshgrid(ticks, ticks)
    return np.asarray(centre + across[..., None] * np.array(plane.right) + upwards[..., None] * np.array(plane.up))


def background_of(
    scene: Scene, points: NDArray[np.float64], window_hu: tuple[float, float]
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Greys (rows, columns) of image or labels at points (rows, columns, 3), and the ends of the grey scale."""
    if scene.image is None:
        return _label_greys(scene, points), (0.0, 1.0)
    index = scene.image.grid.to_index(points.reshape(-1, 3)).T
    values = map_coordinates(scene.image.values, index, order=1, mode="constant", cval=window_hu[0])
    return np.asarray(values.reshape(points.shape[:2]), dtype=np.float64), window_hu


def _label_greys(scene: Scene, points: NDArray[np.float64]) -> NDArray[np.float64]:
    numbers = _labels_at(scene.labels.labels, scene.labels.grid, points.reshape(-1, 3))
    table = np.full(max([0, *scene.labels.names]) + 1, _OTHER_GREY)
    table[0] = _UNLABELLED_GREY
    for number, name in scene.labels.names.items():
        table[number] = _ROLE_GREYS.get(scene.roles.get(name, "other"), _OTHER_GREY)
    return np.asarray(table[numbers].reshape(points.shape[:2]))


def _labels_at(labels: NDArray[np.int32], grid: Grid, points: NDArray[np.float64]) -> NDArray[np.int32]:
    voxel, inside = grid.nearest(points)
    return np.where(inside, labels[tuple(voxel.T)], 0)


def _draw_zone(
    axes: Axes, scene: Scene, points: NDArray[np.float64], extent: tuple[float, float, float, float]
) -> None:
    level = scene.probe.values(scene.level, points.reshape(-1, 3)).reshape(points.shape[:2])
    # Beyond the region nothing is dead; only the sign matters at its edge.
    level = np.where(np.isnan(level), -1.0, level)
    if not (level > 0).any():
        return
    axes.contourf(level, levels=[0.0, np.inf], colors=[ZONE_COLOUR], alpha=0.28, extent=extent, origin="lower")
    if (level < 0).any():
        axes.contour(level, levels=[0.0], colors=[ZONE_COLOUR], linewidths=2.0, extent=extent, origin="lower")


def in_plane(points: NDArray[np.float64], scene: Scene, plane: Plane) -> NDArray[np.float64]:
    """Coordinates (..., 2) in the picture."""
    return np.asarray((points - scene.centre_mm) @ np.array([plane.right, plane.up]).T)


def draw_context(axes: Axes, scene: Scene, plane: Plane) -> None:
    """Outlines of vessels and critical structures."""
    from matplotlib.collections import LineCollection

    for colour, surfaces in ((VESSEL_COLOUR, scene.vessels), (STRUCTURE_COLOUR, scene.structures)):
        for surface in surfaces.values():
            segments = surface.section(scene.centre_mm, plane.normal)
            axes.add_collection(LineCollection(list(in_plane(segments, scene, plane)), colors=colour, linewidths=1.6))


def _draw_target(axes: Axes, scene: Scene, plane: Plane) -> None:
    from matplotlib.collections import LineCollection

    if scene.target is None or scene.margins is None:
        return
    segments = scene.target.section(scene.centre_mm, plane.normal)
    if len(segments) == 0:
        return
    nearest = cKDTree(scene.margins.points_mm).query(segments.mean(axis=1))[1]
    colours = [MARGIN_BANDS[band].colour for band in band_of(scene.margins.margins_mm[nearest])]
    flat = in_plane(segments, scene, plane)
    axes.add_collection(LineCollection(list(flat), colors="black", linewidths=4.2, capstyle="round"))
    axes.add_collection(LineCollection(list(flat), colors=colours, linewidths=2.6, capstyle="round"))


def draw_needles(axes: Axes, scene: Scene, plane: Plane, half: float) -> None:
    """Rods: solid where they lie in the plane, dotted where they pass before or behind it."""
    for applicator in scene.applicators:
        if not applicator.rods:
            _draw_beam(axes, scene, plane, applicator)
        for rod in applicator.rods:
            path = _refined(np.array(rod.path_mm))
            height = np.abs((path - scene.centre_mm) @ plane.normal)
            flat = np.where((height <= _IN_PLANE_MM)[:, None], in_plane(path, scene, plane), np.nan)
            axes.plot(*in_plane(path, scene, plane).T, ":", color="white", linewidth=1.4)
            axes.plot(*flat.T, color=NEEDLE_COLOUR, linewidth=4.6, solid_capstyle="round")
            axes.plot(*flat.T, color="white", linewidth=2.4, solid_capstyle="round")
    axes.set_xlim(-half, half)
    axes.set_ylim(-half, half)


def _draw_beam(axes: Axes, scene: Scene, plane: Plane, applicator: PlacedApplicator) -> None:
    """The axis of a transducer outside the body, up to its geometric focus."""
    ends = in_plane(np.array([applicator.entry_mm, applicator.tip_mm]), scene, plane)
    axes.plot(*ends.T, "--", color="white", linewidth=1.6)
    axes.plot(*ends[1:].T, "+", color="white", markersize=9.0, markeredgewidth=1.6)


def _refined(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points every 0.5 mm along a polyline (n, 3)."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    stops = np.linspace(0.0, arc[-1], max(2, round(float(arc[-1]) / 0.5)))
    return np.column_stack([np.interp(stops, arc, path[:, k]) for k in range(3)])


def _draw_minimal_margin(axes: Axes, scene: Scene, plane: Plane, half: float) -> None:
    """Point at the minimal margin; hollow where it lies before or behind the plane."""
    if scene.margins is None or scene.margins.minimal_point_mm is None:
        return
    point = scene.margins.minimal_point_mm
    x, y = in_plane(point, scene, plane)
    is_near = abs((point - scene.centre_mm) @ plane.normal) <= _IN_PLANE_MM
    axes.plot(x, y, "o", markersize=8, color="white" if is_near else "none", markeredgecolor="white", mew=1.6)
    side = -1.0 if x > 0 else 1.0
    axes.annotate(
        in_millimetres(scene.margins.minimal_mm or 0.0) + ("" if is_near else "\n(other slice)"),
        (x, y),
        xytext=(side * 0.68 * half, (0.72 if y >= 0 else -0.62) * half),
        color="white",
        fontsize=12,
        fontweight="bold",
        ha="center",
        va="center",
        arrowprops={"arrowstyle": "-", "color": "white", "linewidth": 1.1, "shrinkB": 6},
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "black", "edgecolor": "none", "alpha": 0.6},
    )


def draw_frame(axes: Axes, plane: Plane, half: float) -> None:
    """Name of the plane, directions and a scale."""
    from matplotlib.patheffects import withStroke

    places = ((-0.96, 0.0), (0.96, 0.0), (0.0, 0.95), (0.0, -0.95))
    # Edged in black: letters stand on bone, on the outside and on needles alike.
    edged = [withStroke(linewidth=3.0, foreground="black")]
    for letter, (x, y) in zip(plane.letters, places, strict=True):
        text = axes.text(x * half, y * half, letter, color="#FFE08A", fontsize=13, fontweight="bold", ha="center")
        text.set(path_effects=edged, zorder=5.0, verticalalignment="center")
    bar = 20.0 if half > 30.0 else 10.0
    left, bottom = -0.92 * half, -0.9 * half
    axes.plot([left, left + bar], [bottom, bottom], color="white", linewidth=3.5, solid_capstyle="butt")
    size = axes.text(left + bar / 2.0, bottom + 0.02 * half, f"{bar:.0f} mm", color="white", ha="center", va="bottom")
    name = axes.text(0.02, 0.98, plane.name, color="white", fontsize=12, ha="left", va="top", transform=axes.transAxes)
    for text in (size, name):
        text.set(path_effects=edged, zorder=5.0)
    axes.set_xticks([])
    axes.set_yticks([])


def _legend(figure: Figure, scene: Scene) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Patch | Line2D] = [
        Patch(
            facecolor=ZONE_COLOUR,
            alpha=0.5,
            edgecolor=ZONE_COLOUR,
            label=f"{scene.zone_name}, {scene.zone.volume_ml:.1f} ml",
        )
    ]
    lines = [(f"target, {band.label}", band.colour) for band in MARGIN_BANDS] if scene.margins is not None else []
    lines += [("vessel", VESSEL_COLOUR)] * bool(scene.vessels)
    lines += [("critical structure", STRUCTURE_COLOUR)] * bool(scene.structures)
    lines += [("applicator (dotted: out of plane)", "#888888")] * bool(scene.applicators)
    handles += [Line2D([], [], color=colour, linewidth=3.5, label=label) for label, colour in lines]
    figure.legend(handles=handles, loc="lower center", ncols=4, frameon=False, fontsize=11)
