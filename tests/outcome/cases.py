# SPDX-License-Identifier: LGPL-3.0-or-later
"""A complete made-up case: a ball-shaped zone about a needle in a labelled cube of 60 mm."""

from __future__ import annotations

from functools import cache

import numpy as np

from imagio_sim.anatomy.volume import Grid, LabelVolume
from imagio_sim.devices.applicator import PlacedApplicator, Rod, Section
from imagio_sim.meshing.domain import Domain, Sampled
from imagio_sim.outcome.assessment import Assessment, Fields, assess
from imagio_sim.outcome.patient import Patient
from imagio_sim.outcome.result import Result
from imagio_sim.outcome.structures import ExtremeFields
from tests.outcome.meshes import cube, sphere

NAMES = {1: "liver", 2: "portal_vein", 3: "rib", 4: "tumour"}
ROLES = {"liver": "organ", "portal_vein": "vessel", "rib": "bone", "tumour": "tumour"}


def labels() -> LabelVolume:
    """Liver in a cube of 60 mm with a vein along y, a rib in the way of the needle and a tumour."""
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -30.0
    numbers = np.ones((61, 61, 61), dtype=np.int32)
    x, _, z = np.indices(numbers.shape) - 30
    numbers[np.hypot(x - 17, z) < 3] = 2
    numbers[(np.abs(x) < 3) & (np.abs(z - 22) < 2)] = 3
    numbers[np.linalg.norm(np.indices(numbers.shape) - 30, axis=0) < 9] = 4
    numbers[:, :, 58:] = 0
    return LabelVolume(numbers, Grid((61, 61, 61), affine), NAMES)


def needle() -> PlacedApplicator:
    """A straight electrode from above with its tip 12 mm beyond the middle."""
    section = Section("tip", 0.0, 30.0, conductor="active")
    rod = Rod("shaft", ((0.0, 0.0, -12.0), (0.0, 0.0, 40.0)), 0.75, "cone", 2.0, (section,))
    return PlacedApplicator("needle", "a device", (rod,), (0.0, 0.0, 40.0), (0.0, 0.0, -12.0))


def sampled(domain: Domain) -> Sampled:
    """Liver everywhere, half of it without a label where x < -10 mm."""
    count = len(domain.cells)
    left = domain.points_mm[domain.cells].mean(axis=1)[:, 0] < -10
    zero = np.zeros(count)
    return Sampled(("liver",), np.ones((count, 1)), np.where(left, 0.5, 0.0), zero, zero, zero)


@cache
def assessment(radius_mm: float = 15.0) -> Assessment:
    """Two death models, the deciding one a ball of the given radius."""
    domain, locator = cube()
    distance = np.linalg.norm(domain.points_mm, axis=1)
    extremes = ExtremeFields(37.0, peak_temperature=37.0 + 60.0 * np.exp(-((distance / 12.0) ** 2)))
    fields = Fields({"arrhenius": radius_mm - distance, "cem43": radius_mm - 2.0 - distance}, "arrhenius", extremes)
    patient = Patient(
        target=sphere(9.0),
        capsule=None,
        structures={
            "portal vein": {"portal_vein": sphere(3.0, (17.0, 0.0, 0.0))},
            "far": {"far": sphere(3.0, (90.0, 0, 0))},
        },
        labels=labels(),
        roles=ROLES,
    )
    return assess(domain, sampled(domain), locator, fields, patient, [needle()])


def result(radius_mm: float = 15.0, plan: str = "A") -> Result:
    """A complete result of the case."""
    made: Result = {
        "schema": 1,
        "status": "complete",
        "plan": plan,
        "modalities": ["rf"],
        "warnings": [],
        "versions": {"imagio-sim": "0.1.0"},
        "inputs": {"ct.nii.gz": "0" * 64},
        "energy": {
            "source_J": 36000.0,
            "stored_J": 20000.0,
            "lost_J": 15900.0,
            "far_field_J": 4000.0,
            "withheld_J": 0.0,
            "balance_error": 100 / 36000,
        },
        "mesh": {"nodes": 35937, "cells": 224271, "minimum_quality": 0.1},
        "timing": {"mesh_s": 5.0, "solve_s": 30.0, "total_s": 36.0},
        "treatment_time_s": 720.0,
        "solver": {"heat_steps": 120, "relative_tolerance": 1e-3},
    }
    assessment(radius_mm).add_to(made)
    return made
