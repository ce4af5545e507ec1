# SPDX-License-Identifier: LGPL-3.0-or-later
"""Print what pip has to install, or what it must leave alone; run by ``environment/setup`` with the system's python3.

The dependencies have one home, ``pyproject.toml``. What DOLFINx was compiled against comes from the
distribution and is pinned at the version found, so that pip never puts another numpy above it.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

COMPILED_TOGETHER = (
    "numpy",
    "scipy",
    "mpi4py",
    "petsc4py",
    "gmsh",
    "fenics-basix",
    "fenics-dolfinx",
    "fenics-ffcx",
    "fenics-ufl",
)


def requirements() -> list[str]:
    """Every dependency of the project, of its campaigns and of its development tools."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["campaign"], *extras["dev"]]


def constraints() -> list[str]:
    """The versions that are already there, e.g. ``numpy==2.2.4``."""
    installed = {
        distribution.metadata["Name"].lower().replace("_", "-"): distribution.version
        for distribution in importlib.metadata.distributions()
    }
    return [f"{name}=={installed[name]}" for name in COMPILED_TOGETHER if name in installed]


if __name__ == "__main__":
    print("\n".join({"requirements": requirements, "constraints": constraints}[sys.argv[1]]()))
