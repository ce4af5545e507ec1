# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scenario files of the repository, the data sets they need, and runs that are made once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imagio_sim.anatomy.datasets import FETCHED, PHANTOM, known_datasets
from imagio_sim.anatomy.reference_patient import get_reference_patient
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.outcome.result import Result
from imagio_sim.plan import Scenario

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
QUIET = Listener(say=lambda text: None, progress=lambda progress: None, stop=lambda: False)


def data_sets_of(path: Path) -> list[str]:
    """Names of the data sets a scenario file mentions."""
    return sorted(set(re.findall(r"data:([\w.-]+)/", path.read_text(encoding="utf-8"))))


def require_data(path: Path) -> None:
    """Fetch what can be fetched; skip with the reason where a data set is not on this machine, but never so in CI."""
    for name in data_sets_of(path):
        found = known_datasets().get(name)
        if name == PHANTOM or (found is not None and found.path.is_dir()):
            continue
        if name in FETCHED and os.environ.get("CI"):
            get_reference_patient(lambda step: None)
            continue
        remedy = "imagio data get abdomen" if name in FETCHED else f"imagio data add {name} PATH, or IMAGIO_DATA"
        pytest.skip(f"data set {name!r} is not on this machine ({remedy})")


@dataclass
class Runs:
    """Finished plans, by scenario and plan; each is run when it is first asked for."""

    folder: Path
    finished: dict[tuple[str, str], Result] = field(default_factory=dict)

    def of(self, scenario: Scenario, plan: str) -> Result:
        """The result of a plan at coarse."""
        key = (scenario.name, plan)
        if key not in self.finished:
            self.finished[key] = run_plan(scenario, plan, RunOptions(self.folder_of(scenario), "coarse"), QUIET)
        return self.finished[key]

    def folder_of(self, scenario: Scenario) -> Path:
        """Where the plans of a scenario are."""
        return self.folder / scenario.name
