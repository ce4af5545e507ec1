# SPDX-License-Identifier: LGPL-3.0-or-later
"""Volumetric enthalpy as a monotone function of temperature: phases of constant heat capacity and transitions.

Boiling and freezing are the same thing here: between two phases lies a temperature range that takes up a latent
heat and, per kelvin, the mean of the two phases' heat capacities (MITA model, Hall et al. 2015). The enthalpy is
then piecewise linear, strictly rising, and zero at 37 degC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from imagio_sim.errors import InputError
from imagio_sim.tissue.arithmetic import NUMPY, Arithmetic, Operand
from imagio_sim.tissue.laws import REFERENCE_TEMPERATURE
from imagio_sim.tissue.value import Value


@dataclass(frozen=True, eq=False)
class Transition:
    """A change of phase between two temperatures.

    Attributes
    ----------
    low, high
        Range [degC] over which it happens.
    latent_heat
        Heat taken up on the way from ``low`` to ``high`` [J/m3], scalar or per node, beyond the sensible heat.
    """

    low: float
    high: float
    latent_heat: Operand


@dataclass(frozen=True, eq=False)
class Enthalpy:
    """Enthalpy H(T) [J/m3] of a material with any number of phases.

    Attributes
    ----------
    heat_capacities
        Volumetric heat capacity [J/(m3 K)] of each phase, the coldest first; scalars or per node.
    transitions
        What lies between consecutive phases; one fewer than phases, in order of temperature.
    """

    heat_capacities: tuple[Operand, ...]
    transitions: tuple[Transition, ...]

    def __post_init__(self) -> None:
        edges = [edge for transition in self.transitions for edge in (transition.low, transition.high)]
        ordered = all(first < second for first, second in pairwise(edges))
        if len(self.heat_capacities) != len(self.transitions) + 1 or not ordered:
            raise InputError(
                "enthalpy",
                found=f"{len(self.heat_capacities)} phases, transitions at {edges} degC",
                allowed="one transition fewer than phases, in rising order and without overlap",
                remedy="correct the transitions",
            )

    @cached_property
    def _slopes(self) -> tuple[Operand, ...]:
        """dH/dT [J/(m3 K)] of every stretch, coldest first."""
        slopes: list[Operand] = [self.heat_capacities[0]]
        for transition, (colder, warmer) in zip(self.transitions, pairwise(self.heat_capacities), strict=True):
            width = transition.high - transition.low
            slopes += [0.5 * (colder + warmer) + transition.latent_heat / width, warmer]
        return tuple(slopes)

    @cached_property
    def _kinks(self) -> tuple[tuple[float, Operand], ...]:
        """Temperatures [degC] where dH/dT jumps, and by how much [J/(m3 K)]."""
        edges = [edge for transition in self.transitions for edge in (transition.low, transition.high)]
        return tuple(
            (edge, after - before) for edge, (before, after) in zip(edges, pairwise(self._slopes), strict=True)
        )

    def enthalpy(self, temperature: Operand, *, xp: Arithmetic = NUMPY) -> Operand:
        """Enthalpy [J/m3] at a temperature [degC], zero at 37 degC."""
        total = self._slopes[0] * (temperature - REFERENCE_TEMPERATURE)
        for edge, jump in self._kinks:
            total = total + jump * (xp.maximum(temperature, edge) - max(REFERENCE_TEMPERATURE, edge))
        return total

    def heat_capacity_apparent(self, temperature: Operand, *, xp: Arithmetic = NUMPY) -> Operand:
        """dH/dT [J/(m3 K)] at a temperature [degC]; at a kink, the colder side's."""
        total = self._slopes[0]
        for edge, jump in self._kinks:
            total = total + xp.where(xp.greater(temperature, edge), jump, 0.0)
        return total

    def temperature(self, enthalpy: Operand, *, xp: Arithmetic = NUMPY) -> Operand:
        """Temperature [degC] at an enthalpy [J/m3]: the inverse of :meth:`enthalpy`."""
        first = self._kinks[0][0] if self._kinks else REFERENCE_TEMPERATURE
        base = self.enthalpy(first, xp=NUMPY)
        total = first + xp.minimum(enthalpy - base, 0.0) / self._slopes[0]
        edges = [edge for edge, _ in self._kinks] or [first]
        for index, edge in enumerate(edges):
            slope = self._slopes[index + 1] if self._kinks else self._slopes[0]
            rest = xp.maximum(enthalpy - self.enthalpy(edge, xp=NUMPY), 0.0) / slope
            total = total + (xp.minimum(rest, edges[index + 1] - edge) if index + 1 < len(edges) else rest)
        return total


def tissue_enthalpy(
    *,
    heat_capacity: Operand,
    water_content: Operand,
    constants: Mapping[str, Value],
    freezing: bool,
) -> Enthalpy:
    """Enthalpy of tissue whose water boils off and, where a plan uses cold, freezes.

    Parameters
    ----------
    heat_capacity
        Volumetric heat capacity [J/(m3 K)] of the wet tissue, scalar or per node.
    water_content
        Volume fraction of water, of the same shape or scalar.
    constants
        From :func:`imagio_sim.tissue.constants.load_constants`, values replaced at will.
    freezing
        Whether the tissue may freeze; without it the wet phase extends to any low temperature.

    Notes
    -----
    A tissue that stores less than the vapour-filled one when wet (inflated lung, air) keeps its own heat capacity:
    drying cannot add any. What freezing takes from the heat capacity and what it gives off are proportional to the
    water content; the constants are measured on liver.
    """
    wet = np.asarray(heat_capacity)
    drying = _boiling(water_content, constants)
    dried = np.minimum(wet, constants["dried_heat_capacity"].value)
    if not freezing:
        return Enthalpy((wet, dried), (drying,))
    frozen = wet - water_content * constants["freezing_heat_capacity_drop"].value
    return Enthalpy((frozen, wet, dried), (_freezing(water_content, constants), drying))


def _boiling(water_content: Operand, constants: Mapping[str, Value]) -> Transition:
    latent_heat = water_content * (constants["water_density"].value * constants["latent_heat"].value)
    low = constants["vaporisation_start"].value
    return Transition(low, low + constants["vaporisation_width"].value, latent_heat)


def _freezing(water_content: Operand, constants: Mapping[str, Value]) -> Transition:
    freezable = water_content * constants["freezable_water_fraction"].value
    latent_heat = freezable * (constants["water_density"].value * constants["latent_heat_of_fusion"].value)
    high = constants["freezing_start"].value
    return Transition(high - constants["freezing_width"].value, high, latent_heat)
