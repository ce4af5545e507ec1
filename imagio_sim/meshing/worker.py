# SPDX-License-Identifier: LGPL-3.0-or-later
"""The child process that runs gmsh: ``python -m imagio_sim.meshing.worker RECIPE.json OUT.npz ALGORITHM``.

gmsh's HXT ends the whole process when it fails, so it never runs in the process that holds a simulation.
What gmsh says goes to standard output, which the parent keeps for its error message.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gmsh
import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.recipe import AxisymmetricRecipe, Recipe, ShellRecipe, recipe_from_json
from imagio_sim.meshing.size_fields import set_shell_sizes, set_sizes
from imagio_sim.meshing.solids import add_domain, add_half_plane, add_shell

# One thread gives the same mesh every time. Two give another one each time, and on two shared cores took twice as long.
THREADS = 1
_ALGORITHM_3D = {"hxt": 10, "delaunay": 1}
# Of gmsh's surface algorithms the one that copes best with the junctions of tines.
_DELAUNAY_2D = 5
_CELL_TYPE = {2: 2, 3: 4}
_POOR_QUALITY = 0.1


def main(recipe_file: Path, output_file: Path, algorithm: str) -> None:
    """Mesh a recipe and write ``points`` (n, 3) [mm] and ``cells`` (m, 3 or 4) to an npz file."""
    recipe = recipe_from_json(recipe_file.read_text(encoding="utf-8"))
    gmsh.initialize(interruptible=False)
    try:
        _set_options(algorithm)
        dimension = _build(recipe)
        gmsh.model.mesh.generate(dimension)
        _improve(dimension)
        points, cells = _collected(dimension)
    finally:
        gmsh.finalize()
    np.savez(output_file, points=points, cells=cells)


def _set_options(algorithm: str) -> None:
    """Options that hold for every mesh."""
    gmsh.option.setNumber("General.NumThreads", THREADS)
    gmsh.option.setNumber("Mesh.MaxNumThreads3D", THREADS)
    gmsh.option.setNumber("Mesh.Algorithm", _DELAUNAY_2D)
    gmsh.option.setNumber("Mesh.Algorithm3D", _ALGORITHM_3D[algorithm])
    # Unification would melt the faces of neighbouring sections into one.
    gmsh.option.setNumber("Geometry.OCCUnionUnify", 0)


def _build(recipe: Recipe) -> int:
    """Geometry and size fields of a recipe; returns the dimension of its cells."""
    if isinstance(recipe, ShellRecipe):
        add_shell(recipe)
        set_shell_sizes(recipe)
        return 3
    if isinstance(recipe, AxisymmetricRecipe):
        add_half_plane(recipe.solid)
        set_sizes(recipe.solid)
        return 2
    add_domain(recipe)
    set_sizes(recipe)
    return 3


def _improve(dimension: int) -> None:
    """Let gmsh's optimisers work on a volume mesh with poor cells, one after the other until it is good."""
    if dimension == 2:
        return
    for optimiser in _optimisers():
        cells, _ = gmsh.model.mesh.getElementsByType(_CELL_TYPE[dimension])
        if gmsh.model.mesh.getElementQualities(cells, "minSICN").min() >= _POOR_QUALITY:
            return
        gmsh.model.mesh.optimize(optimiser)


def _optimisers() -> list[str]:
    """What this build of gmsh has: Debian's, for one, comes without Netgen."""
    netgen = ["Netgen"] if "Netgen" in gmsh.option.getString("General.BuildOptions") else []
    return ["", *netgen]


def _collected(dimension: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All nodes (n, 3) and the cells (m, dimension + 1) as rows of them."""
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    row = np.zeros(int(tags.max()) + 1, dtype=np.int64)
    row[tags.astype(np.int64)] = np.arange(len(tags))
    _, nodes = gmsh.model.mesh.getElementsByType(_CELL_TYPE[dimension])
    if not len(nodes):
        raise RuntimeError("Error: gmsh ended without making a cell")
    return coordinates.reshape(-1, 3), row[nodes.astype(np.int64)].reshape(-1, dimension + 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
