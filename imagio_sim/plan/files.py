# SPDX-License-Identifier: LGPL-3.0-or-later
"""The files a scenario names, and whether they are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan.infusions import InfusionModel
from imagio_sim.plan.infusions.territory import ArteryLines, CatheterTerritory, ImageTerritory
from imagio_sim.plan.scenario import Scenario
from imagio_sim.plan.stages import Plan
from imagio_sim.plan.vessels import VesselFile


def named_files(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Path inside the scenario and text of every image and label file."""
    if scenario.patient.image is not None:
        yield "patient.image", scenario.patient.image
    for index, labels in enumerate(scenario.patient.labels):
        yield f"patient.labels[{index}].file", labels.file
    if scenario.patient.perfusion is not None:
        yield "patient.perfusion.image", scenario.patient.perfusion.image
    for index, fluid in enumerate(scenario.patient.fluids):
        if fluid.labels is not None:
            yield f"patient.fluids[{index}].labels.file", fluid.labels.file
    for index, vessel in enumerate(scenario.patient.vessels):
        if isinstance(vessel, VesselFile):
            yield f"patient.vessels[{index}].file", vessel.file
    for plan_name, plan in scenario.plans.items():
        yield from _files_of_plan(plan, f"plans.{plan_name}")


def _files_of_plan(plan: Plan, place: str) -> Iterator[tuple[str, str]]:
    for number, stage in enumerate(plan.stages):
        for index, infusion in enumerate(stage.infusions):
            yield from _territory_file(infusion, f"{place}.stages[{number}].infusions[{index}].territory")


def _territory_file(infusion: InfusionModel, place: str) -> Iterator[tuple[str, str]]:
    territory = None if infusion.into_artery is None else infusion.into_artery.territory
    if isinstance(territory, ImageTerritory):
        yield f"{place}.image", territory.image
    elif isinstance(territory, CatheterTerritory) and isinstance(territory.arteries, ArteryLines):
        yield f"{place}.arteries.centre_lines", territory.arteries.centre_lines


def input_files(scenario: Scenario) -> dict[str, Path]:
    """Path of every image and label file, by its place in the scenario.

    Raises
    ------
    InputErrors
        All that are missing, each with its place in the scenario.
    """
    found: dict[str, Path] = {}
    missing: list[InputError] = []
    for place, text in named_files(scenario):
        try:
            found[place] = _existing(text, scenario.base, f"{scenario.origin}: {place}")
        except InputError as error:
            missing.append(error)
    if missing:
        raise InputErrors(missing)
    return found


def _existing(text: str, base: Path, where: str) -> Path:
    from imagio_sim.anatomy.datasets import resolve_path

    path = resolve_path(text, base=base, where=where)
    if not path.exists():
        remedy = "paths are relative to the scenario file, data sets are written data:NAME/file"
        raise InputError(where, found=f"no file {str(path)!r}", allowed="an existing file or folder", remedy=remedy)
    return path
