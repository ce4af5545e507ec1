# SPDX-License-Identifier: LGPL-3.0-or-later
"""Antennas and lines made for tests."""

import numpy as np

from imagio_sim.meshing.antenna import (
    AXIS,
    METAL,
    OUTER,
    PORT,
    AntennaMesh,
    AntennaPart,
    AntennaRecipe,
    AntennaSizes,
    FeedPort,
)
from imagio_sim.physics.microwave import VACUUM_PERMITTIVITY
from imagio_sim.solve.microwave_field import Complexes

FREQUENCY = 2.45e9
INNER_MM, OUTER_MM, DIELECTRIC = 0.135, 0.47, 2.03
LINE = FeedPort(0.0, INNER_MM, OUTER_MM, DIELECTRIC)


def lossy(permittivity: float, conductivity: float, frequency: float = FREQUENCY) -> complex:
    """Complex relative permittivity for a conductivity [S/m]."""
    return permittivity - 1j * conductivity / (2.0 * np.pi * frequency * VACUUM_PERMITTIVITY)


def coaxial_line(length_mm: float, cells: int, *, end: str, across: int = 3) -> AntennaMesh:
    """A piece of coaxial line from its far end at z = -length to the port at z = 0, ``end`` metal or outer there.

    Cells are regular; those beyond half the length are of the material ``far``.
    """
    r, z = np.linspace(INNER_MM, OUTER_MM, across + 1), np.linspace(-length_mm, 0.0, cells + 1)
    points = np.stack(np.meshgrid(r, z, indexing="ij"), axis=-1).reshape(-1, 2)
    number = np.arange(len(points)).reshape(across + 1, cells + 1)
    lower = np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:]], axis=-1).reshape(-1, 3)
    upper = np.stack([number[:-1, :-1], number[1:, 1:], number[:-1, 1:]], axis=-1).reshape(-1, 3)
    triangles = np.concatenate([lower, upper])

    def chain(nodes: np.ndarray) -> np.ndarray:
        return np.column_stack([nodes[:-1], nodes[1:]])

    ends = {METAL: np.empty((0, 2), int), OUTER: np.empty((0, 2), int)} | {end: chain(number[:, 0])}
    walls = np.concatenate([chain(number[0]), chain(number[-1])])
    surfaces = {AXIS: np.empty((0, 2), int), PORT: chain(number[:, -1]), OUTER: ends[OUTER]}
    surfaces[METAL] = np.concatenate([walls, ends[METAL]])
    far = points[triangles].mean(axis=1)[:, 1] < -0.5 * length_mm
    return AntennaMesh(points, triangles, far.astype(int), ("tissue", "far"), surfaces)


def box(material: str, inner: float, outer: float, low: float, high: float) -> AntennaPart:
    """A part between two radii and two heights."""
    return AntennaPart(material, ((inner, low), (outer, low), (outer, high), (inner, high)))


def single_slot(
    *, radius_mm: float = 60.0, sizes: AntennaSizes | None = None, reach_mm: float = 25.0, frequency: float = FREQUENCY
) -> AntennaRecipe:
    """The published benchmark: slot of 1 mm, 5 mm from the short circuit at the tip, in a catheter of 0.895 mm."""
    hub, port = 2.0 * radius_mm + 50.0, 17.0
    surface = ((0.0, 0.0), (0.895, 0.5), (0.895, hub), (0.0, hub))
    parts = (
        AntennaPart("catheter", surface),
        box(METAL, 0.0, 0.595, 0.5, hub),
        box("line", INNER_MM, OUTER_MM, 0.625, port),
        box("air", OUTER_MM, 0.595, 6.0, 7.0),
    )
    rims = tuple((r, z) for r in (OUTER_MM, 0.595) for z in (6.0, 7.0))
    feed = FeedPort(port, INNER_MM, OUTER_MM, DIELECTRIC)
    return AntennaRecipe(surface, parts, feed, 6.5, radius_mm, rims, reach_mm, sizes or AntennaSizes())


def filled(mesh: AntennaMesh, **permittivity: complex) -> Complexes:
    """Permittivity (m,) of the cells from that of each material; those of the benchmark where it is not given."""
    known: dict[str, complex] = {"tissue": lossy(43.03, 1.69), "catheter": 2.6, "line": DIELECTRIC, "air": 1.0}
    known |= permittivity
    return np.array([known[name] for name in mesh.materials], complex)[mesh.material]
