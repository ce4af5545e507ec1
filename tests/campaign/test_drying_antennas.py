# SPDX-License-Identifier: LGPL-3.0-or-later
"""Antennas that dry up the tissue around them: field and drying, which are each other's cause, stay together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from imagio_sim.campaign.case import thermal_case
from imagio_sim.campaign.geometry import read_anatomy, stage_geometry
from imagio_sim.plan import load_scenario
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.stage import Stage
from validation.axisymmetric.study import SCENARIOS, case_of

BARE_TIPS = Path(__file__).parents[2] / "scenarios" / "phantom_mw_axisymmetric.yaml"
NOTABLE = 2e-3
"""Share of the generator's power beyond which a change to and fro is one."""


def bare_tip() -> ThermalCase:
    """An antenna whose inner conductor ends in tissue: near its edge the field has no bound."""
    scenario = load_scenario(BARE_TIPS)
    geometry = stage_geometry(scenario, "choked", read_anatomy(scenario), stage=0, resolution="normal")
    return thermal_case(scenario, "choked", geometry, stage=0)


def changes(stage: Stage, power: float) -> NDArray[np.float64]:
    """Change of the power that reaches tissue from step to step, as a share of the generator's."""
    return np.diff([row["applicator_1.tissue_power_W"] for row in stage.history]) / power


def test_power_does_not_go_to_and_fro_while_tissue_dries() -> None:
    stage = Stage(MPI.COMM_SELF, case_of(load_scenario(SCENARIOS["microwave"]), "axisymmetric", "coarse"))
    while not stage.finished:
        stage.advance()
    found = changes(stage, 30.0)
    turns = (found[1:] * found[:-1] < 0.0) & (np.minimum(np.abs(found[1:]), np.abs(found[:-1])) > NOTABLE)
    assert np.sqrt(np.mean(found**2)) < 0.005
    assert turns.sum() < 10


def test_a_tip_that_dries_within_a_step_is_not_heated_as_if_it_stayed_wet() -> None:
    stage = Stage(MPI.COMM_SELF, bare_tip())
    while stage.time < 2.0:
        stage.advance()
    assert stage.rejected > 0
    assert 100.0 < stage.peak_temperature.max() < 250.0
