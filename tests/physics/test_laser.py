# SPDX-License-Identifier: LGPL-3.0-or-later
"""Optical coefficients and boundary terms in their limits."""

import numpy as np
import pytest
from scipy.optimize import brentq

from imagio_sim.physics.laser import (
    coagulating,
    diffusion_coefficient,
    diffusion_holds,
    effective_attenuation,
    escape_coefficient,
    internal_reflection,
    scattered_share,
)


def transport_decay(absorption: float, scattering: float) -> float:
    """Asymptotic decay [1/m] of the transport equation with isotropic scattering: c atanh(k) = k."""
    albedo = scattering / (absorption + scattering)
    return (absorption + scattering) * brentq(lambda k: albedo * np.arctanh(k) - k, 1e-6, 1.0 - 1e-12)


@pytest.mark.parametrize(("ratio", "excess"), [(2.0, 1 / 6), (5.0, 0.07), (10.0, 0.04)])
def test_diffuse_light_decays_faster_than_transport_says_by_what_the_validity_note_states(
    ratio: float, excess: float
) -> None:
    decay = effective_attenuation(absorption=50.0, reduced_scattering=50.0 * ratio)
    assert decay / transport_decay(50.0, 50.0 * ratio) - 1.0 == pytest.approx(excess, rel=0.07)


def test_the_diffusion_approximation_is_said_to_hold_only_in_tissue_that_scatters_more_than_it_absorbs() -> None:
    found = diffusion_holds(absorption=np.array([50.0, 14.4]), reduced_scattering=np.array([240.0, 10.0]))
    assert found.tolist() == [True, False]


def test_light_decays_at_the_rate_of_absorption_over_diffusion() -> None:
    diffusion = diffusion_coefficient(absorption=60.0, reduced_scattering=1500.0)
    assert effective_attenuation(absorption=60.0, reduced_scattering=1500.0) == pytest.approx(np.sqrt(60.0 / diffusion))


def test_a_mirror_loses_nothing_and_an_open_surface_half_of_the_fluence() -> None:
    assert escape_coefficient(0.0) == 0.0
    assert escape_coefficient(1.0) == 0.5


def test_a_reflecting_surface_loses_light_as_its_partial_currents_say() -> None:
    """Of the outward current phi/4 + J/2 the share R comes back: J = (1 - R) (phi/4 + J/2)."""
    reflected, fluence = 0.53, 3.0
    flux = escape_coefficient(1.0 - reflected) * fluence
    assert flux == pytest.approx((1.0 - reflected) * (fluence / 4.0 + flux / 2.0))


def test_a_surface_without_a_step_in_the_refractive_index_reflects_nothing() -> None:
    assert internal_reflection(1.0) == pytest.approx(0.0, abs=3e-3)


def test_skin_sends_back_about_half_of_the_diffuse_light() -> None:
    """0.493 in the table of Haskell et al. 1994 for 1.4, by another formula."""
    assert internal_reflection(1.4) == pytest.approx(0.5, abs=0.04)


def test_half_coagulated_tissue_is_half_way() -> None:
    assert coagulating(240.0, 1500.0, dead_fraction=0.5) == 870.0


def test_a_beam_in_tissue_that_does_not_absorb_turns_into_diffuse_light() -> None:
    assert scattered_share(absorption=0.0, reduced_scattering=240.0) == 1.0
