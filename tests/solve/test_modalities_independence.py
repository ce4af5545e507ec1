# SPDX-License-Identifier: LGPL-3.0-or-later
"""The zone of no modality depends on mesh or time step; radio frequency is in ``test_independence.py``.

Needles that are bodies of revolution are studied in the half plane of radius and height; a pair of needles and a
focused beam, which are not, in three dimensions. The half plane of an antenna's waves has cells of its own, which are
halved in ``test_microwave_verification.py``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.scenarios.cases import require_data
from validation import axisymmetric, independence
from validation.independence.study import REFERENCE, Solved, Variant, case_of, solve, volume_change

pytestmark = pytest.mark.slow

FLAT, SOLID = (Path(package.__path__[0]) for package in (axisymmetric, independence))
STUDIES: dict[str, tuple[Path, str]] = {
    "microwave": (FLAT / "microwave.yaml", "burn"),
    "cryo": (FLAT / "cryo.yaml", "freeze"),
    "laser": (FLAT / "laser.yaml", "burn"),
    "electroporation": (SOLID / "electroporation.yaml", "one_pair"),
    "ultrasound": (SOLID / "ultrasound.yaml", "one_point"),
}
"""Scenario and plan by modality."""
MICROSPHERES = SOLID / "radioembolisation.yaml"
FINER = Variant(size_factor=0.5)
STRICTER = Variant(tolerance_factor=0.25)


@cache
def solved(modality: str, variant: Variant) -> Solved:
    scenario, plan = STUDIES[modality]
    return solve(case_of(plan, variant, half_plane=scenario.parent == FLAT, scenario=scenario))


def change(modality: str, variant: Variant) -> float:
    return abs(volume_change(solved(modality, REFERENCE), solved(modality, variant)))


@pytest.mark.parametrize("modality", STUDIES)
def test_zone_is_independent_of_the_mesh(modality: str) -> None:
    assert solved(modality, FINER).nodes > 2.5 * solved(modality, REFERENCE).nodes
    assert change(modality, FINER) < 0.03


@pytest.mark.parametrize("modality", STUDIES)
def test_zone_is_independent_of_the_time_step(modality: str) -> None:
    assert len(solved(modality, STRICTER).history) > len(solved(modality, REFERENCE).history)
    assert change(modality, STRICTER) < 0.02


def test_zone_of_a_dose_on_voxels_is_independent_of_the_mesh() -> None:
    """It ends where the dose is nine tenths of its plateau, which a mesh that reads it at nodes cuts short."""
    require_data(MICROSPHERES)
    reference, finer = (
        solve(case_of("segment", variant, half_plane=False, scenario=MICROSPHERES)) for variant in (REFERENCE, FINER)
    )
    assert finer.nodes > 2.5 * reference.nodes
    assert abs(volume_change(reference, finer)) < 0.02
