# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a result rests on: versions of the programs, and every tissue constant with its source."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import imagio_sim
from imagio_sim.plan import Scenario
from imagio_sim.tissue import load_constants, load_tissue, source_text
from imagio_sim.tissue.death import death_records
from imagio_sim.tissue.value import Value

PACKAGES = ("numpy", "scipy", "pyvista", "meshio", "nibabel", "SimpleITK", "highdicom", "h5py")


def versions() -> dict[str, str]:
    """Versions of everything that takes part in a result."""
    import dolfinx
    from petsc4py import PETSc

    found = {"imagio-sim": imagio_sim.__version__, "python": platform.python_version()}
    found |= {"dolfinx": dolfinx.__version__, "petsc": ".".join(map(str, PETSc.Sys.getVersion()))}
    for package in PACKAGES:
        found[package] = metadata.version(package)
    return found


def tissue_record(scenario: Scenario, names: Sequence[str]) -> dict[str, Any]:
    """Every value of the named tissues, law constant and death-model parameter, as text with its source."""
    overrides = scenario.tissue_overrides()
    tissues = {
        name: {key: written(value) for key, value in load_tissue(name, overrides.get(name)).values.items()}
        for name in names
    }
    return {
        "tissues": tissues,
        "laws": {name: written(value) for name, value in load_constants().items()},
        "death_models": {
            name: {key: written(value) for key, value in record.parameters.items()}
            for name, record in death_records().items()
        },
    }


def written(value: Value) -> dict[str, str]:
    """A sourced value for people and files."""
    spread = f"sd {value.sd:g}" if value.sd is not None else ""
    if value.low is not None and value.high is not None:
        spread = f"{value.low:g} to {value.high:g}"
    return {
        "value": f"{value.value:g} {value.unit}",
        "spread": spread,
        "source": source_text(value),
        "evidence": value.evidence,
    }
