# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a campaign file to all its runs, checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from imagio_sim.campaign.folder import sha256_of
from imagio_sim.campaign.run import run_digest
from imagio_sim.campaign.what_if.variation import Sample, Vary, variants, vary_of
from imagio_sim.campaign.workflow.campaign_file import CampaignFile, CaseEntry, read_campaign_file
from imagio_sim.campaign.workflow.manifest import Manifest, PlannedRun
from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan import Scenario, input_files, load_scenario


@dataclass(frozen=True)
class _Inputs:
    """Files of a scenario and their digests, by their place in it."""

    files: Mapping[str, Path]
    hashes: Mapping[str, str]


_Read = Callable[[Path], tuple[Scenario, _Inputs]]


def plan_campaign(path: Path) -> Manifest:
    """Work out all runs of a campaign file.

    Raises
    ------
    InputError, InputErrors
        Everything that is wrong with the campaign, its scenarios and the files they name, together.
    """
    given = read_campaign_file(path)
    faults: list[InputError] = []
    runs: list[PlannedRun] = []
    read = cache(_read)  # several rows may name the same
    for index, case in enumerate(given.cases):
        faults += _missing_zone(case, f"{path}: cases[{index}].measured_zone", path)
        runs += _collecting(faults, partial(_runs_of, case, index, given, path, read))
    faults += _repeated(runs, path)
    if faults:
        raise InputErrors({str(fault): fault for fault in faults}.values())
    return Manifest(
        name=given.name,
        runs=tuple(runs),
        ranks=given.ranks,
        runs_per_job=given.runs_per_job,
        attempts=given.attempts,
        pictures=given.pictures,
        time_s=given.limits.time,
        memory_MB=given.limits.memory,
    )


def _collecting(faults: list[InputError], make: Callable[[], list[PlannedRun]]) -> list[PlannedRun]:
    """What is made, or nothing with the faults kept for later."""
    try:
        return make()
    except InputError as error:
        faults.append(error)
    except InputErrors as error:
        faults.extend(error.errors)
    return []


def _runs_of(case: CaseEntry, index: int, given: CampaignFile, path: Path, read: _Read) -> list[PlannedRun]:
    file = (path.parent / case.scenario).resolve()
    scenario, inputs = read(file)
    for plan in case.plans:
        scenario.plan(plan)
    varied = _varied({**given.vary, **case.vary}, f"{path}: cases[{index}]")
    sample = None if given.sample is None else Sample(given.sample.count, given.sample.seed)
    name = case.name or case.patient or scenario.name
    return [
        PlannedRun(
            name=f"{_slug(name)}/{one.name}/{plan}",
            case=name,
            patient=case.patient or name,
            scenario=str(file),
            plan=plan,
            changes=one.changes,
            resolution=given.resolution or one.scenario.solver.resolution,
            digest=_digest(one.scenario, plan, given, inputs),
            measured_zone=None if case.measured_zone is None else str((path.parent / case.measured_zone).resolve()),
        )
        for plan in case.plans or scenario.plans
        for one in variants(scenario, plan, varied, sample)
    ]


def _digest(scenario: Scenario, plan: str, given: CampaignFile, inputs: _Inputs) -> str:
    """What the run will be known by; files are read again only where another file is what is varied."""
    files = input_files(scenario)
    hashes = inputs.hashes if files == inputs.files else sha256_of(files)
    return run_digest(scenario, plan, given.resolution or scenario.solver.resolution, hashes)


def _read(file: Path) -> tuple[Scenario, _Inputs]:
    scenario = load_scenario(file)
    files = input_files(scenario)
    return scenario, _Inputs(files, sha256_of(files))


def _varied(given: Mapping[str, str | Sequence[Any]], where: str) -> list[Vary]:
    return [vary_of(path, values, f"{where}: vary: {path}") for path, values in given.items()]


def _missing_zone(case: CaseEntry, where: str, path: Path) -> list[InputError]:
    file = None if case.measured_zone is None else path.parent / case.measured_zone
    if file is None or file.exists():
        return []
    return [InputError(where, found=f"no file {str(file)!r}", allowed="an existing file", remedy="check the path")]


def _repeated(runs: Sequence[PlannedRun], path: Path) -> list[InputError]:
    cases: dict[str, str] = {}
    faults = []
    seen: set[str] = set()
    for run in runs:
        if run.name in seen and run.case not in cases:
            cases[run.case] = run.scenario
            faults.append(
                InputError(
                    str(path),
                    found=f"the case {run.case!r} for the second time",
                    allowed="a name of its own for every case",
                    remedy="give name to one of them",
                )
            )
        seen.add(run.name)
    return faults


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name).lstrip(".") or "case"
