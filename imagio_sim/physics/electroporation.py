# SPDX-License-Identifier: LGPL-3.0-or-later
"""Electroporation: how a strong field opens tissue within a pulse, and the heat of a train of pulses.

During a pulse the field is static: div(sigma grad phi) = 0 with a conductivity that rises where the field opens the
cells' membranes. The laws are written over :class:`~imagio_sim.tissue.arithmetic.Arithmetic`, for numbers, arrays and
symbolic (UFL) expressions alike; the weak form of the field is :func:`imagio_sim.physics.electric.conduction`. What a
train of pulses kills is in :mod:`imagio_sim.tissue.death.electroporation`. Fields in V/m, conductivities in S/m.
"""

from __future__ import annotations

from imagio_sim.tissue.arithmetic import Arithmetic, Operand, smoothstep


def permeabilised_share(field: Operand, *, onset_field: Operand, saturation_field: Operand, xp: Arithmetic) -> Operand:
    """Share of the way from intact to electroporated conductivity at a field strength |E|, 0 to 1.

    Parameters
    ----------
    field
        Field strength during the pulse [V/m], any shape.
    onset_field, saturation_field
        Field at which the rise begins and ends [V/m], of the same shape or scalar.

    Notes
    -----
    A smooth rise with zero slope at both ends. The sources give the two fields and two conductivities and either no
    form in between or a straight line (Go-Smart); the field of a pair of needles differs little between the forms.
    """
    return smoothstep(field, start=onset_field, end=saturation_field, xp=xp)


def permeabilised_share_slope(
    field: Operand, *, onset_field: Operand, saturation_field: Operand, xp: Arithmetic
) -> Operand:
    """Derivative of :func:`permeabilised_share` by the field [m/V]."""
    width = saturation_field - onset_field
    share = xp.minimum(xp.maximum((field - onset_field) / width, 0.0), 1.0)
    return 6.0 * share * (1.0 - share) / width


def pulsed_conductivity(share: Operand, *, intact: Operand, electroporated: Operand) -> Operand:
    """Conductivity during a pulse at 37 degC [S/m] for a permeabilised share (see above)."""
    return intact + (electroporated - intact) * share


def duty(pulse_width: float, repetition_rate: float) -> float:
    """Share of the time in which the field is on: pulse width [s] times repetition rate [1/s].

    Multiplied by it, the Joule heat sigma |E|^2 of a pulse is the heat averaged over pulses. Tissue between needles
    cools over seconds at the least, so that the jumps of each pulse are smoothed out.
    """
    return pulse_width * repetition_rate
