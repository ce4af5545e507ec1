# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug in liposomes: release by temperature, blood that carries them through tissue, uptake by cells, body.

Tissue is five compartments in every point, each an amount per volume of tissue [mol/m3], in the order of ``TISSUE``;
the body is five amounts [mol], in the order of ``BODY``. What flows from one to another is a rate [1/s] times what the
first holds, so nothing is made or lost. Compartments after Gasselhuber et al. 2010, cells after Eikenberry 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from imagio_sim.tissue.arithmetic import Arithmetic, Operand

TISSUE = ("plasma_encapsulated", "interstitium_encapsulated", "plasma_free", "interstitium_free", "cells")
"""Compartments of the tissue."""
BODY = ("encapsulated", "free", "shallow", "deep", "cleared")
"""Compartments of the body: in plasma encapsulated and free, in other tissue that gives it back soon or late, gone."""


def interpolated_rate(
    temperature: Operand, *, temperatures: Sequence[float], rates: Sequence[float], xp: Arithmetic
) -> Operand:
    """Rate [1/s] at a temperature [degC], from a table of two or more positive rates at rising temperatures.

    Geometric between the entries, held beyond the first and the last: where the table does not fall, neither does it.
    """
    exponent = log(rates[0])
    for number in range(len(rates) - 1):
        width = temperatures[number + 1] - temperatures[number]
        share = xp.minimum(xp.maximum((temperature - temperatures[number]) / width, 0.0), 1.0)
        exponent = exponent + share * log(rates[number + 1] / rates[number])
    return xp.exp(exponent)


@dataclass(frozen=True)
class BodyKinetics:
    """How a body distributes and clears a drug in liposomes and out of them; all linear.

    Attributes
    ----------
    encapsulated_volume
        In which liposomes are distributed [m3].
    encapsulated_uptake
        Rate at which liver and spleen take them up [1/s].
    leakage
        Rate at which they lose drug at body temperature [1/s].
    free_volume, shallow_volume, deep_volume
        In which free drug is distributed [m3].
    clearance, shallow_flow, deep_flow
        Of free drug: out of the body, and to and fro between plasma and the others [m3/s].
    """

    encapsulated_volume: float
    encapsulated_uptake: float
    leakage: float
    free_volume: float
    clearance: float
    shallow_volume: float
    shallow_flow: float
    deep_volume: float
    deep_flow: float


@dataclass(frozen=True, eq=False)
class LiposomeTissue:
    """How a tissue takes up drug, as numbers or per point (count,).

    Attributes
    ----------
    plasma_fraction, interstitial_fraction
        Of the volume.
    extraction, back_exchange
        Permeability times surface of the vessel walls per volume of tissue [1/s], for drug out of liposomes: of what
        is in plasma, and of what is in the interstitium, as much of it as is bound.
    uptake_capacity
        Fastest uptake by cells, per volume of tissue [mol/(m3 s)].
    uptake_half
        Concentration in the interstitial volume at half of that [mol/m3].
    return_half
        Drug in cells per volume of tissue at which they return it half as fast [mol/m3].
    """

    plasma_fraction: Operand
    interstitial_fraction: Operand
    extraction: Operand
    back_exchange: Operand
    uptake_capacity: Operand
    uptake_half: Operand
    return_half: Operand


@dataclass(frozen=True, eq=False)
class TissueFlows:
    """Rates [1/s] between the compartments of a tissue and the plasma, as numbers or per point (count,).

    ``inflow`` is plasma that comes per volume of tissue; the others are per amount of the compartment that they leave.
    """

    inflow: Operand
    outflow: Operand
    free_outflow: Operand
    release: Operand
    extravasation: Operand
    extraction: Operand
    return_to_plasma: Operand
    uptake: Operand
    return_from_cells: Operand


def tissue_flows(
    tissue: LiposomeTissue,
    *,
    plasma_flow: Operand,
    release: Operand,
    extravasation: Operand,
    interstitium_free: Operand,
    cells: Operand,
) -> TissueFlows:
    """All rates of a tissue whose plasma flow is ``plasma_flow`` [1/s].

    ``release`` [1/s] is out of liposomes, ``extravasation`` their permeability times surface per volume of tissue
    [1/s]; ``interstitium_free`` and ``cells`` [mol/m3] of the tissue saturate uptake and return.
    """
    return TissueFlows(
        inflow=plasma_flow,
        outflow=plasma_flow / tissue.plasma_fraction,
        free_outflow=plasma_flow / tissue.plasma_fraction,
        release=release,
        extravasation=extravasation / tissue.plasma_fraction,
        extraction=tissue.extraction / tissue.plasma_fraction,
        return_to_plasma=tissue.back_exchange / tissue.interstitial_fraction,
        uptake=tissue.uptake_capacity / (interstitium_free + tissue.uptake_half * tissue.interstitial_fraction),
        return_from_cells=tissue.uptake_capacity / (cells + tissue.return_half),
    )


def tissue_rates(tissue: Sequence[Operand], flows: TissueFlows, *, encapsulated: Operand, free: Operand) -> list[Any]:
    """How fast the compartments of ``TISSUE`` change [mol/(m3 s)] at plasma concentrations of the body [mol/m3]."""
    carried, lodged, plasma, interstitium, cells = tissue
    extravasated, extracted = flows.extravasation * carried, flows.extraction * plasma
    returned, taken = flows.return_to_plasma * interstitium, flows.uptake * interstitium
    given_back = flows.return_from_cells * cells
    return [
        flows.inflow * encapsulated - flows.outflow * carried - flows.release * carried - extravasated,
        extravasated - flows.release * lodged,
        flows.inflow * free - flows.free_outflow * plasma + flows.release * carried - extracted + returned,
        extracted - returned + flows.release * lodged - taken + given_back,
        taken - given_back,
    ]


def body_rates(body: Sequence[Operand], kinetics: BodyKinetics) -> list[Any]:
    """How fast the amounts of ``BODY`` change [mol/s] by themselves: without infusion and what a region takes."""
    encapsulated, free, shallow, deep, _ = body
    leaked, removed = kinetics.leakage * encapsulated, kinetics.encapsulated_uptake * encapsulated
    eliminated = kinetics.clearance / kinetics.free_volume * free
    to_shallow = kinetics.shallow_flow * (free / kinetics.free_volume - shallow / kinetics.shallow_volume)
    to_deep = kinetics.deep_flow * (free / kinetics.free_volume - deep / kinetics.deep_volume)
    return [
        -leaked - removed,
        leaked - eliminated - to_shallow - to_deep,
        to_shallow,
        to_deep,
        removed + eliminated,
    ]


def mixed_permeability(bound_share: Operand, *, free: Operand, bound: Operand) -> Operand:
    """Permeability [m/s] for a drug of which a share is bound to protein, from those of both forms."""
    return (1.0 - bound_share) * free + bound_share * bound
