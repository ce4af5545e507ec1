# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a scenario to a patient and a mesh: everything about a plan that no program value touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from imagio_sim.anatomy.layers import Layers
from imagio_sim.anatomy.lesion import VirtualLesion
from imagio_sim.anatomy.model import CUT, Anatomy, HounsfieldRange, UnlabelledRule
from imagio_sim.anatomy.patient import read_patient
from imagio_sim.campaign.infusions.delivery import Delivered, delivered, delivery_support
from imagio_sim.campaign.patient_factors import (
    Floats,
    fluid_requests,
    label_request,
    perfusion_image,
    sampled_perfusion,
)
from imagio_sim.campaign.sonication.geometry import sonication_support
from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.errors import InputError, InputErrors
from imagio_sim.meshing.cut import IMAGE_BORDER, SKIN
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.meshing.naming import BOUNDARY
from imagio_sim.meshing.patient import mesh_patient
from imagio_sim.meshing.recipe import (
    AxisymmetricRecipe,
    MeshRecipe,
    Resolution,
    active_paths,
    reach_for,
    recipe_for,
    region_for,
)
from imagio_sim.meshing.region import RegionShape
from imagio_sim.plan import Scenario, input_files, placed_applicators
from imagio_sim.plan.layers import Slabs
from imagio_sim.plan.model import nearest
from imagio_sim.plan.patient import ByHounsfield, Cut
from imagio_sim.plan.placement import target_in_lps
from imagio_sim.plan.target import EllipsoidTarget, LabelTarget, SphereTarget

LOWEST_HU, HIGHEST_HU = -1.0e5, 1.0e5
"""Open ends of the first and the last rule by CT number."""


@dataclass(frozen=True, eq=False)
class StageGeometry:
    """The mesh of one stage, what was sampled onto it, and its applicators.

    ``perfusion`` is the mean of the perfusion image in each cell (m,), nan beyond the image; None without one.
    ``anatomy`` is whom it was sampled from, for what is computed on voxels; ``delivered`` is where the infusions of the
    plan go in it.
    """

    applicators: tuple[PlacedApplicator, ...]
    domain: Domain
    sampled: Sampled
    mesh_seconds: float
    warnings: tuple[str, ...]
    perfusion: Floats | None = None
    anatomy: Anatomy | None = None
    delivered: tuple[Delivered, ...] = ()


def read_anatomy(scenario: Scenario) -> Anatomy:
    """Read and check the patient of a scenario."""
    files, patient = input_files(scenario), scenario.patient
    requests = [
        label_request(entry, files[f"patient.labels[{number}].file"]) for number, entry in enumerate(patient.labels)
    ]
    anatomy = read_patient(
        requests,
        image_path=files.get("patient.image"),
        pack=patient.organ_pack,
        overrides=dict(patient.tissues),
        unlabelled=_unlabelled_rule(scenario),
        outside=CUT if isinstance(patient.outside, Cut) else patient.outside,
        target=_target(scenario),
        where=f"{scenario.origin}: patient",
        perfusion=perfusion_image(scenario, files),
        fluids=fluid_requests(scenario, files),
        substitutes=patient.substitutes,
    )
    _require_structures(scenario, anatomy)
    return anatomy


def _require_structures(scenario: Scenario, anatomy: Anatomy) -> None:
    """Refuse critical structures whose labels the patient does not have."""
    known = [name for number, name in anatomy.labels.names.items() if (anatomy.labels.labels == number).any()]
    missing = [
        InputError(
            f"{scenario.origin}: critical_structures[{number}]",
            found=f"label {label!r}",
            allowed=f"one of {', '.join(known)}",
            remedy=nearest(label, known, "imagio anatomy FILE lists the labels"),
        )
        for number, structure in enumerate(scenario.critical_structures)
        for label in structure.all_labels
        if label not in known
    ]
    if missing:
        raise InputErrors(missing)


def _unlabelled_rule(scenario: Scenario) -> UnlabelledRule:
    rule, layers = scenario.patient.unlabelled, scenario.patient.layers
    if layers is not None:
        return Layers("height" if isinstance(layers, Slabs) else "radius", layers.limits, layers.tissues)
    if not isinstance(rule, ByHounsfield):
        return rule
    limits = [LOWEST_HU, *(one.below for one in rule.by_hu if one.below is not None), HIGHEST_HU]
    return tuple(
        HounsfieldRange(low, high, one.tissue) for low, high, one in zip(limits, limits[1:], rule.by_hu, strict=False)
    )


def _target(scenario: Scenario) -> str | VirtualLesion | None:
    target, placed = scenario.target, target_in_lps(scenario)
    if target is None:
        return None
    if isinstance(target, LabelTarget):
        return target.label
    assert placed is not None
    tissue = target.sphere.tissue if isinstance(target, SphereTarget) else target.ellipsoid.tissue
    assert isinstance(target, SphereTarget | EllipsoidTarget)
    return VirtualLesion(*placed, tissue)


def mesh_recipe(
    scenario: Scenario,
    plan_name: str,
    anatomy: Anatomy,
    *,
    stage: int,
    resolution: Resolution,
    size_factor: float = 1.0,
    region_factor: float = 1.0,
) -> MeshRecipe:
    """The recipe of a stage's mesh; all stages of a plan share the region and its fine part."""
    plan = scenario.plan(plan_name)
    everyone = placed_applicators(scenario, plan_name)
    devices = [one for each in plan.stages for one in each.applicators]
    reach = max(
        (
            reach_for(one.of_library.applicator(one.deployment), largest_zone_mm=one.of_library.largest_zone.value)
            for one in devices
        ),
        default=0.0,
    )
    target = anatomy.target_surface()
    points = np.empty((0, 3)) if target is None else np.asarray(target.points_mm)
    region: dict[str, Any] = {"shape": _region_shape(scenario), "margin_mm": scenario.region.margin}
    sounded = sonication_support(scenario, plan_name, anatomy)
    region["support"] = sounded.with_(delivery_support(scenario, plan_name, anatomy))
    here = placed_applicators(scenario, plan_name, stage)
    with _refusals_located(f"{scenario.origin}: plans.{plan_name}"):
        own = recipe_for(
            here if target is not None else here or everyone,
            points,
            reach_mm=reach,
            resolution=resolution,
            size_factor=size_factor,
            region_factor=region_factor,
            **region,
        )
    if len(plan.stages) == 1:
        return own
    common = region_for(everyone, points, reach_mm=reach, factor=region_factor, **region)
    rods = own.rods if here else ()
    focus = active_paths(everyone, reach_mm=reach) or own.focus_mm
    return replace(own, region=common, focus_mm=focus, rods=rods)


def _region_shape(scenario: Scenario) -> RegionShape:
    """The shape asked for; in a half plane always a sphere, which is a body of revolution whatever it holds."""
    return "sphere" if scenario.solver.geometry == "axisymmetric" else scenario.region.shape or "auto"


def as_solved(scenario: Scenario, recipe: MeshRecipe) -> MeshRecipe | AxisymmetricRecipe:
    """The recipe in the geometry in which the scenario is solved; heights in a half plane are the patient's z."""
    if scenario.solver.geometry != "axisymmetric":
        return recipe
    return AxisymmetricRecipe(recipe, tip_height_mm=recipe.rods[0].path_mm[0][2] if recipe.rods else 0.0)


@contextmanager
def _refusals_located(place: str) -> Iterator[None]:
    """Say in which plan of which file an applicator is refused; meshing knows only its name."""
    try:
        yield
    except InputError as error:
        raise InputError(
            f"{place}: {error.where}", found=error.found, allowed=error.allowed, remedy=error.remedy
        ) from error


def stage_geometry(
    scenario: Scenario,
    plan_name: str,
    anatomy: Anatomy,
    *,
    stage: int,
    resolution: Resolution,
    size_factor: float = 1.0,
    region_factor: float = 1.0,
    on_progress: Callable[[str], None] | None = None,
) -> StageGeometry:
    """Mesh one stage (from the cache where it has been meshed before) and sample the patient onto its cells."""
    recipe = mesh_recipe(
        scenario,
        plan_name,
        anatomy,
        stage=stage,
        resolution=resolution,
        size_factor=size_factor,
        region_factor=region_factor,
    )
    with _refusals_located(f"{scenario.origin}: plans.{plan_name}"):
        made = mesh_patient(as_solved(scenario, recipe), anatomy, on_progress=on_progress)
    domain, outside = made.domain, scenario.patient.outside
    if isinstance(outside, Cut):
        domain = _with_border(domain, outside)
    _require_boundary(scenario, domain)
    applicators = placed_applicators(scenario, plan_name, stage)
    perfusion = sampled_perfusion(domain, anatomy)
    sampled = all_known(made.sampled) if scenario.patient.is_phantom else made.sampled
    going = delivered(scenario, plan_name, anatomy)
    return StageGeometry(applicators, domain, sampled, made.seconds, made.warnings, perfusion, anatomy, going)


def all_known(sampled: Sampled) -> Sampled:
    """The samples of a phantom: nothing of it is unknown, though nothing of it has a label."""
    nothing = np.zeros(len(sampled.fractions))
    return replace(sampled, unlabelled_fraction=nothing, outside_fraction=nothing)


def _require_boundary(scenario: Scenario, domain: Domain) -> None:
    """Refuse a patient cut away so far that no tissue beyond the region is left to take current and heat."""
    if not len(domain.surfaces.get(BOUNDARY, ())):
        raise InputError(
            f"{scenario.origin}: patient.outside",
            found="a patient who ends within the region on all sides",
            allowed="tissue beyond the region on at least one side",
            remedy="name the tissue that follows where the image ends, or write {cut: body_temperature}",
        )


def _with_border(domain: Domain, cut: Cut) -> Domain:
    """The image's border as what the scenario says it is: no flux, body temperature, or skin."""
    if IMAGE_BORDER not in domain.surfaces or cut.cut == "insulated":
        return domain
    name = BOUNDARY if cut.cut == "body_temperature" else SKIN
    surfaces = dict(domain.surfaces)
    border = surfaces.pop(IMAGE_BORDER)
    surfaces[name] = np.concatenate([surfaces[name], border]) if name in surfaces else border
    return replace(domain, surfaces=surfaces)
