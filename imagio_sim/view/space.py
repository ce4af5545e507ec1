# SPDX-License-Identifier: LGPL-3.0-or-later
"""The plan in three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from imagio_sim.outcome.margins import Margins
from imagio_sim.outcome.surface import Surface
from imagio_sim.view.scene import (
    MARGIN_BANDS,
    NEEDLE_COLOUR,
    NOTICE,
    ORGAN_COLOUR,
    STRUCTURE_COLOUR,
    VESSEL_COLOUR,
    ZONE_COLOUR,
    Scene,
    band_of,
)

if TYPE_CHECKING:
    import pyvista

_SIZE = (1540, 1010)
_SEEN_THROUGH = 0.16


def draw_space(path: Path, scene: Scene) -> None:
    """Write a PNG: organ and vessels translucent, target coloured by margin, zone and applicators, seen obliquely."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(11.0, 8.4), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.09, 1.0, 0.84))
    axes.imshow(_rendered(scene))
    axes.set_axis_off()
    handles = [Patch(facecolor=colour, label=label) for label, colour in _legend(scene)]
    figure.legend(handles=handles, loc="lower center", ncols=3, frameon=False, fontsize=10.5)
    figure.suptitle(scene.title, x=0.015, y=0.975, ha="left", fontsize=15, fontweight="bold")
    figure.text(0.985, 0.955, NOTICE, ha="right", fontsize=9.5, color="#555555")
    figure.savefig(path, dpi=110, format="png")


def _rendered(scene: Scene) -> NDArray[np.uint8]:
    """Picture (rows, columns, 3) without title and legend."""
    import pyvista

    with _without_display_warnings():
        plotter = pyvista.Plotter(off_screen=True, window_size=_SIZE)
        plotter.set_background("white")
        viewpoint = _viewpoint(scene)
        _add_context(plotter, scene, viewpoint)
        _add_plan(plotter, scene)
        plotter.enable_anti_aliasing("ssaa")
        plotter.enable_depth_peeling(number_of_peels=8)
        _aim(plotter, scene, viewpoint)
        plotter.add_axes(xlabel="L", ylabel="P", zlabel="S", color="black", line_width=3)
        picture = plotter.screenshot(return_img=True)
        plotter.close()
    return np.asarray(picture, dtype=np.uint8)


@contextmanager
def _without_display_warnings() -> Iterator[None]:
    """Keep VTK from reporting on the terminal that it found no display; it then draws without one."""
    from vtkmodules.vtkCommonCore import vtkLogger

    before = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(before)


def _mesh(surface: Surface) -> pyvista.PolyData:
    import pyvista

    return pyvista.PolyData.from_regular_faces(surface.points_mm, surface.triangles)


def _add_context(plotter: pyvista.Plotter, scene: Scene, viewpoint: NDArray[np.float64]) -> None:
    """Add anatomy, smoothed for the eye: voxel steps would draw more attention than the plan."""
    solid = [(VESSEL_COLOUR, surface) for surface in scene.vessels.values()]
    solid += [(STRUCTURE_COLOUR, surface) for surface in scene.structures.values()]
    drawn = [
        (colour, _SEEN_THROUGH if _hides(surface, scene, viewpoint) else 1.0, surface) for colour, surface in solid
    ]
    if scene.organ is not None:
        drawn.append((ORGAN_COLOUR, _SEEN_THROUGH, scene.organ))
    for colour, opacity, surface in drawn:
        smooth = _mesh(surface).smooth_taubin(n_iter=40, pass_band=0.03)
        plotter.add_mesh(smooth, color=colour, opacity=opacity, smooth_shading=True, ambient=0.3)


def _hides(surface: Surface, scene: Scene, viewpoint: NDArray[np.float64]) -> bool:
    """Whether a surface stands between the viewer and the plan."""
    hits, _ = _mesh(surface).ray_trace(viewpoint, scene.centre_mm)
    return len(hits) > 0


def _add_plan(plotter: pyvista.Plotter, scene: Scene) -> None:
    import pyvista

    if len(scene.zone.surface.triangles):
        zone = _mesh(scene.zone.surface)
        # Hardly opaque, or its blue would falsify the colours of the margins on the target within.
        plotter.add_mesh(zone, color=ZONE_COLOUR, opacity=0.2, smooth_shading=True)
        plotter.add_silhouette(zone, color=ZONE_COLOUR, line_width=3.0)
    if scene.target is not None and scene.margins is not None:
        mesh = _mesh(scene.target)
        colours = np.array([pyvista.Color(band.colour).int_rgb for band in MARGIN_BANDS], dtype=np.uint8)
        mesh["rgb"] = colours[_bands(scene.margins, mesh.points)]
        plotter.add_mesh(mesh, scalars="rgb", rgb=True, smooth_shading=True, ambient=0.35)
    for applicator in scene.applicators:
        if not applicator.rods:  # a transducer outside the body: its beam
            beam = pyvista.Line(applicator.tip_mm, applicator.entry_mm)
            plotter.add_mesh(beam, color=NEEDLE_COLOUR, line_width=2.0)
        for rod in applicator.rods:
            tube = pyvista.lines_from_points(np.array(rod.path_mm)).tube(radius=max(rod.radius_mm, 0.6))
            plotter.add_mesh(tube, color=NEEDLE_COLOUR, smooth_shading=True)


def _bands(margins: Margins, points_mm: NDArray[np.float64]) -> NDArray[np.int64]:
    return band_of(margins.margins_mm[cKDTree(margins.points_mm).query(points_mm)[1]])


def _legend(scene: Scene) -> list[tuple[str, str]]:
    entries = [(f"{scene.zone_name}, {scene.zone.volume_ml:.1f} ml", ZONE_COLOUR)]
    if scene.margins is not None:
        entries += [(f"target, {band.label}", band.colour) for band in MARGIN_BANDS]
    entries += [("vessels", VESSEL_COLOUR)] * bool(scene.vessels)
    entries += [("critical structures", STRUCTURE_COLOUR)] * bool(scene.structures)
    return entries + [("applicator", NEEDLE_COLOUR)] * bool(scene.applicators)


def _aim(plotter: pyvista.Plotter, scene: Scene, viewpoint: NDArray[np.float64]) -> None:
    """Look at the plan, head up."""
    plotter.camera.focal_point = tuple(scene.centre_mm)
    plotter.camera.position = tuple(viewpoint)
    plotter.camera.up = (0.0, 0.0, 1.0)
    plotter.camera.view_angle = 30.0
    plotter.reset_camera_clipping_range()


def _viewpoint(scene: Scene) -> NDArray[np.float64]:
    """Where the viewer stands (3,), LPS mm: in front and above, where nothing hides the plan if there is such a place.

    Of those, the one from which the applicators are seen most nearly from the side.
    """
    angles = np.radians([30.0, 0.0, -30.0, 60.0, -60.0, 90.0, -90.0])
    directions = np.column_stack([np.sin(angles), -np.cos(angles), np.full(len(angles), 0.45)])
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    places = scene.centre_mm + 5.4 * (scene.reach_mm + 15.0) * directions
    solid = [*scene.vessels.values(), *scene.structures.values()]
    hidden = [any(_hides(surface, scene, place) for surface in solid) for place in places]
    axes = [np.subtract(applicator.entry_mm, applicator.tip_mm) for applicator in scene.applicators]
    along = [max((abs(float(d @ a)) / float(np.linalg.norm(a)) for a in axes), default=0.0) for d in directions]
    return np.asarray(places[np.argmin(np.add(hidden, along))])
