# SPDX-License-Identifier: LGPL-3.0-or-later
"""A block of liver with a tumour, a fat border and a Y of arteries, in files, that tests of infusions share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.nifti import write_nifti
from imagio_sim.anatomy.volume import Grid
from imagio_sim.plan import Scenario, scenario_of
from tests.delivery.trees import FORK, LEFT, arteries, at, block, grid

NAMES = {1: "liver", 2: "tumour", 3: "arteries"}
HALF_WAY_LEFT = [float(x) for x in at((FORK + LEFT) // 2)]
AT_FORK = [float(x) for x in at(FORK)]
TUMOUR = (slice(6, 12), slice(20, 27), slice(6, 14))
"""In the left half, which the left branch feeds."""
TREE = {"label": "arteries"}
ALL = {"labels": ["liver", "tumour"]}


def labels() -> NDArray[np.uint8]:
    """Label numbers (i, j, k)."""
    numbers = np.where(block(), 1, 0).astype(np.uint8)
    numbers[TUMOUR] = 2
    numbers[arteries()] = 3
    return numbers


def bland(territory: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An infusion of bland beads."""
    return {
        "kind": "bland",
        "organ": ["liver"],
        "particles": "bland_100_300",
        "particle_volume": "2 ml",
        "occlusion": "90 %",
        "territory": territory,
        **changes,
    }


def patient(folder: Path, *stages: dict[str, Any], **changes: Any) -> Scenario:
    """The scenario with one plan ``A``."""
    write_nifti(folder / "seg.nii.gz", labels(), grid())
    data = {
        "schema": 1,
        "name": "embolised",
        "question": "What loses its artery?",
        "expected_run_time": "10 s",
        "frame": "LPS",
        "patient": {
            "labels": [{"file": "seg.nii.gz", "names": NAMES}],
            "organ_pack": "liver",
            "tissues": {"tumour": "hcc"},
            "unlabelled": "fat",
            "outside": "fat",
            "body_temperature": "37 degC",
        },
        "target": {"label": "tumour"},
        "plans": {"A": {"stages": list(stages)}},
        "region": {"margin": "10 mm"},
        "solver": {"resolution": "coarse"},
        **changes,
    }
    return scenario_of(data, base=folder, where="embolised.yaml")


def write_uptake(folder: Path, values: NDArray[np.float64], spacing: float = 2.0) -> None:
    """An image of uptake whose first voxel is that of the labels."""
    write_nifti(
        folder / "uptake.nii.gz",
        values.astype(np.float32),
        Grid(tuple(values.shape), np.diag([spacing, spacing, spacing, 1.0])),  # type: ignore[arg-type]
    )
