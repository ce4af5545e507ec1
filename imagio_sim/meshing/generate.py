# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a recipe to a mesh with named surfaces. gmsh works in a child process; lengths in mm."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import ImagioError
from imagio_sim.meshing.child import last_lines, run_worker
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.half_plane import in_half_plane
from imagio_sim.meshing.naming import surface_names
from imagio_sim.meshing.quality import signed_inverse_condition_number
from imagio_sim.meshing.recipe import AxisymmetricRecipe, MeshRecipe, Recipe, recipe_to_json
from imagio_sim.meshing.topology import boundary_facets, oriented, without_unused_nodes

# HXT is three times faster and fails now and then; Delaunay follows.
ALGORITHMS = ("hxt", "delaunay")


class MeshingFailure(ImagioError):
    """gmsh gave no mesh; ``log`` holds its last lines."""

    exit_code = 3

    def __init__(self, log: str) -> None:
        self.log = log
        super().__init__(
            f"no mesh from gmsh, neither with HXT nor with Delaunay ({log}); "
            "try: another resolution, or applicators farther apart from each other"
        )


@dataclass(frozen=True, eq=False)
class Generated:
    """A mesh and which of gmsh's algorithms made it."""

    domain: Domain
    algorithm: str


def generate(recipe: Recipe, *, on_progress: Callable[[str], None] | None = None) -> Generated:
    """Mesh a recipe; every boundary facet gets exactly one name.

    Parameters
    ----------
    on_progress
        Called with a line of text before each attempt.

    Raises
    ------
    MeshingFailure
        When no algorithm succeeds.
    """
    flat = replace(recipe, solid=in_half_plane(recipe)) if isinstance(recipe, AxisymmetricRecipe) else recipe
    points, cells, algorithm = _meshed(flat, on_progress)
    return Generated(_domain(flat, points, cells), algorithm)


def generate_axisymmetric(recipe: MeshRecipe, *, on_progress: Callable[[str], None] | None = None) -> Generated:
    """The r-z half plane of a recipe with one straight rod: z = 0 at its tip, growing towards the hub."""
    return generate(AxisymmetricRecipe(recipe), on_progress=on_progress)


def _meshed(
    recipe: Recipe, on_progress: Callable[[str], None] | None
) -> tuple[NDArray[np.float64], NDArray[np.int64], str]:
    """Nodes, cells and algorithm of the first attempt that succeeds."""
    logs = []
    with tempfile.TemporaryDirectory(prefix="imagio-mesh-") as folder:
        recipe_file, output_file = Path(folder, "recipe.json"), Path(folder, "mesh.npz")
        recipe_file.write_text(recipe_to_json(recipe), encoding="utf-8")
        for algorithm in ALGORITHMS:
            if on_progress is not None:
                on_progress(f"meshing with gmsh ({algorithm})")
            attempt = run_worker(recipe_file, output_file, algorithm)
            if attempt.return_code == 0:
                with np.load(output_file) as arrays:
                    return arrays["points"], arrays["cells"], algorithm
            logs.append(f"{algorithm}: {last_lines(attempt.log)}")
    raise MeshingFailure("; ".join(logs))


def _domain(recipe: Recipe, points: NDArray[np.float64], cells: NDArray[np.int64]) -> Domain:
    """The domain of a raw mesh: only nodes in use, cells turned right, every boundary facet with a name."""
    flat = isinstance(recipe, AxisymmetricRecipe)
    points, cells, _ = without_unused_nodes(points[:, :2] if flat else points, cells)
    cells = oriented(points, cells)
    facets, _ = boundary_facets(cells)
    named = surface_names(recipe, points[facets])
    surfaces = {name: facets[which] for name, which in named.items() if len(which)}
    quality = float(signed_inverse_condition_number(points, cells).min())
    return Domain(points, cells, surfaces, quality, axisymmetric=flat)
