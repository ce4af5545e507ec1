# SPDX-License-Identifier: LGPL-3.0-or-later
"""A case on its way from the process that makes it to the ranks that solve it."""

from __future__ import annotations

from pathlib import Path

from imagio_sim.meshing.domain import Domain
from imagio_sim.solve import sources, vessel_lines
from imagio_sim.solve.archive import load_dataclass, save_dataclass
from imagio_sim.solve.case import Numerics, SurfaceCooling, ThermalCase
from imagio_sim.tissue.death.combination import Interaction

PARTS = (ThermalCase, Domain, SurfaceCooling, Numerics, Interaction, *sources.PARTS, *vessel_lines.PARTS)
"""Every class that a case is made of."""


def save_case(case: ThermalCase, path: Path) -> None:
    """Write a case to one file."""
    save_dataclass(case, path)


def load_case(path: Path) -> ThermalCase:
    """Read what :func:`save_case` wrote."""
    case = load_dataclass(path, PARTS)
    assert isinstance(case, ThermalCase)
    return case
