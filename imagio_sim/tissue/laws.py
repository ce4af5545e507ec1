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
