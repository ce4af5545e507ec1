# SPDX-License-Identifier: LGPL-3.0-or-later
"""Finished runs by their folders: found, checked, and told apart by patient."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from imagio_sim.errors import InputError, InputErrors
from imagio_sim.outcome.result import FILE_NAME, Result, read_result

_DEEPEST = 4
"""Levels below a named folder that are searched for runs."""
_OF_THE_PATIENT = ("patient.image", "patient.labels")


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that is complete.

    Attributes
    ----------
    label
        Shortest part of its path that tells it from the others.
    patient
        Digest of whom it is about: image and label files by content, or a phantom's layers.
    target
        The target as the scenario gives it, as text.
    """

    label: str
    folder: Path
    result: Result
    patient: str
    target: str

    @property
    def zone_file(self) -> Path:
        """Label map of the zone on the segmentation's grid."""
        return self.folder / "necrosis.nii.gz"

    @property
    def fine_zone_file(self) -> Path:
        """Label map of the zone on the 1 mm grid."""
        return self.folder / "necrosis_1mm.nii.gz"

    @property
    def killed(self) -> tuple[Path, tuple[str, ...]] | None:
        """Label map of what was killed by region, and the regions; None where no target or structure was named."""
        regions = self.result.get("killed_regions")
        return None if regions is None else (self.folder / "killed_1mm.nii.gz", tuple(regions))


def finished_runs(paths: Sequence[Path]) -> tuple[FinishedRun, ...]:
    """The runs in these folders, or one or more levels below them; all that cannot be used is refused together.

    Raises
    ------
    InputError, InputErrors
        A path is no folder of runs, or a run in it is not complete.
    """
    folders = list(dict.fromkeys(folder for path in paths for folder in _run_folders(path)))
    results = {folder: read_result(folder / FILE_NAME) for folder in folders}
    faults = [_half_finished(folder, result) for folder, result in results.items() if result["status"] != "complete"]
    if faults:
        raise InputErrors(faults)
    labels = labels_of(folders)
    return tuple(_finished(label, folder, results[folder]) for label, folder in zip(labels, folders, strict=True))


def labels_of(folders: Sequence[Path]) -> list[str]:
    """Shortest parts of paths that tell them apart: what all begin or end with is left out."""
    parts = [folder.resolve().parts for folder in folders]
    while len(parts) > 1 and min(map(len, parts)) > 1 and len({one[-1] for one in parts}) == 1:
        parts = [one[:-1] for one in parts]
    for count in range(1, max(map(len, parts), default=0) + 1):
        ends = ["/".join(one[-count:]) for one in parts]
        if len(set(ends)) == len(ends):
            return ends
    return [str(folder) for folder in folders]


def _run_folders(path: Path) -> list[Path]:
    if (path / FILE_NAME).is_file():
        return [path]
    if path.is_dir():
        patterns = ["/".join(["*"] * depth + [FILE_NAME]) for depth in range(1, _DEEPEST + 1)]
        found = [file.parent for pattern in patterns for file in sorted(path.glob(pattern))]
        if found:
            return found
    raise InputError(
        str(path),
        found="no run" if path.is_dir() else "no such folder",
        allowed=f"the folder of a run (it holds {FILE_NAME}), or one that holds runs",
        remedy="imagio run SCENARIO makes one",
    )


def _half_finished(folder: Path, result: Result) -> InputError:
    why = f" ({' '.join(result['failure'].split())})" if "failure" in result else ""
    return InputError(
        str(folder),
        found=f"a run that is {result['status']}{why}",
        allowed="a complete run",
        remedy="run it again, which goes on from its checkpoint, or leave it out",
    )


def _finished(label: str, folder: Path, result: Result) -> FinishedRun:
    plan = yaml.safe_load((folder / "plan.yaml").read_text(encoding="utf-8"))
    target = json.dumps(plan.get("target"), sort_keys=True)
    return FinishedRun(label, folder, result, _patient(result, plan), target)


def _patient(result: Result, plan: dict[str, Any]) -> str:
    files = {
        digest for place, digest in result["inputs"].items() if any(place.startswith(name) for name in _OF_THE_PATIENT)
    }
    whom = sorted(files) or [json.dumps(plan["patient"].get("layers"), sort_keys=True)]
    return hashlib.sha256(json.dumps(whom).encode()).hexdigest()
