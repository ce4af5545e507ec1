# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the radio-embolisations of a plan do: their part of the result, and the dose as an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import fsum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

import imagio_sim
from imagio_sim.anatomy.dicom_series import find_series
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.infusions.absorbed_dose import InfusionDose, densities, infusion_doses
from imagio_sim.delivery.dose import VoxelDose
from imagio_sim.delivery.working_grid import grid_over, held_on
from imagio_sim.export.dicom_map import ABSORBED_DOSE, write_dicom_map
from imagio_sim.export.nifti import write_field_nifti
from imagio_sim.outcome.dose import (
    PLANNED_DOSE_GY,
    Compartments,
    DoseField,
    MakeDose,
    Radiosensitivity,
    SourceDose,
    Structure,
    planning,
    structure_dose,
    tumour_control,
)
from imagio_sim.outcome.result import (
    ActivityResult,
    DoseResult,
    LungDoseResult,
    PlanningResult,
    StructureDoseResult,
    TumourControlResult,
)
from imagio_sim.physics.radiation import decayed_share
from imagio_sim.plan import Scenario
from imagio_sim.tissue.death import DECIDING, RADIATION
from imagio_sim.tissue.value import Value

Floats = NDArray[np.float64]

DOSE_FILE = "dose.nii.gz"
"""Dose by kernel when all has decayed, on the segmentation's grid."""
DOSE_MAP = "dose.dcm"
"""The same as DICOM Parametric Map."""
LUNG_MASS = "lung_mass"

_GBQ = 1e9
# Closer to the one given than this share, the activity of an image is the same but for rounding.
_ROUNDING = 1e-3


def assess_dose(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> DoseResult | None:
    """The dose of a plan's radio-embolisations together; None without any."""
    given = infusion_doses(scenario, plan_name, anatomy)
    if not given:
        return None
    timeline = scenario.plan(plan_name).timeline
    grid = grid_over([one.dose.grid for one in given])
    fields = _fields(given, [timeline[one.delivered.stage].begin for one in given], grid)
    lung_mass = scenario.law_constants()[LUNG_MASS]
    end = timeline[-1].next_begin
    return {
        "structures": _structures(scenario, given, fields, densities(scenario, anatomy, grid), grid),
        "lungs": _lungs(given, lung_mass),
        "tumour_control": _control(given, fields["kernel"], grid),
        "activity": {one.name: _activity(one, end - timeline[one.delivered.stage].begin) for one in given},
        "planning": {one.name: _planning(one, lung_mass.value) for one in given},
    }


def dose_warnings(scenario: Scenario, plan_name: str, anatomy: Anatomy) -> list[str]:
    """What a planner has to know of the activities: every image that holds another one than the plan gives."""
    return [
        f"{one.name}: the image holds {one.activity / _GBQ:.4g} GBq (lungs included), the plan gives "
        f"{one.infusion.activity:.4g} GBq ({100.0 * more:+.1f} %); doses are those of the image"
        for one in infusion_doses(scenario, plan_name, anatomy)
        if abs(more := one.activity / (one.infusion.activity * _GBQ) - 1.0) > _ROUNDING
    ]


def write_dose(
    folder: Path, scenario: Scenario, plan_name: str, anatomy: Anatomy, labels_file: Path | None, series: Path | None
) -> tuple[str, ...]:
    """Write the dose where a plan gives any, also as DICOM where there is a series; why that was not written.

    Parameters
    ----------
    labels_file, series
        First file of the segmentation, and folder of the DICOM series, where the patient has them.
    """
    given = infusion_doses(scenario, plan_name, anatomy)
    if not given:
        return ()
    grid = anatomy.labels.grid
    dose = np.sum([on_grid(one.dose.kernel, one.dose.grid, grid) for one in given], axis=0)
    source = labels_file if labels_file is not None and labels_file.name.endswith((".nii", ".nii.gz")) else None
    write_field_nifti(folder / DOSE_FILE, dose.astype(np.float32), grid, source)
    if series is None:
        return ()
    files, version = find_series(series).files, imagio_sim.__version__
    reason = write_dicom_map(folder / DOSE_MAP, dose, grid, files, ABSORBED_DOSE, plan=plan_name, version=version)
    return () if reason is None else (f"{DOSE_MAP} was not written: {reason}",)


def on_grid(values: Floats, source: Grid, target: Grid) -> Floats:
    """Voxel values (i, j, k) at the voxel centres of another grid, linearly; 0 beyond their own."""
    if source.matches(target):
        return values
    found = np.zeros(target.shape)
    lower, upper = target.voxels_around(source.bounds_mm)
    part = target.part(lower, upper)
    index = source.to_index(part.to_lps(np.indices(part.shape).reshape(3, -1).T.astype(float)))
    read = map_coordinates(values, index.T, order=1, mode="constant", cval=0.0).reshape(part.shape)
    found[tuple(slice(first, last) for first, last in zip(lower, upper, strict=True))] = read
    return found


def _fields(given: Sequence[InfusionDose], begins: Sequence[float], grid: Grid) -> dict[str, DoseField]:
    """Doses of all infusions, given at some times [s], on a grid that holds all: by kernel and by local deposition."""

    def field(method: Callable[[VoxelDose], Floats]) -> DoseField:
        return DoseField(
            tuple(
                SourceDose(
                    held_on(method(one.dose), one.dose.grid, grid), one.microspheres.nuclide.decay_constant, begin
                )
                for one, begin in zip(given, begins, strict=True)
            )
        )

    return {"kernel": field(lambda dose: dose.kernel), "local": field(lambda dose: dose.local)}


def _control(given: Sequence[InfusionDose], kernel: DoseField, grid: Grid) -> TumourControlResult | None:
    """Of the target, by the parameters of each make of microspheres; None without a target."""
    inside = _union([one.delivered.target.astype(float) for one in given], given, grid) > 0.0
    if not inside.any():
        return None
    makes = {one.microspheres.name: one.microspheres for one in given}
    doses = {
        name: np.sum(
            [part.dose[inside] for one, part in zip(given, kernel.parts, strict=True) if one.microspheres.name == name],
            axis=0,
        )
        for name in makes
    }
    parts = [
        MakeDose(name, doses[name], make.values["half_control_dose"], make.values["control_slope"])
        for name, make in makes.items()
    ]
    return tumour_control(parts, np.ones(int(inside.sum())))


def _structures(
    scenario: Scenario,
    given: Sequence[InfusionDose],
    fields: Mapping[str, DoseField],
    density: Floats,
    grid: Grid,
) -> dict[str, StructureDoseResult]:
    """Figures of the target, of what is reached, and of the organs, on a grid that holds what all infusions reach."""
    target = _union([one.delivered.target.astype(float) for one in given], given, grid)
    organ = _union([one.delivered.organ.astype(float) for one in given], given, grid)
    reached = _union([one.delivered.territory.share for one in given], given, grid)
    tumour, liver = _sensitivity(scenario, "tumour"), _sensitivity(scenario, "liver")
    wanted = {
        "target": Structure(target, tumour),
        "perfused_volume": Structure(reached, liver),
        "perfused_liver": Structure(reached * (1.0 - target), liver),
        "normal_liver": Structure(organ * (1.0 - target), liver),
        "liver": Structure(organ, liver),
    }
    volume = grid.voxel_volume_mm3 * 1e-3
    return {
        name: structure_dose(structure, density, volume, fields)
        for name, structure in wanted.items()
        if structure.share.any()
    }


def _union(shares: Sequence[Floats], given: Sequence[InfusionDose], grid: Grid) -> Floats:
    moved = [held_on(share, one.dose.grid, grid) for share, one in zip(shares, given, strict=True)]
    return np.asarray(np.clip(np.max(moved, axis=0), 0.0, 1.0))


def _sensitivity(scenario: Scenario, tissue: str) -> Radiosensitivity:
    """That of the deciding model, for ``tumour`` or ``liver``."""
    known = scenario.death_model_values(DECIDING[RADIATION])
    return Radiosensitivity(
        known[f"{tissue}_alpha"], known[f"{tissue}_alpha_beta"], known[f"{tissue}_repair_half_time"]
    )


def _lungs(given: Sequence[InfusionDose], mass: Value) -> LungDoseResult:
    """Mean dose of the lungs by what passes the organ."""
    energies = [
        one.activity * one.delivered.deposition.lung_share * one.microspheres.nuclide.energy_per_activity
        for one in given
    ]
    masses = [end for end in (mass.low, mass.high) if end is not None] or [mass.value]
    return {
        "activity_GBq": sum(one.activity * one.delivered.deposition.lung_share for one in given) / _GBQ,
        "mass_kg": mass.value,
        "mean_Gy": sum(energies) / mass.value,
        "mean_range_Gy": sorted(sum(energies) / end for end in masses),
    }


def _activity(one: InfusionDose, elapsed: float) -> ActivityResult:
    """Where an activity is, and where the energy of its electrons goes."""
    deposition, delivered, dose = one.deposition, one.delivered, one.dose
    given = one.activity / _GBQ
    everywhere = deposition.share_in(deposition.share > 0.0)
    in_organ = deposition.share_in(delivered.organ)
    parts = (in_organ, everywhere - in_organ, deposition.lung_share, deposition.elsewhere_share)
    return {
        "microspheres": one.microspheres.name,
        "nuclide": one.microspheres.nuclide.name,
        "given_GBq": given,
        "prescribed_GBq": one.infusion.activity,
        "in_target_GBq": given * deposition.share_in(delivered.target),
        "in_organ_GBq": given * in_organ,
        "beyond_organ_GBq": given * parts[1],
        "lung_GBq": given * deposition.lung_share,
        "elsewhere_GBq": given * deposition.elsewhere_share,
        "sum_error": abs(fsum(parts) - 1.0),
        "spheres": one.microspheres.number(one.activity),
        "decayed_share": float(decayed_share(elapsed, one.microspheres.nuclide.decay_constant)),
        "electron_energy_J": dose.emitted,
        "deposited_J": dose.deposited,
        "bremsstrahlung_J": dose.radiated,
        "beyond_grid_J": dose.lost,
    }


def _planning(one: InfusionDose, lung_mass: float) -> PlanningResult:
    """An infusion as planners see it, with the ratio of uptakes that its deposition has."""
    nuclide, deposition, delivered = one.microspheres.nuclide, one.deposition, one.delivered
    mass = delivered.territory.share * one.density * (deposition.grid.voxel_volume_mm3 * 1e-9)
    tumour_mass = float(mass[delivered.target].sum())
    liver_mass = float(mass[delivered.organ & ~delivered.target].sum())
    in_tumour = deposition.share_in(delivered.target)
    in_liver = deposition.share_in(delivered.organ & ~delivered.target)
    both = tumour_mass > 0.0 and liver_mass > 0.0 and in_liver > 0.0
    ratio = (in_tumour / tumour_mass) / (in_liver / liver_mass) if both else 1.0
    parts = Compartments(tumour_mass, liver_mass, lung_mass, ratio, deposition.lung_share)
    found = planning(one.activity, parts, energy_per_decay=nuclide.electron_energy, decay_rate=nuclide.decay_constant)
    return found if one.infusion.aim is None else _with_aim(found, one.infusion.aim)


def _with_aim(found: PlanningResult, aim: float) -> PlanningResult:
    """The activities for a wanted dose [Gy]; they are in proportion to it."""
    times, of_tumour = aim / PLANNED_DOSE_GY, found["partition_GBq_per_100_Gy_of_tumour"]
    return {
        **found,
        "aim_Gy": aim,
        "MIRD_GBq_for_aim": times * found["MIRD_GBq_per_100_Gy"],
        "partition_GBq_for_aim_of_tumour": None if of_tumour is None else times * of_tumour,
    }
