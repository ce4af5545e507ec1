# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs of staged plans, each made once and without pictures, which have tests of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.solving import Progress
from imagio_sim.meshing.cache import FOLDER_VARIABLE
from imagio_sim.outcome.result import Result
from tests.campaign.sequences import sequences
from tests.campaign.workflow.one_node_cluster import OneNodeCluster, one_node_cluster


@dataclass
class Observed:
    """What a run told, and whether it is to stop: after ``stop_after`` [s] of stage ``stop_in``."""

    stop_in: int | None = None
    stop_after: float = 0.0
    seen: list[Progress] = field(default_factory=list)
    stage: int = 0

    def progress(self, progress: Progress) -> None:
        if self.seen and progress.time < self.seen[-1].time:
            self.stage += 1
        self.seen.append(progress)

    def stop(self) -> bool:
        return self.stage == self.stop_in and self.seen[-1].time > self.stop_after

    @property
    def listener(self) -> Listener:
        return Listener(lambda _: None, self.progress, self.stop)


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    result: Result
    observed: Observed

    @property
    def volume_ml(self) -> float:
        return self.result["ablation_zone"]["volume_ml"]

    def dead(self) -> tuple[NDArray[np.bool_], float]:
        """Dead voxels of the 1 mm label map, and the volume [ml] of one."""
        dead, affine = self._label_map()
        return dead, float(abs(np.linalg.det(affine[:3, :3]))) / 1000.0

    def survivors_of(self, other: Run) -> float:
        """Share of another run's dead voxels that live here."""
        (mine, affine), (theirs, their_affine) = self._label_map(), other._label_map()
        places = np.argwhere(theirs) @ their_affine[:3, :3].T + their_affine[:3, 3]
        index = np.rint(np.linalg.solve(affine[:3, :3], (places - affine[:3, 3]).T).T).astype(int)
        within = np.all((index >= 0) & (index < mine.shape), axis=1)
        return 1.0 - float(mine[tuple(index[within].T)].sum()) / len(places)

    def _label_map(self) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        image = nibabel.load(self.folder / "necrosis_1mm.nii.gz")
        return np.asarray(image.dataobj) > 0, np.asarray(image.affine)


@pytest.fixture(scope="package", autouse=True)
def without_pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("mesh_cache")))
        patch.setattr("imagio_sim.campaign.presentation.write_presentation", lambda *_: None)
        yield


def start(plan: str, out: Path, observed: Observed) -> Run:
    """Run a plan of the sequences, or go on with it."""
    result = run_plan(sequences(out), plan, RunOptions(out, "coarse"), observed.listener)
    return Run(out / plan, result, observed)


@pytest.fixture(scope="package")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """The finished run of a plan by name."""
    out = tmp_path_factory.mktemp("runs")

    @cache
    def of(plan: str) -> Run:
        return start(plan, out, Observed())

    return of


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneNodeCluster]:
    """A SLURM of one node, for modules that need one."""
    with one_node_cluster(tmp_path_factory.mktemp("slurm"), cpus=2) as running:
        yield running
