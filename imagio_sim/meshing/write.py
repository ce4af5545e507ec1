# SPDX-License-Identifier: LGPL-3.0-or-later
"""A mesh with its tissue tags in the formats that other programs read, through meshio. Coordinates LPS mm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain, Sampled

if TYPE_CHECKING:
    import meshio

TAG = "tag"

# Formats by suffix: meshio's name, and under which name it keeps one tag per cell there. Only formats are listed that
# hold tetrahedra, triangles and tags, so that tissues and surfaces survive.
FORMATS: Mapping[str, tuple[str, str]] = {
    ".avs": ("avsucd", "avsucd:material"),
    ".inp": ("abaqus", TAG),
    ".med": ("med", TAG),
    ".mesh": ("medit", "medit:ref"),
    ".meshb": ("medit", "medit:ref"),
    ".msh": ("gmsh22", "gmsh:physical"),
    ".vol": ("netgen", "netgen:index"),
    ".vtk": ("vtk", TAG),
    ".vtu": ("vtu", TAG),
    ".xdmf": ("xdmf", TAG),
    ".xmf": ("xdmf", TAG),
}
# What meshio calls a simplex, by its dimension.
_SIMPLICES: Mapping[int, str] = {1: "line", 2: "triangle", 3: "tetra"}
# Formats that name their arrays take what was sampled as well.
_WITH_SAMPLES = ("vtk", "vtu", "xdmf")


def write_mesh(domain: Domain, sampled: Sampled, path: Path) -> Path:
    """Write a mesh, a half plane at y = 0; the suffix decides the format.

    Every tetrahedron (triangle of a half plane) carries the number of its most frequent tissue and every boundary
    triangle (edge) that of its surface; the file returned, ``<path>.tags.json``, names the numbers. VTK and XDMF files
    also hold all tissue fractions.

    Raises
    ------
    InputError
        For a suffix that is not in :data:`FORMATS`, or a path that cannot be written.
    """
    import meshio

    file_format, tag_name = check_suffix(path)
    tags = tag_numbers(domain, sampled)
    legend = path.with_name(f"{path.name}.tags.json")
    mesh = _meshio_mesh(domain, sampled, tags, file_format, tag_name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        meshio.write(path, mesh, file_format=file_format)
        legend.write_text(json.dumps({number: name for name, number in tags.items()}, indent=1), encoding="utf-8")
    except OSError as refusal:
        raise InputError(
            str(path),
            found=f"a path that cannot be written ({refusal})",
            allowed="a writable path",
            remedy="choose another",
        ) from refusal
    return legend


def check_suffix(path: Path) -> tuple[str, str]:
    """Format and name of its tags, as meshio calls them, for a path; refuses suffixes not in :data:`FORMATS`."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            str(path),
            found=f"the suffix {suffix!r}" if suffix else "no suffix",
            allowed=", ".join(sorted(FORMATS)),
            remedy="give the mesh file one of these suffixes",
        )
    return FORMATS[suffix]


def tag_numbers(domain: Domain, sampled: Sampled) -> dict[str, int]:
    """Number by name: tissues from 1 on, then ``surface <name>`` for every surface."""
    names = [*sampled.tissues, *(f"surface {name}" for name in domain.surfaces)]
    return {name: number for number, name in enumerate(names, start=1)}


def _meshio_mesh(
    domain: Domain, sampled: Sampled, tags: Mapping[str, int], file_format: str, tag_name: str
) -> meshio.Mesh:
    """Cells and boundary facets with their tags."""
    import meshio

    facets = np.concatenate(list(domain.surfaces.values()))
    surface_tags = np.repeat(
        [tags[f"surface {name}"] for name in domain.surfaces], [len(facets) for facets in domain.surfaces.values()]
    )
    tissue_tags = sampled.fractions.argmax(axis=1) + 1
    data = {tag_name: [tissue_tags.astype(np.int32), surface_tags.astype(np.int32)]}
    if file_format == "gmsh22":
        data["gmsh:geometrical"] = data[tag_name]
    if file_format in _WITH_SAMPLES:
        nothing = np.zeros(len(facets))
        data |= {name: [values, nothing] for name, values in _samples(sampled).items()}
    tissues, dimension = len(sampled.tissues), domain.cells.shape[1] - 1
    return meshio.Mesh(
        domain.points_in_space_mm,
        [(_SIMPLICES[dimension], domain.cells), (_SIMPLICES[dimension - 1], facets)],
        cell_data=data,
        field_data={
            name: np.array([number, dimension if number <= tissues else dimension - 1]) for name, number in tags.items()
        }
        if file_format == "gmsh22"
        else {},
        cell_sets=_cell_sets(tags, tissue_tags, surface_tags) if file_format == "abaqus" else {},
    )


def _samples(sampled: Sampled) -> dict[str, NDArray[np.float64]]:
    """What was sampled, as named arrays over the cells."""
    fractions = {f"fraction_{name}": sampled.fractions[:, column] for column, name in enumerate(sampled.tissues)}
    return fractions | {
        "unlabelled_fraction": sampled.unlabelled_fraction,
        "outside_fraction": sampled.outside_fraction,
        "lumen_fraction": sampled.lumen_fraction,
        "wall_area_mm2": sampled.wall_area_mm2,
    }


def _cell_sets(
    tags: Mapping[str, int], tissue_tags: NDArray[np.int64], surface_tags: NDArray[np.int64]
) -> dict[str, list[NDArray[np.int64]]]:
    """Tissues and surfaces as named sets of cells, one array for each block of cells."""
    return {
        name.replace(" ", "_"): [np.flatnonzero(values == number) for values in (tissue_tags, surface_tags)]
        for name, number in tags.items()
    }
