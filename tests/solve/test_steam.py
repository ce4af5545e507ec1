# SPDX-License-Identifier: LGPL-3.0-or-later
"""Latent heat that steam carries through boiling tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.devices.generator import ConstantDrive
from imagio_sim.meshing.phantoms import half_plane
from imagio_sim.solve.discretisation import EdgeOperators
from imagio_sim.solve.materials import Materials
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import CONSTANTS, FIELDS, GENEROUS, finished
from tests.solve.conftest import Floats, discretised
from tests.solve.test_stage import electrode_case

RADIUS_M, LENGTH_M = 0.004, 0.016
HOT, COLD = 130.0, 40.0
"""Of the two ends [degC]: the middle of the column boils, one end is dry and the other wet."""


def materials(rows: int, **constants: float) -> Materials:
    """A column of liver in the half plane, cut into layers; its conductivity without steam does not vary."""
    space = discretised(half_plane(1e3 * RADIUS_M, 1e3 * LENGTH_M, 2, rows))
    fields = {**FIELDS, "thermal_conductivity_slope": 0.0}
    cells = {name: np.full(space.cell_count, value) for name, value in fields.items()}
    start, width = CONSTANTS["vaporisation_start"], CONSTANTS["vaporisation_width"]
    return Materials(EdgeOperators(space), cells, {**CONSTANTS, **constants}, ((start, start + width),), 3.8e6)


def carried(temperature: Floats) -> Floats:
    """Heat flow [W/m] of a column that ends at COLD, by conduction and steam (Kirchhoff's potential)."""
    dry = np.clip((temperature - CONSTANTS["vaporisation_start"]) / CONSTANTS["vaporisation_width"], 0.0, 1.0)
    steam = CONSTANTS["boiling_water_diffusivity"] * FIELDS["latent_heat_0"] * dry
    return np.asarray(FIELDS["thermal_conductivity"] * (temperature - COLD) + steam)


def steady(height: Floats) -> Floats:
    """Temperature [degC] over the height [m] where the same heat passes everywhere."""
    table = np.linspace(COLD, HOT, 100_001)
    return np.interp(height / LENGTH_M, carried(table) / carried(np.array(HOT)), table)


@pytest.mark.parametrize("rows", [4, 7, 40])
def test_layers_pass_the_heat_of_a_boiling_front_however_thick_they_are(rows: int) -> None:
    found = materials(rows)
    operators = found.operators
    height = operators.discretisation.points[:, 1]
    temperature = steady(height)
    coupling = operators.edge_coupling(found.thermal_conductivity(temperature))
    exchanged = coupling * (temperature[operators.edge_end] - temperature[operators.edge_start])
    flow = np.bincount(operators.edge_start, exchanged, len(height))
    flow -= np.bincount(operators.edge_end, exchanged, len(height))
    through = float(carried(np.array(HOT))) / LENGTH_M * np.pi * RADIUS_M**2
    inner = (height > 1e-9) & (height < LENGTH_M - 1e-9)
    assert np.abs(flow[inner]).max() < 1e-6 * through
    assert abs(flow[height < 1e-9].sum()) == pytest.approx(through, rel=1e-6)


def test_steam_adds_nothing_where_nothing_boils() -> None:
    found, without = materials(8), materials(8, boiling_water_diffusivity=0.0)
    for temperature in (60.0, 100.0, 120.0):
        everywhere = np.full(found.operators.discretisation.count, temperature)
        np.testing.assert_allclose(found.thermal_conductivity(everywhere), without.thermal_conductivity(everywhere))


@pytest.fixture(scope="module")
def burns() -> dict[float, Stage]:
    """A cylinder that boils at the plate it is driven through, by diffusivity [m2/s]."""
    case = electrode_case(ConstantDrive(limits=GENEROUS, duration=120.0, kind="power", value=32.0))
    return {
        diffusivity: finished(replace(case, constants={**case.constants, "boiling_water_diffusivity": diffusivity}))
        for diffusivity in (0.0, 1e-8, 1e-7)
    }


def test_steam_keeps_the_balance_of_heat(burns: dict[float, Stage]) -> None:
    for stage in burns.values():
        assert stage.peak_temperature.max() > 100.0
        assert stage.ledger.balance_error < 1e-6


def test_steam_carries_heat_out_of_what_boils(burns: dict[float, Stage]) -> None:
    still, nominal, strong = (stage.temperature.max() for stage in burns.values())
    assert strong < nominal < still
    still, nominal, strong = (float((stage.temperature > 99.0).mean()) for stage in burns.values())
    assert still < nominal < strong
