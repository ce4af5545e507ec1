# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a recipe and a patient to the mesh that is solved on: mesh, samples, cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imagio_sim.anatomy.model import CUT
from imagio_sim.meshing.cache import cached_domain
from imagio_sim.meshing.cut import cut_air, cut_outside
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.recipe import AxisymmetricRecipe, MeshRecipe
from imagio_sim.meshing.sample import TissueSampler, sample


@dataclass(frozen=True, eq=False)
class PatientMesh:
    """The mesh of a patient, what was sampled onto it, and how it came about.

    ``seconds`` is the time [s] that the mesh itself took, without sampling.
    """

    domain: Domain
    sampled: Sampled
    seconds: float
    from_cache: bool
    warnings: tuple[str, ...]


def mesh_patient(
    recipe: MeshRecipe | AxisymmetricRecipe, anatomy: TissueSampler, *, on_progress: Callable[[str], None] | None = None
) -> PatientMesh:
    """Mesh a recipe (or take the mesh from the cache) and sample the patient onto it.

    Air is cut away, and so is what lies beyond the image where the scenario says ``outside: cut``.
    """
    made = cached_domain(recipe, on_progress=on_progress)
    if on_progress is not None:
        on_progress("sampling tissues")
    domain, sampled = made.domain, sample(made.domain, anatomy)
    if anatomy.outside == CUT:
        domain, sampled = cut_outside(domain, sampled)
    domain, sampled = cut_air(domain, sampled)
    warnings = () if made.warning is None else (made.warning,)
    return PatientMesh(domain, sampled, made.seconds, made.from_cache, warnings)
