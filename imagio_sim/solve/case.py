# SPDX-License-Identifier: LGPL-3.0-or-later
"""A thermal ablation stage reduced to numbers: everything the solver needs, and nothing of files or patients.

A case is made on one rank, written to a file, and read by every rank that solves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.tissue.death.combination import Interaction

if TYPE_CHECKING:
    from imagio_sim.solve.coupling import CouplingSpec
    from imagio_sim.solve.sources.source import SourceSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SurfaceCooling:
    """Heat transfer through a named surface to a fluid: coefficient [W/(m2 K)] and fluid temperature [degC].

    The fluid flows until ``until`` [s] (None: always); ``name`` is what the heat it takes is booked under.
    """

    surface: str
    heat_transfer_coefficient: float
    temperature: float
    name: str
    until: float | None = None


@dataclass(frozen=True)
class Numerics:
    """Tolerances and step limits; the defaults are those of ``docs/decisions/0002``."""

    time_tolerance: float = 0.5
    linear_tolerance: float = 1e-7
    nonlinear_tolerance: float = 1e-3
    first_step: float = 0.25
    shortest_step: float = 1e-3
    longest_powered_step: float = 20.0


@dataclass(frozen=True, eq=False)
class ThermalCase:
    """One stage: domain, tissue as per-cell fields, cooling, and what acts on the tissue.

    Attributes
    ----------
    cell_fields
        Per-cell properties (m,) in SI: ``heat_capacity_<i>`` [J/(m3 K)] of each phase from the coldest on and
        ``latent_heat_<i>`` [J/m3] of each transition between them, ``thermal_conductivity`` [W/(m K)] and its
        ``thermal_conductivity_slope`` [W/(m K2)], ``electrical_conductivity`` [S/m] and its relative
        ``electrical_conductivity_slope`` [1/K], ``perfusion_rate`` [1/s], ``metabolic_heat`` [W/m3].
    transitions
        Temperature range (low, high) [degC] of each change of phase, coldest first.
    lumen_fraction
        Share of each cell (m,) inside a vessel; where all cells around a node are blood, flow holds its temperature.
    vessel_conductance
        Wall area times heat-transfer coefficient per cell (m,) [W/K].
    vessel_shares
        Share of each vessel label in both (m,), by name; they sum to one in every cell. Empty: not told apart.
    body_temperature
        Blood, initial and boundary temperature [degC].
    blood_heat_capacity
        Volumetric, of blood [J/(m3 K)].
    deciding_models
        Names of the death models that decide, one per agent, and that stop perfusion.
    death_parameters
        Numbers in place of the library's, by death model and parameter; empty: all are nominal.
    interactions
        How far pairs of agents depart from independent action; none: all are independent.
    sources
        What acts on the tissue.
    couplings
        Unknowns of lower dimension that exchange heat with it.
    probes_mm
        Points (LPS mm; r-z: the last two) whose temperature is recorded, by name.
    initial_state
        Nodal fields (..., n) that earlier stages left: ``temperature``, ``peak_temperature``, ``death/<model>``.
    carried_numbers
        What sources of earlier stages hand on beside their fields, by the source's name.
    static_cell_fields
        Per-cell labels (m,) that only go to the output.
    constants
        The laws' constants that are not per-cell fields, by name (see ``tissue.laws``).
    """

    domain: Domain
    cell_fields: Mapping[str, Floats]
    transitions: tuple[tuple[float, float], ...]
    vessel_conductance: Floats
    lumen_fraction: Floats
    body_temperature: float
    blood_heat_capacity: float
    constants: Mapping[str, float]
    cooling: tuple[SurfaceCooling, ...]
    deciding_models: tuple[str, ...]
    end_time: float
    numerics: Numerics = field(default_factory=Numerics)
    death_parameters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    interactions: tuple[Interaction, ...] = ()
    sources: tuple[SourceSpec, ...] = ()
    couplings: tuple[CouplingSpec, ...] = ()
    vessel_shares: Mapping[str, Floats] = field(default_factory=dict)
    probes_mm: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    initial_state: Mapping[str, Floats] = field(default_factory=dict)
    carried_numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    static_cell_fields: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
