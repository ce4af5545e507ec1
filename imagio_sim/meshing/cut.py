# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cutting away what is not tissue: air around the patient, and what lies beyond the image where a scenario says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import InputError
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.naming import AXIS, BOUNDARY, SHAFT
from imagio_sim.meshing.quality import signed_inverse_condition_number
from imagio_sim.meshing.topology import boundary_facets, facet_keys, neighbours, without_unused_nodes

SKIN = "skin"
IMAGE_BORDER = "image_border"

# A cell goes when more than this share of it is air, or beyond the image.
_MOSTLY = 0.5


def cut_air(domain: Domain, sampled: Sampled, *, air: str = "air") -> tuple[Domain, Sampled]:
    """Remove cells that are mostly air; what comes to light is the surface ``skin``.

    Air left in the cells that stay is replaced by their own tissue. The skin is made of whole facets, which zigzag: its
    area is larger than that of the smooth skin, 1.7 times in the test of this function.
    """
    if air not in sampled.tissues:
        return domain, sampled
    column = sampled.tissues.index(air)
    kept_domain, kept = _without(domain, sampled, sampled.fractions[:, column] > _MOSTLY, SKIN)
    fractions = np.delete(kept.fractions, column, axis=1)
    tissues = tuple(name for name in kept.tissues if name != air)
    return kept_domain, replace(kept, tissues=tissues, fractions=fractions / fractions.sum(axis=1, keepdims=True))


def cut_outside(domain: Domain, sampled: Sampled) -> tuple[Domain, Sampled]:
    """Remove cells that lie mostly beyond the image; what comes to light is the surface ``image_border``."""
    return _without(domain, sampled, sampled.outside_fraction > _MOSTLY, IMAGE_BORDER)


def _without(domain: Domain, sampled: Sampled, dropped: NDArray[np.bool_], name: str) -> tuple[Domain, Sampled]:
    """Domain and samples without some cells and what they cut off; new boundary facets carry the name."""
    if not dropped.any():
        return domain, sampled
    kept = _largest_component(domain, ~dropped)
    points, cells, renumbered = without_unused_nodes(domain.points_mm, domain.cells[kept])
    facets, _ = boundary_facets(cells)
    surfaces = _surviving(domain, renumbered, facets, len(points))
    named = np.concatenate([facet_keys(old, len(points)) for old in surfaces.values()] or [np.empty(0, dtype=np.int64)])
    fresh = facets[~np.isin(facet_keys(facets, len(points)), named)]
    surfaces[name] = np.concatenate([surfaces[name], fresh]) if name in surfaces else fresh
    quality = float(signed_inverse_condition_number(points, cells).min())
    return replace(domain, points_mm=points, cells=cells, surfaces=surfaces, minimum_quality=quality), sampled_on(
        sampled, kept
    )


def sampled_on(sampled: Sampled, kept: NDArray[np.int64]) -> Sampled:
    """The samples of some of the cells."""
    return Sampled(
        tissues=sampled.tissues,
        fractions=sampled.fractions[kept],
        unlabelled_fraction=sampled.unlabelled_fraction[kept],
        outside_fraction=sampled.outside_fraction[kept],
        wall_area_mm2=sampled.wall_area_mm2[kept],
        lumen_fraction=sampled.lumen_fraction[kept],
        vessel_shares={name: share[kept] for name, share in sampled.vessel_shares.items()},
    )


def _largest_component(domain: Domain, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Numbers of the wanted cells that hang together by facets in the largest volume."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    across = neighbours(domain.cells)
    here = np.repeat(np.arange(len(across)), across.shape[1])
    there = across.ravel()
    linked = (there >= 0) & wanted[here] & wanted[np.maximum(there, 0)]
    ends = (here[linked], there[linked])
    graph = coo_matrix((np.ones(len(ends[0]), dtype=bool), ends), shape=(len(across), len(across)))
    _, component = connected_components(graph, directed=False)
    volumes = np.bincount(component, weights=np.where(wanted, domain.cell_volumes_mm3, 0.0))
    return np.flatnonzero(component == volumes.argmax())


def _surviving(
    domain: Domain, renumbered: NDArray[np.int64], facets: NDArray[np.int64], node_count: int
) -> dict[str, NDArray[np.int64]]:
    """What is left of the named surfaces, in new node numbers; refuses electrodes that are gone."""
    exposed = facet_keys(facets, node_count)
    surfaces = {}
    for name, old in domain.surfaces.items():
        moved = renumbered[old]
        moved = moved[np.all(moved >= 0, axis=1)]
        left = moved[np.isin(facet_keys(moved, node_count), exposed)]
        if len(left):
            surfaces[name] = left
        elif name not in (BOUNDARY, AXIS, SKIN, IMAGE_BORDER) and not name.endswith(f".{SHAFT}"):
            raise InputError(
                f"applicator section {name}",
                found="a place wholly in air or beyond the image",
                allowed="active sections within the patient",
                remedy="check entry, tip and their frame, or what the scenario says of unlabelled and outside tissue",
            )
    return surfaces
