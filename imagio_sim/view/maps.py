# SPDX-License-Identifier: LGPL-3.0-or-later
"""Fields in colour on the patient in three planes: territory, perfusion, drug and dose; and who killed what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.view.planes import (
    AROUND_MM,
    PLANES,
    SOFT_TISSUE_WINDOW_HU,
    Plane,
    background_of,
    draw_context,
    draw_frame,
    draw_needles,
    in_plane,
    pixels,
)
from imagio_sim.view.scene import NOTICE, ZONE_COLOUR, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_WIDTH, _HEIGHT = 15.0, 6.0
_OPAQUE, _FAINT = 0.75, 0.01
# The darkest fifth of the colours cannot be told from the grey of the patient.
_DARKEST = 0.2
_TARGET_COLOUR = "#FFFFFF"


@dataclass(frozen=True, eq=False)
class FieldMap:
    """A field to be shown in colour.

    Attributes
    ----------
    title, unit
        What it is; the unit stands at the colour bar.
    at
        Its values (n,) at points (n, 3) in LPS mm, nan where there is none.
    low, high
        Ends of the colours; what lies at ``low`` or hardly above is not shown.
    contours
        Values whose lines are drawn and named.
    logarithmic
        Whether colours go with the logarithm.
    reach_mm
        Half the side of the picture; None: as far as zone and target need.
    """

    title: str
    unit: str
    at: Callable[[Floats], Floats]
    low: float
    high: float
    contours: Sequence[float] = ()
    logarithmic: bool = False
    reach_mm: float | None = None


def draw_map(path: Path, scene: Scene, field: FieldMap) -> None:
    """Write a PNG with a field over the patient in axial, coronal and sagittal plane through the target."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    figure = _figure(f"{scene.title}: {field.title}")
    norm = LogNorm(field.low, field.high) if field.logarithmic else Normalize(field.low, field.high)
    colours = ScalarMappable(norm, ListedColormap(colormaps["inferno"](np.linspace(_DARKEST, 1.0, 256))))
    least = field.low if field.logarithmic else field.low + _FAINT * (field.high - field.low)
    for axes, plane in _planes(figure):
        half = field.reach_mm or scene.reach_mm + AROUND_MM
        points = _draw_patient(axes, scene, plane, half)
        values = field.at(points.reshape(-1, 3)).reshape(points.shape[:2])
        seen = np.nan_to_num(values, nan=-np.inf)
        shown = colours.to_rgba(np.clip(seen, field.low, field.high))
        shown[..., 3] = np.where(seen > least, _OPAQUE, 0.0)
        axes.imshow(shown, extent=(-half, half, -half, half), origin="lower", interpolation="nearest")
        _draw_contours(axes, values, field.contours, half)
        _finish_plane(axes, scene, plane, half)
    bar = figure.colorbar(colours, cax=figure.add_axes((0.25, 0.075, 0.5, 0.025)), orientation="horizontal")
    bar.set_label(f"{field.title} [{field.unit}]")
    figure.savefig(path, dpi=110, format="png")


def draw_classes(
    path: Path, scene: Scene, title: str, at: Callable[[Floats], NDArray[np.int64]], colours: Mapping[str, str]
) -> None:
    """Write a PNG with classes of tissue in three planes.

    Parameters
    ----------
    at
        Number (n,) of the class at points (n, 3) in LPS mm: 0 for none, then in the order of ``colours``.
    colours
        Colour of every class, by its name in the legend.
    """
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Patch

    figure = _figure(f"{scene.title}: {title}")
    table = np.array([(0.0, 0.0, 0.0, 0.0), *(to_rgba(colour, _OPAQUE) for colour in colours.values())])
    for axes, plane in _planes(figure):
        half = scene.reach_mm + AROUND_MM
        points = _draw_patient(axes, scene, plane, half)
        found = at(points.reshape(-1, 3)).reshape(points.shape[:2])
        axes.imshow(table[found], extent=(-half, half, -half, half), origin="lower", interpolation="nearest")
        _finish_plane(axes, scene, plane, half)
    handles = [Patch(facecolor=colour, alpha=_OPAQUE, label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="lower center", ncols=4, frameon=False, fontsize=11)
    figure.savefig(path, dpi=110, format="png")


def _figure(title: str) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT), facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, y=0.975, ha="left", fontsize=15, fontweight="bold")
    figure.text(0.99, 0.955, NOTICE, ha="right", fontsize=10.5, color="#555555")
    return figure


def _planes(figure: Figure) -> Iterator[tuple[Axes, Plane]]:
    for position, plane in enumerate(PLANES):
        yield figure.add_axes((0.01 + 0.33 * position, 0.14, 0.32, 0.74)), plane


def _draw_patient(axes: Axes, scene: Scene, plane: Plane, half: float) -> Floats:
    """Image or labels in grey; the points (rows, columns, 3) of the picture."""
    points = pixels(scene.centre_mm, plane, half)
    greys, (low, high) = background_of(scene, points, SOFT_TISSUE_WINDOW_HU)
    axes.imshow(greys, cmap="gray", vmin=low, vmax=high, extent=(-half, half, -half, half), origin="lower")
    return points


def _draw_contours(axes: Axes, values: Floats, contours: Sequence[float], half: float) -> None:
    """Lines of equal value that the picture crosses, with their value."""
    values = np.nan_to_num(values, nan=-1.0)
    crossed = [level for level in contours if values.min() < level < values.max()]
    if crossed:
        extent = (-half, half, -half, half)
        lines = axes.contour(values, levels=crossed, colors="white", linewidths=1.0, extent=extent, origin="lower")
        axes.clabel(lines, fmt="%g", fontsize=9)


def _finish_plane(axes: Axes, scene: Scene, plane: Plane, half: float) -> None:
    """What lies over the field: vessels, structures, target, zone, needles, and the plane's name."""
    from matplotlib.collections import LineCollection

    draw_context(axes, scene, plane)
    for surface, colour, width in ((scene.target, _TARGET_COLOUR, 2.4), (scene.zone.surface, ZONE_COLOUR, 1.8)):
        if surface is not None and len(surface.triangles):
            segments = in_plane(surface.section(scene.centre_mm, plane.normal), scene, plane)
            axes.add_collection(LineCollection(list(segments), colors=colour, linewidths=width))
    draw_needles(axes, scene, plane, half)
    draw_frame(axes, plane, half)
