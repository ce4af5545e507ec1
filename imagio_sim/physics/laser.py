# SPDX-License-Identifier: LGPL-3.0-or-later
"""Light in tissue by the diffusion approximation: -div(D grad phi) + mu_a phi = source, and the heat mu_a phi.

phi is the fluence rate [W/m2], what falls on a small sphere per cross-section from all sides. Terms are in weak form;
the coefficients are arithmetic and serve numbers, arrays and UFL expressions alike. Lengths in m, powers in W.

Valid where light has been scattered often: absorption much weaker than reduced scattering (see :func:`diffusion_holds`)
and distances of more than one transport length 1/(mu_a + mu_s') from a source or a boundary. Source: Ishimaru 1978; the
boundary terms are those of Haskell et al. 1994 (doi 10.1364/JOSAA.11.002727).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import ufl

Expression: TypeAlias = Any
"""A number, an array or a UFL expression."""


def diffusion_coefficient(*, absorption: Expression, reduced_scattering: Expression) -> Expression:
    """Optical diffusion coefficient D = 1 / (3 (mu_a + mu_s')) [m], from both coefficients [1/m]."""
    return 1.0 / (3.0 * (absorption + reduced_scattering))


def effective_attenuation(*, absorption: Expression, reduced_scattering: Expression) -> Expression:
    """Rate at which diffuse light decays, sqrt(3 mu_a (mu_a + mu_s')) [1/m]."""
    return (3.0 * absorption * (absorption + reduced_scattering)) ** 0.5


def diffusion_holds(*, absorption: Expression, reduced_scattering: Expression) -> Expression:
    """Whether light is scattered often before it is absorbed: mu_s' above twice mu_a.

    The rate of decay far from sources is then at most a sixth above that of the transport equation with isotropic
    scattering (7 % at a factor of five, 4 % at ten). Textbooks ask for ten, which native liver does not have.
    """
    return reduced_scattering > 2.0 * absorption


def coagulating(native: Expression, coagulated: Expression, *, dead_fraction: Expression) -> Expression:
    """An optical coefficient of partly coagulated tissue: the mean of both states by their shares of the volume."""
    return native + (coagulated - native) * dead_fraction


def internal_reflection(refractive_index: float) -> float:
    """Share of diffuse light that a surface to air sends back, for a refractive index of tissue of 1.3 to 1.5.

    Source: the empirical formula of Groenhuis, Ferwerda and Ten Bosch 1983 (doi 10.1364/AO.22.002456).
    """
    return 0.6681 + 0.0636 * refractive_index + 0.7099 / refractive_index - 1.4399 / refractive_index**2


def escape_coefficient(lost_share: Expression) -> Expression:
    """Net flux [W/m2] out of the tissue per fluence rate [W/m2] at a surface that keeps a share of what meets it.

    The partial currents of the diffusion approximation are phi/4 +- J/2; a share l of the outward one is lost and the
    rest comes back, so J = l phi / (2 (2 - l)): 0 for a mirror, phi/2 where nothing comes back, and
    (1 - R) phi / (2 (1 + R)) at a surface with the internal reflection R = 1 - l.
    """
    return lost_share / (2.0 * (2.0 - lost_share))


def light_diffusion(fluence: Expression, test: Expression, *, diffusion: Expression, weight: Expression) -> Expression:
    """Spread of scattered light, in weak form: D grad phi . grad v."""
    return weight * diffusion * ufl.inner(ufl.grad(fluence), ufl.grad(test))


def light_absorption(
    fluence: Expression, test: Expression, *, absorption: Expression, weight: Expression
) -> Expression:
    """Light turned into heat [W/m3 times test]: mu_a phi."""
    return weight * absorption * fluence * test


def light_escape(fluence: Expression, test: Expression, *, lost_share: Expression, weight: Expression) -> Expression:
    """Light lost through a surface [W/m2 times test]. For a surface measure."""
    return weight * escape_coefficient(lost_share) * fluence * test


def light_emission(emitted: Expression, test: Expression, *, weight: Expression) -> Expression:
    """Light [W/m2 times test] that a diffuser's surface sends into the tissue. For a surface measure.

    ``emitted`` is the net flux [W/m2]: what tissue scatters back to a diffuser comes out of it again.
    """
    return weight * emitted * test


def scattered_share(*, absorption: Expression, reduced_scattering: Expression) -> Expression:
    """Share of what a collimated beam loses on its way that turns into diffuse light; the rest is absorbed at once.

    The beam decays with mu_a + mu_s': forward scattering does not end it, which the transport (similarity)
    approximation accounts for by mu_s' in place of mu_s.
    """
    return reduced_scattering / (absorption + reduced_scattering)
