# SPDX-License-Identifier: LGPL-3.0-or-later
"""From the final fields of a plan to its result, label maps, pictures and report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imagio_sim
from imagio_sim.anatomy.dicom_series import find_series
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.geometry import StageGeometry
from imagio_sim.devices.applicator import PlacedApplicator
from imagio_sim.export.dicom_seg import write_dicom_seg
from imagio_sim.export.label_maps import fine_grid, zone_label_map
from imagio_sim.export.nifti import write_label_nifti
from imagio_sim.export.tables import write_history_csv
from imagio_sim.meshing.locate import Locator
from imagio_sim.outcome.assessment import Assessment, Fields, assess
from imagio_sim.outcome.attribution import Agent, Attribution, attribution
from imagio_sim.outcome.patient import Patient, patient_of
from imagio_sim.outcome.structures import ExtremeFields
from imagio_sim.plan import Scenario
from imagio_sim.plan.interactions import interactions_among
from imagio_sim.solve.state_names import LEVEL, SURVIVAL
from imagio_sim.tissue.death import Parameters, death_model, death_records
from imagio_sim.tissue.death.combination import lethal_survival

Floats = NDArray[np.float64]

STATE = "state/"
ELSEWHERE, TARGET = "elsewhere", "target"
KILLED = "killed_1mm.nii.gz"
DOSE_MODEL = "cem43_a_240"
"""The convention of CEM43 in which doses at structures are reported (tissue/death/library.yaml)."""


def assess_plan(
    scenario: Scenario,
    anatomy: Anatomy,
    geometry: StageGeometry,
    applicators: tuple[PlacedApplicator, ...],
    fields: Mapping[str, Floats],
    deciding_model: str,
) -> Assessment:
    """Measure zones, margins, structures and paths on the last stage's mesh."""
    levels = {name.removeprefix(LEVEL): values for name, values in fields.items() if name.startswith(LEVEL)}
    dose = f"{STATE}death/{DOSE_MODEL}"
    extremes = ExtremeFields(
        scenario.patient.body_temperature,
        peak_temperature=fields["peak_temperature_degC"],
        minimum_temperature=fields["minimum_temperature_degC"],
        peak_thermal_dose=fields[dose][0] if dose in fields else None,
    )
    return assess(
        geometry.domain,
        geometry.sampled,
        Locator(geometry.domain),
        Fields(levels, deciding_model, extremes),
        plan_patient(scenario, anatomy),
        applicators,
    )


def attribute_kill(
    scenario: Scenario,
    plan_name: str,
    assessment: Assessment,
    fields: Mapping[str, Floats],
    deciding_models: Sequence[str],
) -> Attribution:
    """Who killed what, at the end of a plan."""
    coverage = assessment.coverage
    return attribution(
        assessment.probe.domain,
        assessment.probe,
        {death_records()[model].agent: _agent(model, fields, scenario.death_parameters) for model in deciding_models},
        assessment.level,
        interactions_among(scenario.solver.interactions, scenario.plan(plan_name).agents),
        target=None if coverage is None else coverage.samples,
        target_mm3=0.0 if coverage is None else coverage.volume_mm3,
    )


def _agent(model: str, fields: Mapping[str, Floats], given: Parameters) -> Agent:
    """What an agent has done by its deciding model; one that has not acted yet has left everything alive."""
    level, state = fields[f"{LEVEL}{model}"], f"{STATE}death/{model}"
    if state in fields:
        survival = death_model(model, given).survival(fields[state])
    else:
        survival = fields.get(f"{STATE}{SURVIVAL}{model}", np.ones(len(level)))
    return Agent(model, level, survival, lethal_survival(model, given))


def plan_patient(scenario: Scenario, anatomy: Anatomy) -> Patient:
    """What of the patient the outcome is measured against; a phantom has no labels for a path to run through."""
    patient = patient_of(anatomy, {one.known_as: one.all_labels for one in scenario.critical_structures})
    return replace(patient, labels=None) if scenario.patient.is_phantom else patient


@dataclass(frozen=True)
class LabelMaps:
    """What the written label maps say.

    Attributes
    ----------
    volume_ml, fine_volume_ml
        Volume of the voxels on the segmentation's grid and on the finer one.
    collateral_volume_ml
        Zone outside the target by label (``unlabelled`` where there is none), from the finer map.
    regions
        What a number of ``killed_1mm.nii.gz`` stands for, from 1; empty where it was not written.
    notes
        What could not be written, and why.
    """

    volume_ml: float
    fine_volume_ml: float
    collateral_volume_ml: Mapping[str, float]
    regions: tuple[str, ...]
    notes: tuple[str, ...]


def write_label_maps(
    folder: Path,
    anatomy: Anatomy,
    assessment: Assessment,
    *,
    labels_file: Path | None,
    series: Path | None,
    plan: str,
    structures: Mapping[str, Collection[str]],
    is_phantom: bool = False,
) -> LabelMaps:
    """Write ``necrosis.nii.gz`` on the segmentation's grid, a finer one, and a DICOM-SEG where the input was DICOM.

    A phantom has no segmentation: both are the finer one. What of the finer one lies in the target and in critical
    structures (their labels by name) is written as ``killed_1mm.nii.gz``.
    """
    box = _zone_box(assessment)
    probe, level = assessment.probe, assessment.level

    def inside(points_mm: Floats) -> NDArray[np.bool_]:
        return probe.dead(level, points_mm)

    fine = fine_grid(box)
    on_fine = zone_label_map(fine, inside, box)
    grid = fine if is_phantom else anatomy.labels.grid
    on_grid = on_fine if is_phantom else zone_label_map(grid, inside, box)
    source = labels_file if labels_file is not None and labels_file.name.endswith((".nii", ".nii.gz")) else None
    write_label_nifti(folder / "necrosis.nii.gz", on_grid, grid, source)
    write_label_nifti(folder / "necrosis_1mm.nii.gz", on_fine, fine)
    reason = None
    if series is not None:
        files = find_series(series).files
        reason = write_dicom_seg(
            folder / "necrosis.dcm", on_grid, grid, files, plan=plan, version=imagio_sim.__version__
        )
    regions = _killed_regions(anatomy, structures)
    numbers = _labels_of_dead(anatomy, on_fine, fine)
    if regions:
        write_label_nifti(folder / KILLED, _killed(on_fine, numbers, anatomy, regions), fine)
    return LabelMaps(
        volume_ml=float(on_grid.sum()) * grid.voxel_volume_mm3 / 1000.0,
        fine_volume_ml=float(on_fine.sum()) * fine.voxel_volume_mm3 / 1000.0,
        collateral_volume_ml=_collateral(anatomy, numbers, fine),
        regions=tuple(regions),
        notes=() if reason is None else (f"necrosis.dcm was not written: {reason}",),
    )


def _labels_of_dead(anatomy: Anatomy, zone: NDArray[np.uint8], grid: Grid) -> NDArray[np.int32]:
    """Label number (n,) of every dead voxel, in the order of the grid."""
    return anatomy.label_at(grid.to_lps(np.argwhere(zone).astype(float)))


def _killed_regions(anatomy: Anatomy, structures: Mapping[str, Collection[str]]) -> dict[str, Collection[str]]:
    """Labels by region: all that is not named, the target, critical structures; nothing where there is none of them."""
    target = {} if anatomy.target is None else {TARGET: [anatomy.target]}
    named = {**target, **structures}
    return {ELSEWHERE: [], **named} if named else {}


def _killed(
    zone: NDArray[np.uint8], numbers: NDArray[np.int32], anatomy: Anatomy, regions: Mapping[str, Collection[str]]
) -> NDArray[np.uint8]:
    """The zone with the number of its region in every voxel; where regions overlap the first one counts."""
    found = np.ones(len(numbers), dtype=np.uint8)
    for place, labels in reversed(list(enumerate(regions.values(), start=1))):
        own = [number for number, name in anatomy.labels.names.items() if name in labels]
        found[np.isin(numbers, own)] = place
    killed = np.zeros_like(zone)
    killed[zone != 0] = found
    return killed


def _collateral(anatomy: Anatomy, numbers: NDArray[np.int32], grid: Grid) -> dict[str, float]:
    """Volume [ml] of the zone in every label but the target's; nothing where there is no target."""
    if anatomy.target is None:
        return {}
    names = {0: "unlabelled", **anatomy.labels.names}
    volumes = {
        names[int(number)]: float((numbers == number).sum()) * grid.voxel_volume_mm3 / 1000.0
        for number in np.unique(numbers)
    }
    return {name: volume for name, volume in volumes.items() if name != anatomy.target}


def _zone_box(assessment: Assessment) -> Floats:
    """Corners (2, 3) of a box around the zone, or around the region's middle when there is none."""
    points = assessment.zone.surface.points_mm
    if not len(points):
        middle = assessment.probe.domain.points_in_space_mm.mean(axis=0)
        return np.array([middle, middle])
    return np.array([points.min(axis=0), points.max(axis=0)])


def write_history(path: Path, history: list[dict[str, Any]]) -> None:
    """The generator and the tissue over time, as a table."""
    names = list(history[0]) if history else ["time_s"]
    write_history_csv(path, {name: [row[name] for row in history] for name in names})
