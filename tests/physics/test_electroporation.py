# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tissue that opens in a strong field."""

from typing import Any

import numpy as np
import pytest
from dolfinx import fem, mesh
from mpi4py import MPI

from imagio_sim.physics.arithmetic import UFL
from imagio_sim.physics.electroporation import (
    duty,
    permeabilised_share,
    permeabilised_share_slope,
    pulsed_conductivity,
)
from imagio_sim.tissue import load_tissue, tissue_names
from imagio_sim.tissue.arithmetic import NUMPY, Arithmetic
from imagio_sim.tissue.death.electroporation import peleg_fermi

LIVER = {"onset_field": 35e3, "saturation_field": 70e3}


def conductivity(field: Any, xp: Arithmetic = NUMPY) -> Any:
    return pulsed_conductivity(permeabilised_share(field, **LIVER, xp=xp), intact=0.08, electroporated=0.32)


def test_conductivity_rises_from_intact_to_electroporated_between_the_two_fields() -> None:
    fields = np.linspace(0.0, 100e3, 401)
    values = conductivity(fields)
    assert np.all(values[fields <= 35e3] == 0.08)
    assert np.all(values[fields >= 70e3] == 0.32)
    assert np.all(np.diff(values) >= 0.0)
    assert conductivity(52.5e3) == pytest.approx(0.2)


def test_the_slope_is_the_derivative() -> None:
    fields, h = np.linspace(20e3, 90e3, 141) + 0.5, 1.0
    numeric = (
        permeabilised_share(fields + h, **LIVER, xp=NUMPY) - permeabilised_share(fields - h, **LIVER, xp=NUMPY)
    ) / (2.0 * h)
    np.testing.assert_allclose(permeabilised_share_slope(fields, **LIVER, xp=NUMPY), numeric, atol=1e-9)


@pytest.mark.parametrize(
    "law", [conductivity, lambda e, xp: peleg_fermi(e, critical_field=26.9e3, field_width=2e3, xp=xp)]
)
def test_symbolic_and_numeric_laws_agree(law: Any) -> None:
    line = mesh.create_interval(MPI.COMM_WORLD, 200, [0.0, 120e3])
    space = fem.functionspace(line, ("P", 1))
    field = fem.Function(space)
    field.interpolate(lambda x: x[0])
    result = fem.Function(space)
    result.interpolate(fem.Expression(law(field, UFL), space.element.interpolation_points()))
    np.testing.assert_allclose(result.x.array, law(field.x.array, NUMPY), rtol=1e-10)


def test_the_field_is_on_for_the_width_of_every_pulse() -> None:
    assert duty(90e-6, 1.5) == pytest.approx(1.35e-4)


@pytest.mark.parametrize("name", tissue_names())
def test_every_tissue_says_how_it_opens_and_none_closes_in_the_field(name: str) -> None:
    tissue = load_tissue(name)
    assert tissue.value("electroporated_conductivity") >= tissue.value("intact_conductivity")
    assert tissue.value("electroporation_saturation_field") > tissue.value("electroporation_onset_field")
