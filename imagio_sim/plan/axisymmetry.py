# SPDX-License-Identifier: LGPL-3.0-or-later
"""What keeps a scenario from being solved in the half plane of radius and height about the z axis."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.plan.model import Fault, fault
from imagio_sim.plan.placement import placed_in_stage
from imagio_sim.plan.scenario import PadGround, Scenario
from imagio_sim.plan.target import EllipsoidTarget, LabelTarget, SphereTarget

ON_AXIS_MM = 0.01
"""What lies closer to the z axis than this [mm] lies on it."""
REMEDY = "or leave out solver.geometry for a three-dimensional run"


def axisymmetry_faults(scenario: Scenario) -> Iterator[Fault]:
    """Everything in an axisymmetric scenario that is not a body of revolution about the z axis."""
    if scenario.solver.geometry != "axisymmetric":
        return
    yield from _patient_faults(scenario)
    yield from _target_faults(scenario)
    if isinstance(scenario.ground, PadGround):
        yield _refused("ground", "pad", found="a pad", allowed="remote")
    if scenario.region.shape not in (None, "sphere"):
        yield _refused("region", "shape", found=str(scenario.region.shape), allowed="sphere")
    for name, plan in scenario.plans.items():
        for stage, own in enumerate(plan.stages):
            path = ("plans", name, "stages", stage, "applicators")
            for index, infusion in enumerate(own.infusions):
                if infusion.into_artery is not None:
                    place = (*path[:-1], "infusions", index)
                    yield _refused(*place, found=f"an infusion into an artery, {infusion.kind}", allowed="none")
            if len(own.applicators) > 1:
                yield _refused(*path, found=f"{len(own.applicators)} applicators", allowed="one in a stage")
                continue
            for placed in placed_in_stage(plan, stage, scenario.frame, scenario.base):
                yield from (found.below(*path, 0) for found in _applicator_faults(placed))


def _refused(*path: str | int, found: str, allowed: str) -> Fault:
    return fault(
        *path, found=found, allowed=f"{allowed} (solver.geometry: axisymmetric)", remedy=f"change it, {REMEDY}"
    )


def _patient_faults(scenario: Scenario) -> Iterator[Fault]:
    patient = scenario.patient
    parts = {"image": patient.image, "labels": patient.labels, "fluids": patient.fluids, "vessels": patient.vessels}
    for key, given in (parts | {"perfusion": patient.perfusion}).items():
        if given:
            yield _refused("patient", key, found=f"a patient with {key}", allowed="a phantom of tissues alone")
    if patient.is_phantom and patient.layers is None and patient.unlabelled != patient.outside:
        allowed = f"the tissue of unlabelled, {patient.unlabelled}, or layers"
        yield _refused("patient", "outside", found=str(patient.outside), allowed=allowed)


def _target_faults(scenario: Scenario) -> Iterator[Fault]:
    target = scenario.target
    if isinstance(target, LabelTarget):
        yield _refused("target", "label", found=f"label {target.label!r}", allowed="a sphere on the z axis, or none")
    elif isinstance(target, SphereTarget) and np.hypot(*target.sphere.centre[:2]) > ON_AXIS_MM:
        found = f"a centre {np.hypot(*target.sphere.centre[:2]):.1f} mm off the z axis"
        yield _refused("target", "sphere", "centre", found=found, allowed="[0, 0, z]")
    elif isinstance(target, EllipsoidTarget):
        ellipsoid = target.ellipsoid
        if np.hypot(*ellipsoid.centre[:2]) > ON_AXIS_MM:
            found = f"a centre {np.hypot(*ellipsoid.centre[:2]):.1f} mm off the z axis"
            yield _refused("target", "ellipsoid", "centre", found=found, allowed="[0, 0, z]")
        if ellipsoid.semi_axes[0] != ellipsoid.semi_axes[1]:
            found = f"{ellipsoid.semi_axes[0]:g} mm by {ellipsoid.semi_axes[1]:g} mm across the z axis"
            yield _refused("target", "ellipsoid", "semi_axes", found=found, allowed="a round ellipsoid")


def _applicator_faults(placed: PlacedApplicator) -> Iterator[Fault]:
    entry, tip = np.array(placed.entry_mm), np.array(placed.tip_mm)
    if len(placed.rods) != 1:
        found = f"{placed.device}, which has {len(placed.rods)} rods" if placed.rods else f"{placed.device}, no needle"
        yield _refused("device", found=found, allowed="one straight needle")
    elif max(np.hypot(*entry[:2]), np.hypot(*tip[:2])) > ON_AXIS_MM:
        found = "a tilted applicator" if np.hypot(*(entry - tip)[:2]) > ON_AXIS_MM else "an applicator off the z axis"
        yield _refused("entry", found=found, allowed="entry [0, 0, z] and tip [0, 0, z]")
    elif entry[2] < tip[2]:
        yield _refused("entry", found="an entry below the tip", allowed="an entry at a greater z than the tip")
