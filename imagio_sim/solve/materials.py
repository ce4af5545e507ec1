# SPDX-License-Identifier: LGPL-3.0-or-later
"""A case's tissue on the discretised domain: the laws of ``tissue`` bound to this rank's cells and nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.heat import ConductivityLaw
from imagio_sim.tissue import laws
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.blockwise import blockwise
from imagio_sim.tissue.enthalpy import Enthalpy, Transition


class NodalEnthalpy:
    """Heat content [J] of the volume that belongs to each node; implements ``heat.EnthalpyLaw``."""

    def __init__(self, enthalpy: Enthalpy, volume: Floats) -> None:
        self._enthalpy, self._volume = enthalpy, volume

    def __call__(self, temperature: Floats) -> Floats:
        """Enthalpy (count,) [J]."""
        return np.asarray(self._enthalpy.enthalpy(temperature) * self._volume)

    def slope(self, temperature: Floats) -> Floats:
        """Derivative (count,) [J/K]."""
        return np.asarray(self._enthalpy.heat_capacity_apparent(temperature) * self._volume)

    def temperature(self, enthalpy: Floats) -> Floats:
        """Temperature (count,) [degC]."""
        return np.asarray(self._enthalpy.temperature(enthalpy / self._volume))


@dataclass(frozen=True, eq=False)
class Materials:
    """Per-cell laws and nodal sums; ``cells`` are this rank's part of the case's cell fields."""

    operators: EdgeOperators
    cells: Mapping[str, Floats]
    constants: Mapping[str, float]
    transitions: tuple[tuple[float, float], ...]
    blood_heat_capacity: float

    @classmethod
    def of(cls, case: ThermalCase, operators: EdgeOperators) -> Materials:
        """Take this rank's part of a case that every rank has read."""
        own = operators.discretisation.input_cell
        cells = {name: np.ascontiguousarray(values[own]) for name, values in case.cell_fields.items()}
        return cls(operators, cells, case.constants, case.transitions, case.blood_heat_capacity)

    def enthalpy(self) -> NodalEnthalpy:
        """Lumped enthalpy: a node's phases and latent heats are the volume-weighted means of its cells'."""
        volume = self.operators.distributed(np.ones(len(self.operators.cell_volume)))

        def mean(name: str) -> Floats:
            return self.operators.distributed(self.cells[name]) / volume

        transitions = tuple(
            Transition(low, high, mean(f"latent_heat_{number}")) for number, (low, high) in enumerate(self.transitions)
        )
        phases = tuple(mean(f"heat_capacity_{number}") for number in range(len(transitions) + 1))
        return NodalEnthalpy(Enthalpy(phases, transitions), volume)

    @property
    def freezes(self) -> bool:
        """Whether the tissue may freeze: whether its coldest change of phase is the one that begins there."""
        return self.transitions[0][1] == self.constants["freezing_start"]

    def thermal_conductivity(self, temperature: Floats) -> Floats:
        """K (cell_count,) [W/(m K)] at nodal temperatures (count,)."""
        conductivity = self._still_conductivity(temperature)
        warmest = temperature[self._corners].max(axis=0)
        boiling = np.flatnonzero(warmest > self.constants["vaporisation_start"])
        conductivity[boiling] += laws.steam_conductivity(
            temperature[self._corners[:, boiling]].min(axis=0),
            warmest[boiling],
            diffusivity=self.constants["boiling_water_diffusivity"],
            latent_heat=self.cells[f"latent_heat_{len(self.transitions) - 1}"][boiling],
            vaporisation_start=self.constants["vaporisation_start"],
            vaporisation_width=self.constants["vaporisation_width"],
            xp=NUMPY,
        )
        return conductivity

    def _still_conductivity(self, temperature: Floats) -> Floats:
        """K (cell_count,) [W/(m K)] of tissue in which no steam moves."""
        mean = self.operators.cell_mean(temperature)
        if not self.freezes:
            return self._unfrozen_conductivity(mean)
        start = self.constants["freezing_start"]
        unfrozen = self._unfrozen_conductivity(np.maximum(mean, start))
        coldest = temperature[self._corners].min(axis=0)
        cold = np.flatnonzero(coldest < start)
        ice = laws.mean_frozen_fraction(
            coldest[cold],
            temperature[self._corners[:, cold]].max(axis=0),
            freezing_start=start,
            freezing_width=self.constants["freezing_width"],
            xp=NUMPY,
        )
        unfrozen[cold] = laws.freezing_conductivity(
            ice, unfrozen=unfrozen[cold], rise=self.cells["freezing_conductivity_rise"][cold]
        )
        return unfrozen

    @cached_property
    def _corners(self) -> NDArray[np.int32]:
        """Nodes of the cells (d + 1, cell_count), one row per corner: minima over rows are fast."""
        return np.ascontiguousarray(self.operators.discretisation.cells.T)

    def _unfrozen_conductivity(self, temperature: Floats) -> Floats:
        """K (cell_count,) [W/(m K)] of wet tissue at the mean temperature of each cell (cell_count,)."""
        return np.asarray(
            laws.thermal_conductivity(
                temperature,
                reference=self.cells["thermal_conductivity"],
                slope=self.cells["thermal_conductivity_slope"],
                highest=self.constants["conductivity_cap_temperature"],
                xp=NUMPY,
            )
        )

    def conduction(self, middle: Floats) -> Floats | ConductivityLaw:
        """What a heat step takes: K (cell_count,) at the middle of the step, or the law where tissue may freeze."""
        return self.thermal_conductivity if self.freezes else self.thermal_conductivity(middle)

    def electrical_conductivity(self, temperature: Floats) -> Floats:
        """Sigma (cell_count,) [S/m] at nodal temperatures (count,); a cell is as moist as its nodes on average."""
        if not self.freezes:
            return self._unfrozen_electrical_conductivity(temperature)
        start = self.constants["freezing_start"]
        ice = laws.frozen_fraction(
            temperature, freezing_start=start, freezing_width=self.constants["freezing_width"], xp=NUMPY
        )
        left = laws.frozen_conductivity_share(
            self.operators.cell_mean(np.asarray(ice)),
            residual_fraction=self.constants["frozen_electrical_conductivity_fraction"],
        )
        return np.asarray(self._unfrozen_electrical_conductivity(np.maximum(temperature, start)) * left)

    def _unfrozen_electrical_conductivity(self, temperature: Floats) -> Floats:
        return blockwise(
            lambda *cell: np.asarray(
                laws.electrical_conductivity(
                    *cell[:2],
                    reference=cell[2],
                    slope=cell[3],
                    highest=self.constants["conductivity_cap_temperature"],
                    residual_fraction=self.constants["conductivity_residual_fraction"],
                    xp=NUMPY,
                )
            ),
            self.operators.cell_mean(temperature),
            self.operators.cell_mean(self._moisture(temperature)),
            self.cells["electrical_conductivity"],
            self.cells["electrical_conductivity_slope"],
            out=np.empty(len(self.operators.cell_volume)),
        )

    def is_boiling(self, temperature: Floats) -> NDArray[np.bool_]:
        """Whether a node (count,) is losing its water."""
        start = self.constants["vaporisation_start"]
        return np.asarray((temperature > start) & (temperature < start + self.constants["vaporisation_width"]))

    def drying(self, temperature: Floats) -> Floats:
        """Relative loss of electrical conductivity per kelvin (cell_count,) [1/K] where all nodes are boiling."""
        width, residual = self.constants["vaporisation_width"], self.constants["conductivity_residual_fraction"]
        left = residual + (1.0 - residual) * self.operators.cell_mean(self._moisture(temperature))
        return np.asarray((1.0 - residual) / (width * left))

    def _moisture(self, temperature: Floats) -> Floats:
        return np.asarray(
            laws.moisture(
                temperature,
                vaporisation_start=self.constants["vaporisation_start"],
                vaporisation_width=self.constants["vaporisation_width"],
                xp=NUMPY,
            )
        )

    def perfusion_conductance(self) -> Floats:
        """Heat carried by the blood of living tissue per kelvin and node (count,) [W/K]."""
        return self.operators.distributed(self.cells["perfusion_rate"]) * self.blood_heat_capacity

    def living_share(self, dead_fraction: Floats) -> Floats:
        """Factor on the perfusion (count,) at a dead fraction (count,)."""
        return np.asarray(
            laws.perfusion_rate(
                1.0,
                dead_fraction,
                shutdown_start=self.constants["perfusion_shutdown_start"],
                shutdown_end=self.constants["perfusion_shutdown_end"],
                xp=NUMPY,
            )
        )

    def active_share(self, dead_fraction: Floats, temperature: Floats) -> Floats:
        """Factor on perfusion and metabolism (count,): nothing flows or lives in dead tissue, nor in ice."""
        living = self.living_share(dead_fraction)
        if not self.freezes:
            return living
        flowing = laws.flowing_fraction(
            temperature,
            freezing_start=self.constants["freezing_start"],
            perfusion_stop=self.constants["perfusion_stop_temperature"],
            xp=NUMPY,
        )
        return np.asarray(living * flowing)
