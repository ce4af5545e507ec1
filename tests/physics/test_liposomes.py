# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes: release against temperature, and what flows between the compartments."""

from typing import Any

import numpy as np
import pytest
from dolfinx import fem, mesh
from hypothesis import given
from hypothesis import strategies as st
from mpi4py import MPI

from imagio_sim.pharmacy.liposomes import liposome_names, load_liposomes
from imagio_sim.physics.arithmetic import UFL
from imagio_sim.physics.liposomes import (
    BodyKinetics,
    LiposomeTissue,
    body_rates,
    interpolated_rate,
    mixed_permeability,
    tissue_flows,
    tissue_rates,
)
from imagio_sim.tissue.arithmetic import NUMPY, Arithmetic

TEMPERATURES, RATES = (37.0, 39.5, 41.5), (1e-5, 0.16, 0.97)
BODY = BodyKinetics(2.9e-3, 1.5e-4, 1.4e-5, 0.0177, 1.7e-5, 1.83, 1.4e-5, 0.071, 8e-6)
LIVER = LiposomeTissue(0.1, 0.15, 0.012, 0.013, 4e-5, 4e-4, 0.02)


def release(temperature: Any, xp: Arithmetic = NUMPY) -> Any:
    return interpolated_rate(temperature, temperatures=TEMPERATURES, rates=RATES, xp=xp)


def test_release_is_that_of_the_table_at_its_temperatures_and_held_beyond_them() -> None:
    assert release(np.array(TEMPERATURES)) == pytest.approx(np.array(RATES), rel=1e-12)
    assert release(np.array([-40.0, 20.0])) == pytest.approx(RATES[0])
    assert release(np.array([60.0, 110.0])) == pytest.approx(RATES[-1])


def test_release_is_geometric_between_the_entries() -> None:
    assert float(release(40.5)) == pytest.approx(np.sqrt(RATES[1] * RATES[2]))


@pytest.mark.parametrize("name", liposome_names())
@given(cooler=st.floats(-50.0, 150.0), warmer=st.floats(-50.0, 150.0))
def test_no_liposome_releases_less_where_it_is_warmer(name: str, cooler: float, warmer: float) -> None:
    table = load_liposomes(name).release_rate
    cooler, warmer = sorted((cooler, warmer))
    rates = [
        float(interpolated_rate(t, temperatures=table.temperatures, rates=table.numbers, xp=NUMPY))
        for t in (cooler, warmer)
    ]
    assert 0.0 < rates[0] <= rates[1] * (1.0 + 1e-12)


def test_release_is_the_same_as_a_symbolic_expression() -> None:
    line = mesh.create_interval(MPI.COMM_SELF, 50, [30.0, 50.0])
    space = fem.functionspace(line, ("P", 1))
    temperature, found = fem.Function(space), fem.Function(space)
    temperature.interpolate(lambda x: x[0])
    found.interpolate(fem.Expression(release(temperature, UFL), space.element.interpolation_points()))
    assert found.x.array == pytest.approx(release(temperature.x.array), rel=1e-12)


def test_nothing_is_made_or_lost_in_tissue_and_body() -> None:
    tissue, body = np.array([3.0, 0.5, 1.0, 2.0, 8.0]) * 1e-3, np.array([9.0, 2.0, 4.0, 1.0, 3.0]) * 1e-5
    flows = tissue_flows(
        LIVER, plasma_flow=0.007, release=0.4, extravasation=1e-5, interstitium_free=tissue[3], cells=tissue[4]
    )
    encapsulated, free = 0.03, 0.001
    arriving = flows.inflow * (encapsulated + free) - flows.outflow * tissue[0] - flows.free_outflow * tissue[2]
    assert sum(tissue_rates(tissue, flows, encapsulated=encapsulated, free=free)) == pytest.approx(arriving, rel=1e-12)
    assert sum(body_rates(body, BODY)) == pytest.approx(0.0, abs=1e-20)


def test_bound_drug_passes_walls_like_its_protein() -> None:
    assert mixed_permeability(0.0, free=4e-6, bound=1e-8) == 4e-6
    assert mixed_permeability(1.0, free=4e-6, bound=1e-8) == 1e-8
    assert mixed_permeability(0.75, free=4e-6, bound=0.0) == pytest.approx(1e-6)
