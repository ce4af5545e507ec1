# SPDX-License-Identifier: LGPL-3.0-or-later
"""How tissue properties follow temperature and damage.

Written once over :class:`~imagio_sim.tissue.arithmetic.Arithmetic`: the same function serves nodes and cells of
the fast path and the symbolic forms it is tested against. Temperatures in degC. The constants the laws need are
arguments; their sourced nominal values are in ``constants.yaml``.
"""

from __future__ import annotations

from imagio_sim.tissue.arithmetic import Arithmetic, Operand, smoothstep

REFERENCE_TEMPERATURE = 37.0
"""Temperature [degC] at which the library states its values, and where the enthalpy is zero."""

NO_SPREAD = 1e-6
"""Temperatures that differ by less than this share of the range of freezing or boiling are the same."""


def thermal_conductivity(
    temperature: Operand, *, reference: Operand, slope: Operand, highest: float, xp: Arithmetic
) -> Operand:
    """Thermal conductivity [W/(m K)]: linear in temperature, constant above ``highest`` [degC].

    Parameters
    ----------
    temperature
        [degC], any shape.
    reference, slope
        Value at 37 degC [W/(m K)] and rise [W/(m K2)], of the same shape or scalar.
    highest
        Temperature [degC] above which the rise stops, 100 in the source.

    Notes
    -----
    Source: MITA model, Hall et al. 2015 (doi 10.3109/02656736.2015.1032370). Valid above freezing.
    """
    return reference + slope * (xp.minimum(temperature, highest) - REFERENCE_TEMPERATURE)


def frozen_fraction(temperature: Operand, *, freezing_start: float, freezing_width: float, xp: Arithmetic) -> Operand:
    """Share of the freezable water that is ice, 0 to 1 over the range in which the enthalpy gives off the latent heat.

    Parameters
    ----------
    temperature
        [degC], any shape.
    freezing_start, freezing_width
        Where freezing begins [degC] and over how many kelvin below it takes place.
    """
    share = (freezing_start - temperature) / freezing_width
    return xp.minimum(xp.maximum(share, 0.0), 1.0)


def mean_frozen_fraction(
    coldest: Operand, warmest: Operand, *, freezing_start: float, freezing_width: float, xp: Arithmetic
) -> Operand:
    """Mean of :func:`frozen_fraction` over temperatures spread evenly from ``coldest`` to ``warmest`` [degC].

    A conductivity made of it passes the same heat as the layers of a piece of tissue that the freezing front runs
    through (Kirchhoff's transformation), and changes gradually as the front passes, however narrow the range of
    freezing is.
    """
    solid = freezing_start - freezing_width

    def integral(temperature: Operand) -> Operand:
        partly = freezing_start - xp.minimum(xp.maximum(temperature, solid), freezing_start)
        return partly * partly / (2.0 * freezing_width) + xp.maximum(solid - temperature, 0.0)

    spread = warmest - coldest
    wide = xp.greater(spread, NO_SPREAD * freezing_width)
    middle = frozen_fraction(
        0.5 * (coldest + warmest), freezing_start=freezing_start, freezing_width=freezing_width, xp=xp
    )
    return xp.where(wide, (integral(coldest) - integral(warmest)) / xp.where(wide, spread, 1.0), middle)


def freezing_conductivity(ice: Operand, *, unfrozen: Operand, rise: Operand) -> Operand:
    """Thermal conductivity [W/(m K)] of tissue with a share ``ice`` of its freezable water frozen.

    Parameters
    ----------
    ice
        From :func:`frozen_fraction` or :func:`mean_frozen_fraction`, any shape.
    unfrozen
        Conductivity [W/(m K)] of the wet tissue (:func:`thermal_conductivity`, not below where freezing begins).
    rise
        What the frozen tissue conducts more [W/(m K)], of the same shape or scalar.

    Notes
    -----
    Linear between the two phases, as the constants of the Go-Smart project are (0.5, 1.25 in the middle, 2.0 W/(m K)).
    The rise of the conductivity of ice itself towards lower temperatures is not modelled.
    """
    return unfrozen + rise * ice


def frozen_conductivity_share(ice: Operand, *, residual_fraction: float) -> Operand:
    """Share of its electrical conductivity that tissue keeps with a share ``ice`` of its freezable water frozen.

    Parameters
    ----------
    ice
        From :func:`frozen_fraction`, any shape.
    residual_fraction
        What frozen tissue keeps.

    Notes
    -----
    Linear between the two: current goes through the water that is left. That frozen tissue conducts far less is what
    impedance imaging of ice balls rests on (Daniels and Rubinsky 2011); how much less is uncertain.
    """
    return 1.0 - (1.0 - residual_fraction) * ice


def flowing_fraction(temperature: Operand, *, freezing_start: float, perfusion_stop: float, xp: Arithmetic) -> Operand:
    """Share of the blood flow that goes on, 1 to 0 as tissue cools from where freezing begins to ``perfusion_stop``.

    Parameters
    ----------
    temperature
        [degC], any shape.
    freezing_start, perfusion_stop
        Where ice begins to form [degC] and where the blood stands still [degC], lower.

    Notes
    -----
    The source switches perfusion off at 271 K; the linear fall from the beginning of freezing keeps the heat equation
    solvable. Metabolism goes with the blood. Source: Go-Smart constants.
    """
    left = (temperature - perfusion_stop) / (freezing_start - perfusion_stop)
    return xp.minimum(xp.maximum(left, 0.0), 1.0)


def moisture(temperature: Operand, *, vaporisation_start: float, vaporisation_width: float, xp: Arithmetic) -> Operand:
    """Share of the water that has not boiled off, 1 to 0 over the range in which the enthalpy takes up the latent heat.

    Parameters
    ----------
    temperature
        [degC], any shape.
    vaporisation_start, vaporisation_width
        Where boiling begins [degC] and over how many kelvin it takes place.
    """
    left = (vaporisation_start + vaporisation_width - temperature) / vaporisation_width
    return xp.minimum(xp.maximum(left, 0.0), 1.0)


def steam_conductivity(
    coldest: Operand,
    warmest: Operand,
    *,
    diffusivity: float,
    latent_heat: Operand,
    vaporisation_start: float,
    vaporisation_width: float,
    xp: Arithmetic,
) -> Operand:
    """What steam adds to the thermal conductivity [W/(m K)] of a piece that spans ``coldest`` to ``warmest`` [degC].

    Steam leaves where water boils and condenses where less has boiled off, and the water soaks back: heat flows down
    the gradient of the latent heat that has been taken up, q = -D grad((1 - moisture) L). The mean over the
    temperatures of a piece passes the same heat as its layers do (Kirchhoff's transformation), however few degrees
    boiling takes.

    Parameters
    ----------
    coldest, warmest
        Of the piece [degC], of the same shape.
    diffusivity
        Of the water in boiling tissue [m2/s].
    latent_heat
        Of all its water [J/m3], of the same shape or scalar.
    vaporisation_start, vaporisation_width
        Where boiling begins [degC] and over how many kelvin it takes place.

    Notes
    -----
    Why, and how sure it is: docs/decisions/0004.
    """

    def left(temperature: Operand) -> Operand:
        return moisture(
            temperature, vaporisation_start=vaporisation_start, vaporisation_width=vaporisation_width, xp=xp
        )

    spread = xp.maximum(warmest - coldest, NO_SPREAD * vaporisation_width)
    return diffusivity * latent_heat * (left(coldest) - left(coldest + spread)) / spread


def electrical_conductivity(
    temperature: Operand,
    moisture: Operand,
    *,
    reference: Operand,
    slope: Operand,
    highest: float,
    residual_fraction: float,
    xp: Arithmetic,
) -> Operand:
    """Electrical conductivity [S/m] at RF: rises with temperature, and goes as the water goes.

    Parameters
    ----------
    temperature
        [degC], any shape.
    moisture
        Share of the water left, of the same shape (see :func:`moisture`).
    reference, slope
        Value at 37 degC [S/m] and relative rise [1/K], of the same shape or scalar; slope >= 0.
    highest
        Temperature [degC] above which the rise stops, 100 in the source.
    residual_fraction
        What dry tissue keeps of the conductivity (1e-4 to 1e-2 in the source).

    Notes
    -----
    Source: MITA model, Hall et al. 2015 (linear rise to 373 K, then a linear drop over 5 K). Temperature and moisture
    are separate arguments so that a cell can take the mean moisture of its nodes: docs/decisions/0004.
    """
    rise = 1.0 + slope * (xp.minimum(temperature, highest) - REFERENCE_TEMPERATURE)
    return reference * rise * (residual_fraction + (1.0 - residual_fraction) * moisture)


def perfusion_rate(
    base: Operand, dead_fraction: Operand, *, shutdown_start: float, shutdown_end: float, xp: Arithmetic
) -> Operand:
    """Perfusion rate [1/s] that fades as tissue dies: ``base`` up to one dead fraction, zero from another on.

    Parameters
    ----------
    base
        Perfusion rate of the living tissue [1/s].
    dead_fraction
        1 - survival, in [0, 1].
    shutdown_start, shutdown_end
        Dead fractions between which perfusion falls smoothly, 0.7 and 0.9 in the source's range.

    Notes
    -----
    The source stops perfusion at once where the dead fraction passes 0.8 (range 0.7 to 0.9); the smooth fall over
    that range is centred there and keeps the heat equation solvable. The initial rise of perfusion seen in
    kidney (He 2011) is not modelled. Source: MITA model, Hall et al. 2015.
    """
    return base * (1.0 - smoothstep(dead_fraction, start=shutdown_start, end=shutdown_end, xp=xp))
