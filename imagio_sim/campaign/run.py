# SPDX-License-Identifier: LGPL-3.0-or-later
"""One plan from scenario to result: prepare, solve stage by stage, evaluate, write."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import imagio_sim
from imagio_sim.anatomy.model import Anatomy
from imagio_sim.campaign.case import BLOOD, cell_labels, deciding_models, thermal_case, zone_model
from imagio_sim.campaign.evaluation import assess_plan, attribute_kill, write_history, write_label_maps
from imagio_sim.campaign.folder import RunFolder, disk_refusals_as_failures, refuse_unusable, sha256_of
from imagio_sim.campaign.geometry import StageGeometry, mesh_recipe, read_anatomy, stage_geometry
from imagio_sim.campaign.infusions.dose_assessment import assess_dose, dose_warnings, write_dose
from imagio_sim.campaign.infusions.report import Infused, StageEnd, infused, perfusion_by_stage, territories
from imagio_sim.campaign.provenance import constants_used, from_memory, tissue_record, versions
from imagio_sim.campaign.run_log import RunLog
from imagio_sim.campaign.sequence import finite, joined_history, transferred, treatment_time
from imagio_sim.campaign.solving import CASE, STATE, Progress, Solution, solve_case
from imagio_sim.campaign.sonication.geometry import COUPLING
from imagio_sim.campaign.vessels.courses import check_vessels, vessel_courses
from imagio_sim.campaign.vessels.report import vessel_results, vessel_warnings, write_courses
from imagio_sim.errors import ImagioError, Interrupted
from imagio_sim.meshing.domain import Domain
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.assessment import Assessment
from imagio_sim.outcome.constraints import evaluate_constraints
from imagio_sim.outcome.result import SCHEMA, MeshResult, Result, Status, balance_error
from imagio_sim.plan import Scenario, input_files, placed_applicators, plan_digest, resolved_plan
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.case_file import save_case
from imagio_sim.tissue import tissue_names

if TYPE_CHECKING:
    from imagio_sim.view.scene import Scene

BOUNDARY_RISE = 1.0
"""Rise [K] beside the region's boundary above which the region is too small."""


@dataclass(frozen=True)
class RunOptions:
    """What a run is told beside its scenario; ``pictures`` are drawn, with a report, or left out to save time."""

    out: Path
    resolution: Resolution
    ranks: int = 1
    restart: bool = False
    pictures: bool = True


@dataclass(frozen=True)
class Listener:
    """Who wants to know: a line of text per phase, progress of the solution, and whether to stop."""

    say: Callable[[str], None]
    progress: Callable[[Progress], None]
    stop: Callable[[], bool]

    def heard_by(self, log: RunLog) -> Listener:
        """The same, with every line also in the log."""

        def say(text: str) -> None:
            log.say(text)
            self.say(text)

        return replace(self, say=say)


@dataclass(frozen=True, eq=False)
class Prepared:
    """All stages of a plan ready to be solved, and the folder they go to."""

    scenario: Scenario
    plan_name: str
    anatomy: Anatomy
    stages: tuple[StageGeometry, ...]
    cases: tuple[ThermalCase, ...]
    folder: RunFolder
    inputs: Mapping[str, str]

    @property
    def tissue_names(self) -> list[str]:
        """Every tissue whose values the run uses, sorted."""
        coupling = {COUPLING} if "ultrasound" in self.scenario.plan(self.plan_name).modalities else set()
        return sorted({BLOOD, *coupling, *(name for stage in self.stages for name in stage.sampled.tissues)})

    @property
    def mesh_seconds(self) -> float:
        """Wall time of meshing all stages."""
        return sum(stage.mesh_seconds for stage in self.stages)


def run_plans(
    scenario: Scenario, plan_names: Sequence[str], options: RunOptions, listener: Listener
) -> Iterator[Result]:
    """Run plans in turn; an identical finished one is returned at once, an interrupted one goes on.

    Whatever can be refused without a mesh is refused for all of them before the first is solved.

    Raises
    ------
    InputError, InputErrors
        Before anything is written.
    SolverFailure, StorageFailure, Interrupted
        With the checkpoint kept and the folder saying so.
    """
    inputs = sha256_of(input_files(scenario))
    folders = {name: _folder_for(scenario, name, options, inputs) for name in plan_names}
    finished = {name: None if options.restart else folder.finished() for name, folder in folders.items()}
    waiting = [name for name in plan_names if finished[name] is None]
    anatomy = _checked_patient(scenario, waiting, options, listener) if waiting else None
    for name in plan_names:
        result = finished[name]
        if result is None:
            assert anatomy is not None
            result = _run_afresh(scenario, name, anatomy, folders[name], inputs, options, listener)
        else:
            listener.say(f"{name}: already complete in {folders[name].path}")
        yield result


def run_plan(scenario: Scenario, plan_name: str, options: RunOptions, listener: Listener) -> Result:
    """Run one plan, as :func:`run_plans` does."""
    return next(run_plans(scenario, [plan_name], options, listener))


def _checked_patient(scenario: Scenario, plan_names: Sequence[str], options: RunOptions, listener: Listener) -> Anatomy:
    """The patient, in whom the applicators of all these plans can be placed."""
    listener.say("reading the patient")
    anatomy = read_anatomy(scenario)
    courses = vessel_courses(scenario)
    for name in plan_names:
        for stage in range(len(scenario.plan(name).stages)):
            recipe = mesh_recipe(scenario, name, anatomy, stage=stage, resolution=options.resolution)
            check_vessels(scenario, courses, anatomy, recipe.region)
    return anatomy


def _folder_for(scenario: Scenario, plan_name: str, options: RunOptions, inputs: Mapping[str, str]) -> RunFolder:
    """The folder of a plan, if it can be one."""
    path = options.out / plan_name
    refuse_unusable(path, nodes=0)
    folder = RunFolder(path, run_digest(scenario, plan_name, options.resolution, inputs))
    folder.refuse_foreign()
    return folder


def _run_afresh(
    scenario: Scenario,
    plan_name: str,
    anatomy: Anatomy,
    folder: RunFolder,
    inputs: Mapping[str, str],
    options: RunOptions,
    listener: Listener,
) -> Result:
    begun, log = time.monotonic(), RunLog()
    listener = listener.heard_by(log)
    prepared = prepare(scenario, plan_name, anatomy, options, folder, inputs, listener)
    return execute(prepared, options, listener, log, begun)


def run_digest(scenario: Scenario, plan_name: str, resolution: str, inputs: Mapping[str, str]) -> str:
    """SHA-256 of everything a result depends on: plan, files, resolution, constants and version."""
    data = {
        "plan": plan_digest(scenario, plan_name),
        "inputs": dict(inputs),
        "resolution": resolution,
        "tissue": tissue_record(scenario, plan_name, tissue_names()),
        "version": imagio_sim.__version__,
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def prepare(
    scenario: Scenario,
    plan_name: str,
    anatomy: Anatomy,
    options: RunOptions,
    folder: RunFolder,
    inputs: Mapping[str, str],
    listener: Listener,
) -> Prepared:
    """Mesh all stages and make their cases; refuses what cannot be run."""
    stages, cases = [], []
    for number in range(len(scenario.plan(plan_name).stages)):
        listener.say(f"{plan_name}: meshing")
        geometry = stage_geometry(
            scenario, plan_name, anatomy, stage=number, resolution=options.resolution, on_progress=listener.say
        )
        stages.append(geometry)
        case = thermal_case(scenario, plan_name, geometry, stage=number)
        cases.append(replace(case, static_cell_fields=cell_labels(anatomy, geometry) | territories(geometry)))
    refuse_unusable(folder.path, nodes=sum(len(stage.domain.points_mm) for stage in stages))
    return Prepared(scenario, plan_name, anatomy, tuple(stages), tuple(cases), folder, inputs)


def execute(prepared: Prepared, options: RunOptions, listener: Listener, log: RunLog, begun: float) -> Result:
    """Solve and evaluate; whatever ends it early is written down in the folder before it is raised."""
    folder, result = prepared.folder, _initial_result(prepared, options)
    try:
        with disk_refusals_as_failures(folder.path):
            _open_folder(folder, result, restart=options.restart)
            log.open(folder.path)
            _write_yaml(folder.path / "plan.yaml", resolved_run(prepared, options))
            solutions = _solve_stages(prepared, options, listener)
            listener.say(f"{prepared.plan_name}: evaluating")
            assessment, brought = _evaluate(prepared, solutions, result)
            result["status"] = "complete"
            result["timing"] = {
                "mesh_s": prepared.mesh_seconds,
                "solve_s": sum(solution.facts["solver"]["wall_s"] for solution in solutions),
                "total_s": time.monotonic() - begun,
            }
            _present(prepared, assessment, brought, result, solutions, pictures=options.pictures)
            result["timing"]["total_s"] = time.monotonic() - begun
            folder.complete(result)
    except KeyboardInterrupt as stop:
        stopped = Interrupted("stopped before it was complete; the same command goes on from the last checkpoint")
        _note_end(folder, log, result, stopped)
        raise stopped from stop
    except BaseException as error:
        _note_end(folder, log, result, error)
        raise
    for line in (*(f"warning: {warning}" for warning in result["warnings"]), "complete"):
        log.say(f"{prepared.plan_name}: {line}")
    return result


def _open_folder(folder: RunFolder, result: Result, *, restart: bool) -> None:
    """Go on in the folder of the same run, or make it anew."""
    if restart or not folder.resumable():
        folder.begin(result)
    else:
        folder.reopen(result)


def _note_end(folder: RunFolder, log: RunLog, result: Result, error: BaseException) -> None:
    """Say in the folder how a run ended that did not finish."""
    status: Status = "interrupted" if isinstance(error, Interrupted) else "failed"
    words = str(error) if isinstance(error, ImagioError) else repr(error)
    folder.end_early({**_required(result), "status": status, "failure": words})
    log.say(f"{result['plan']}: {status}: {words}")


def _required(result: Result) -> Result:
    return {
        "schema": result["schema"],
        "status": result["status"],
        "plan": result["plan"],
        "modalities": result["modalities"],
        "warnings": result["warnings"],
        "versions": result["versions"],
        "inputs": result["inputs"],
        "digest": result["digest"],
    }


def _initial_result(prepared: Prepared, options: RunOptions) -> Result:
    warnings = [warning for stage in prepared.stages for warning in stage.warnings]
    cores = len(os.sched_getaffinity(0))
    if options.ranks > cores:
        warnings.append(f"{options.ranks} ranks on {cores} cores are slower than {cores} ranks")
    return {
        "schema": SCHEMA,
        "status": "interrupted",
        "plan": prepared.plan_name,
        "modalities": list(prepared.scenario.plan(prepared.plan_name).modalities),
        "warnings": list(dict.fromkeys(warnings)),
        "versions": versions(),
        "inputs": dict(prepared.inputs),
        "digest": prepared.folder.digest,
    }


def resolved_run(prepared: Prepared, options: RunOptions) -> dict[str, Any]:
    """Everything the run uses, with units and sources, as written to ``plan.yaml``."""
    return {
        **resolved_plan(prepared.scenario, prepared.plan_name),
        "resolution": options.resolution,
        "deciding_models": list(deciding_models(prepared.scenario, prepared.plan_name)),
        "constants": tissue_record(prepared.scenario, prepared.plan_name, prepared.tissue_names),
    }


def _write_yaml(path: Path, data: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _solve_stages(prepared: Prepared, options: RunOptions, listener: Listener) -> list[Solution]:
    """Solve the stages in turn, each from what the one before it left."""
    solutions: list[Solution] = []
    timeline = prepared.scenario.plan(prepared.plan_name).timeline
    for number, case in enumerate(prepared.cases):
        stage_folder = prepared.folder.work / f"stage_{number}"
        stage_folder.mkdir(exist_ok=True)
        if solutions:
            before = prepared.cases[number - 1].domain
            state = transferred(before, case.domain, solutions[-1], body_temperature=case.body_temperature)
            numbers = solutions[-1].facts["carried_numbers"]
            case = replace(case, initial_state=state, carried_numbers=numbers)
        if not (stage_folder / CASE).exists() or not (stage_folder / STATE).exists():
            save_case(case, stage_folder / CASE)
        solutions.append(
            solve_case(
                stage_folder,
                digest=f"{prepared.folder.digest}/{number}",
                series=prepared.folder.path / _series_name(number, len(prepared.cases)),
                time_offset=timeline[number].begin,
                ranks=options.ranks,
                report=listener.progress,
                stop=listener.stop,
            )
        )
    return solutions


def _series_name(number: int, count: int) -> str:
    """Stages may have different meshes, so each has its own series; a plan of one stage has ``fields.xdmf``."""
    return "fields.xdmf" if count == 1 else f"fields_stage_{number + 1}.xdmf"


def _evaluate(prepared: Prepared, solutions: list[Solution], result: Result) -> tuple[Assessment, Infused]:
    """Fill the result and write the label maps."""
    scenario, geometry, folder = prepared.scenario, prepared.stages[-1], prepared.folder.path
    applicators = placed_applicators(scenario, prepared.plan_name)
    models, fields = deciding_models(scenario, prepared.plan_name), solutions[-1].fields
    assessment = assess_plan(scenario, prepared.anatomy, geometry, applicators, fields, zone_model(models))
    assessment.add_to(result)
    brought = infused(
        scenario,
        prepared.plan_name,
        prepared.anatomy,
        assessment,
        attribute_kill(scenario, prepared.plan_name, assessment, fields, models),
        [
            StageEnd(stage.domain, solution.fields, solution.facts["sources"])
            for stage, solution in zip(prepared.stages, solutions, strict=True)
        ],
    )
    _add_dose(result, prepared)
    brought.add_to(result, scenario, prepared.anatomy, assessment)
    if brought.reserve is not None:
        result["perfusion_by_stage"] = perfusion_by_stage(prepared.cases, assessment)
    _add_solution(result, prepared, solutions)
    used = constants_used(scenario, prepared.plan_name, prepared.tissue_names)
    result["constants_from_memory"] = from_memory(used)
    result["constraints"] = evaluate_constraints(scenario.constraints, result)
    labels, series = _source_files(scenario)
    maps = write_label_maps(
        folder,
        prepared.anatomy,
        assessment,
        labels_file=labels,
        series=series,
        plan=prepared.plan_name,
        structures={one.known_as: one.all_labels for one in scenario.critical_structures},
        is_phantom=scenario.patient.is_phantom,
    )
    if maps.regions:
        result["killed_regions"] = list(maps.regions)
    result["label_map_volume_ml"] = {"necrosis.nii.gz": maps.volume_ml, "necrosis_1mm.nii.gz": maps.fine_volume_ml}
    result["collateral_volume_ml"] = dict(maps.collateral_volume_ml)
    result["warnings"].extend(maps.notes)
    return assessment, brought


def _add_dose(result: Result, prepared: Prepared) -> None:
    """Doses of a plan with radio-embolisation, and their image."""
    scenario, plan, anatomy = prepared.scenario, prepared.plan_name, prepared.anatomy
    dose = assess_dose(scenario, plan, anatomy)
    if dose is not None:
        result["dose"] = dose
        result["warnings"].extend(dose_warnings(scenario, plan, anatomy))
        result["warnings"] += write_dose(prepared.folder.path, scenario, plan, anatomy, *_source_files(scenario))


def _present(
    prepared: Prepared,
    assessment: Assessment,
    brought: Infused,
    result: Result,
    solutions: list[Solution],
    *,
    pictures: bool,
) -> None:
    """Write the table over time, and if wanted pictures and report, of a result that is otherwise complete."""
    from imagio_sim.campaign.presentation import scene_of, write_presentation

    history = joined_history(solutions, prepared.scenario.plan(prepared.plan_name).timeline)
    write_history(prepared.folder.path / "history.csv", history)
    write_courses(prepared.folder.path, [solution.facts for solution in solutions])
    if pictures:
        write_presentation(prepared, assessment, brought, result, history)
        _write_for_viewers(prepared, scene_of(prepared, assessment), result, solutions)


def _write_for_viewers(prepared: Prepared, scene: Scene, result: Result, solutions: list[Solution]) -> None:
    """Write what ParaView, 3D Slicer and DICOM viewers open at once."""
    from imagio_sim.campaign.viewer_files import write_dicom_maps, write_viewer_files

    folder, anatomy, count = prepared.folder.path, prepared.anatomy, len(prepared.cases)
    names = [_series_name(number, count) for number in range(count)]
    write_viewer_files(folder, scene, anatomy, series=names)
    _, series = _source_files(prepared.scenario)
    if series is not None and anatomy.image is not None:
        result["warnings"] += write_dicom_maps(
            folder,
            solutions[-1].fields,
            prepared.stages[-1].domain,
            series,
            anatomy.image.grid,
            plan=prepared.plan_name,
            agents=prepared.scenario.plan(prepared.plan_name).agents,
        )


def _source_files(scenario: Scenario) -> tuple[Path | None, Path | None]:
    """The first label file, and the folder of the DICOM series if the image is one."""
    files = input_files(scenario)
    image = files.get("patient.image")
    return files.get("patient.labels[0].file"), image if image is not None and image.is_dir() else None


def _mesh_facts(domain: Domain) -> MeshResult:
    return {
        "nodes": len(domain.points_mm),
        "cells": len(domain.cells),
        "minimum_quality": domain.minimum_quality,
    }


def _add_solution(result: Result, prepared: Prepared, solutions: list[Solution]) -> None:
    """Energy, mesh and solver facts, and the warnings that follow from them."""
    facts = [solution.facts for solution in solutions]
    total = {
        name: sum(fact["energy"][name] for fact in facts)
        for name in ("source_J", "stored_J", "lost_J", "far_field_J", "withheld_J")
    }
    result["energy"] = {
        "source_J": total["source_J"],
        "stored_J": total["stored_J"],
        "lost_J": total["lost_J"],
        "far_field_J": total["far_field_J"],
        "withheld_J": total["withheld_J"],
        "balance_error": balance_error(total["source_J"], total["stored_J"], total["lost_J"]),
    }
    meshes = [_mesh_facts(stage.domain) for stage in prepared.stages]
    result["mesh"] = {**max(meshes, key=lambda mesh: mesh["nodes"]), "by_stage": meshes}
    result["solver"] = {
        **facts[-1]["solver"],
        "by_stage": [fact["solver"] for fact in facts],
        "energy_by_stage": [fact["energy"] for fact in facts],
        "sources": [finite(fact["sources"]) for fact in facts],
    }
    result["warnings"].extend(dict.fromkeys(warning for fact in facts for warning in fact["warnings"]))
    result["vessels"] = vessel_results(facts)
    result["warnings"].extend(vessel_warnings(facts))
    plan = prepared.scenario.plan(prepared.plan_name)
    result["treatment_time_s"] = treatment_time(plan.timeline)
    result["warnings"].extend(
        boundary_warnings(
            hottest=max(fact["boundary_peak_temperature"] for fact in facts),
            coldest=min(fact["boundary_minimum_temperature"] for fact in facts),
            body_temperature=prepared.scenario.patient.body_temperature,
            room_temperature=prepared.scenario.law_constants()["room_temperature"].value,
        )
    )


def boundary_warnings(
    *, hottest: float, coldest: float, body_temperature: float, room_temperature: float
) -> tuple[str, ...]:
    """What temperatures [degC] beside the region's boundary say of its size; bare skin may cool to the room's."""
    found = []
    if hottest > body_temperature + BOUNDARY_RISE:
        found.append(f"reaches {hottest:.1f} degC")
    if coldest < min(body_temperature, room_temperature) - BOUNDARY_RISE:
        found.append(f"cools to {coldest:.1f} degC")
    return tuple(f"tissue beside the region's boundary {what}: enlarge the region (region.margin)" for what in found)
