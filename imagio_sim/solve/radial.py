# SPDX-License-Identifier: LGPL-3.0-or-later
"""Diffusion along a radius through layers: linear elements with the weight of a sphere or a cylinder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from imagio_sim.physics.bead import Shape, radial_weight
from imagio_sim.physics.transport import diffusion

Floats = NDArray[np.float64]

GRADING = 1.6
"""Power by which elements are smaller at the surface that drug passes."""
TOLERANCE = 1e-6
"""To which steps of time are accurate, relative to what there is."""


@dataclass(frozen=True, eq=False)
class RadialLayer:
    """A layer of one material.

    Attributes
    ----------
    radii
        Of its nodes (n,) [m], rising.
    storage
        Amount per volume and concentration.
    conductance
        Flux per gradient of the concentration [m2/s].
    """

    radii: Floats
    storage: float
    conductance: float


@dataclass(frozen=True, eq=False)
class RadialOperators:
    """Layers on nodes (m,), of which neighbours share the one between them.

    Attributes
    ----------
    radii
        (m,) [m].
    volumes
        Of each layer (layers, m), shared out to its nodes [m3, or m2 of a cylinder].
    storage
        Amount per concentration (m,), of all layers.
    stiffness
        Flux out of the nodes per concentration (m, m), sparse.
    """

    radii: Floats
    volumes: Floats
    storage: Floats
    stiffness: Any


def radial_operators(layers: Sequence[RadialLayer], shape: Shape) -> RadialOperators:
    """Assemble layers that follow each other."""
    starts = np.concatenate([[0], np.cumsum([len(layer.radii) - 1 for layer in layers])]).astype(int)
    count = int(starts[-1]) + 1
    radii, volumes, stiffness = np.empty(count), np.zeros((len(layers), count)), sparse.csr_matrix((count, count))
    for number, (layer, start) in enumerate(zip(layers, starts, strict=False)):
        nodes = slice(int(start), int(start) + len(layer.radii))
        radii[nodes] = layer.radii
        volumes[number, nodes], own = _assembled(layer, shape)
        place = sparse.eye(count, format="csr")[:, nodes]
        stiffness = stiffness + place @ own @ place.T
    storage = np.array([layer.storage for layer in layers]) @ volumes
    return RadialOperators(radii, volumes, storage, sparse.csr_matrix(stiffness))


def _assembled(layer: RadialLayer, shape: Shape) -> tuple[Floats, Any]:
    """Lumped volumes (n,) and conductance matrix (n, n) of a layer."""
    import basix.ufl
    import ufl
    from dolfinx import fem, mesh
    from mpi4py import MPI

    interval = basix.ufl.element("Lagrange", "interval", 1, shape=(1,))
    cells = np.column_stack([np.arange(len(layer.radii) - 1), np.arange(1, len(layer.radii))])
    line = mesh.create_mesh(MPI.COMM_SELF, cells, layer.radii[:, None], ufl.Mesh(interval))
    space = fem.functionspace(line, ("Lagrange", 1))
    trial, test = ufl.TrialFunction(space), ufl.TestFunction(space)
    weight = radial_weight(ufl.SpatialCoordinate(line)[0], shape)
    # degree 3: the weight is quadratic and the test function linear
    measure = ufl.dx(metadata={"quadrature_degree": 3})
    volumes = fem.assemble_vector(fem.form(weight * test * measure)).array
    flux = diffusion(trial, test, volume_fraction=1.0, diffusivity=1.0, weight=weight)
    matrix = fem.assemble_matrix(fem.form(flux * measure)).to_scipy()
    order = np.argsort(space.tabulate_dof_coordinates()[:, 0])
    return volumes[order], layer.conductance * sparse.csr_matrix(matrix)[order][:, order]
