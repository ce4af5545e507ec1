# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug around one bead, or along a vessel full of beads, in the share of tissue that is its own.

A drug travels some tenths of a millimetre, which no patient's mesh resolves. So one *unit cell* is solved along its
radius: drug leaves the core by ion exchange (``physics.bead``), diffuses in the fluid of the interstitium, free and
bound to protein, is taken up and given back by cells, and washed out by blood and lymph into the plasma
(``physics.transport``). Where the drug has killed the tissue both stop (``solve.drug_vessels``). Nothing passes the
outer surface, half-way to the next bead. Instead of exchanging ions a bead may be a sphere that the drug diffuses out
of (Fick).

Linear elements on a graded interval with the weight 4 pi r^2 or 2 pi r, lumped mass; in time the resulting stiff system
is left to Radau's method of order five, whose Newton steps conserve the amount because their matrix does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from imagio_sim.errors import SolverFailure
from imagio_sim.pharmacy.drugs import Drug
from imagio_sim.physics.bead import exchange_flux
from imagio_sim.physics.transport import binding, clearance_to_blood, efflux, uptake
from imagio_sim.solve.bead_cores import Core, FickianBead
from imagio_sim.solve.bead_scale_solution import BeadScaleSolution
from imagio_sim.solve.drug_kinetics import PlasmaKinetics
from imagio_sim.solve.drug_vessels import ClosingVessels
from imagio_sim.solve.radial import GRADING, TOLERANCE, RadialLayer, radial_operators
from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.library import Tissue

Floats = NDArray[np.float64]

BODY = ("plasma", "peripheral_1", "peripheral_2", "cleared")
"""What the blood carries away is in one of these [mol per core]."""

# Below this effect of the drug the slope of survival, which may be infinite at nothing, is that here.
_LEAST_EFFECT = 1e-9
# Points in time, besides those asked for, at which exposure is summed up.
_EXPOSURE_TIMES = 300


@dataclass(frozen=True)
class Surroundings:
    """Tissue and a drug in it.

    Attributes
    ----------
    interstitial_fraction
        Share phi of the tissue that is interstitial fluid.
    free_diffusivity, bound_diffusivity
        In that fluid [m2/s].
    association_rate, dissociation_rate
        Of binding to its protein [1/s].
    largest_uptake, uptake_half, efflux_half
        Of cells, per volume of tissue: U [mol/(m3 s)], K_E [mol/m3 of fluid], K_I [mol/m3 of tissue].
    free_washout, bound_washout
        What blood takes per volume of tissue and concentration [1/s].
    drainage
        Fluid that leaves for lymph, with what it holds, per volume of tissue [1/s].
    """

    interstitial_fraction: float
    free_diffusivity: float
    bound_diffusivity: float
    association_rate: float
    dissociation_rate: float
    largest_uptake: float
    uptake_half: float
    efflux_half: float
    free_washout: float
    bound_washout: float
    drainage: float

    @classmethod
    def of(cls, drug: Drug, tissue: Tissue, *, plasma_flow: float) -> Surroundings:
        """A drug in a tissue of the library, through which plasma flows per volume of tissue [1/s].

        Far from other tissue: as much fluid leaves for lymph as capillaries give.
        """
        cell_density, ratio = tissue.value("cell_density"), tissue.value("interstitial_diffusivity_ratio")
        wall = tissue.value("vessel_surface_density") * tissue.value("vessel_permeability_ratio")
        free, bound = (
            float(clearance_to_blood(plasma_flow, wall * drug.value(f"{state}_vessel_permeability")))
            for state in ("free", "bound")
        )
        return cls(
            interstitial_fraction=tissue.value("interstitial_fraction"),
            free_diffusivity=ratio * drug.value("free_diffusivity"),
            bound_diffusivity=ratio * drug.value("bound_diffusivity"),
            association_rate=drug.value("association_rate"),
            dissociation_rate=drug.value("dissociation_rate"),
            largest_uptake=drug.value("cell_uptake_maximum") * cell_density,
            uptake_half=drug.value("uptake_half_saturation"),
            efflux_half=drug.value("efflux_half_saturation") * cell_density,
            free_washout=free,
            bound_washout=bound,
            drainage=_drainage(tissue),
        )


def _drainage(tissue: Tissue) -> float:
    """What capillaries give to the interstitium of a tissue and lymph takes at the same pressure [1/s]."""
    filtered, drained = tissue.value("filtration_conductance"), tissue.value("lymphatic_conductance")
    pressure = tissue.value("filtration_pressure") - load_constants()["lymph_pressure"].value
    return filtered * drained / (filtered + drained) * pressure


def body_share(body: PlasmaKinetics, cores: float) -> PlasmaKinetics:
    """A body divided by a number of cores: beads, or metres of filled vessel."""
    return replace(
        body,
        plasma_volume=body.plasma_volume / cores,
        clearance=body.clearance / cores,
        peripheral_volumes=(body.peripheral_volumes[0] / cores, body.peripheral_volumes[1] / cores),
        peripheral_flows=(body.peripheral_flows[0] / cores, body.peripheral_flows[1] / cores),
    )


def _body_rates(body: PlasmaKinetics | None) -> Floats:
    """Matrix (4, 4) [1/s] of the amounts in :data:`BODY`; its columns sum to zero."""
    matrix = np.zeros((len(BODY), len(BODY)))
    if body is None:
        return matrix
    for row, (volume, flow) in enumerate(zip(body.peripheral_volumes, body.peripheral_flows, strict=True), 1):
        matrix[row, 0], matrix[row, row] = flow / body.plasma_volume, -flow / volume
        matrix[0, row] = flow / volume
    matrix[3, 0] = body.clearance / body.plasma_volume
    matrix[0, 0] = -matrix[1:, 0].sum()
    return matrix


class UnitCell:
    """A core in its tissue.

    The unknowns are the free drug at all nodes (m,), bound drug and that in cells at the nodes of the tissue (n,), the
    load of the core, the amounts in the body, what has been done to the tissue (n,), and how much of its capillaries is
    closed (n,).

    Parameters
    ----------
    core, surroundings
        What is solved.
    cell_radius
        Outer radius [m].
    body
        The blood's way on, of one core; None where what is washed out is gone at once.
    vessels
        How capillaries close in tissue that the drug kills; None where blood flows on.
    elements
        Number of elements along the radius.
    """

    def __init__(
        self,
        core: Core | FickianBead,
        surroundings: Surroundings,
        *,
        cell_radius: float,
        body: PlasmaKinetics | None = None,
        vessels: ClosingVessels | None = None,
        elements: int = 120,
    ) -> None:
        self.core, self.surroundings, self.cell_radius, self.body = core, surroundings, cell_radius, body
        self.vessels = vessels
        steps = np.linspace(0.0, 1.0, elements + 1) ** GRADING
        self.radii: Floats = core.radius + (cell_radius - core.radius) * steps
        phi = surroundings.interstitial_fraction
        layers = [RadialLayer(self.radii, phi, phi * surroundings.free_diffusivity)]
        self._bound = radial_operators([RadialLayer(self.radii, phi, phi * surroundings.bound_diffusivity)], core.shape)
        if isinstance(core, FickianBead):
            inside = core.radius * (1.0 - steps[::-1])
            layers = [RadialLayer(inside, core.partition, core.partition * core.diffusivity), *layers]
        self._free = radial_operators(layers, core.shape)
        self.surface = len(self._free.radii) - len(self.radii)
        self.volumes: Floats = self._bound.volumes[0]

    @property
    def tissue_volume(self) -> float:
        """Of the cell, without its core [m3, or m2 along a vessel]."""
        return float(self.volumes.sum())

    def solve(self, times: Sequence[float]) -> BeadScaleSolution:
        """Solve from the loaded core and clean tissue up to the last of ``times`` [s, rising, > 0]."""
        from scipy.integrate import solve_ivp

        asked = np.asarray(times, dtype=float)
        first = min(1e-3 * asked[0], 1.0)
        between = np.geomspace(first, asked[-1], _EXPOSURE_TIMES)
        at = np.unique(np.concatenate([[0.0], between, asked]))
        solved = solve_ivp(
            self._rates,
            (0.0, at[-1]),
            self._start(),
            method="Radau",
            t_eval=at,
            jac=self._jacobian,
            rtol=TOLERANCE,
            atol=TOLERANCE * self._scales(),
            first_step=first,
        )
        if not solved.success:
            raise SolverFailure(
                f"the unit cell of a bead could not be solved: {solved.message}",
                last_good_time=float(solved.t[-1]),
                suggestions=("a larger distance between beads", "other constants of the drug"),
            )
        return self._solution(asked, solved.t, solved.y)

    def _solution(self, times: Floats, all_times: Floats, states: Floats) -> BeadScaleSolution:
        free, bound, cells, load, body, _, _ = (part.T for part in np.split(states, self._ends))
        held = load[:, 0]
        if isinstance(self.core, FickianBead):
            held = self.core.partition * free @ self._free.volumes[0]
        free, at = free[:, self.surface :], np.searchsorted(all_times, times)
        return BeadScaleSolution(
            self, times, free[at], bound[at], cells[at], held[at], body[at], all_times, free, cells
        )

    @cached_property
    def _ends(self) -> list[int]:
        """Where in the unknowns the free drug, the bound, that in cells, the load, the body and the effect end."""
        free, tissue = len(self._free.radii), len(self.radii)
        body = free + 2 * tissue + 1 + len(BODY)
        return [free, free + tissue, free + 2 * tissue, free + 2 * tissue + 1, body, body + tissue]

    @property
    def _size(self) -> int:
        return self._ends[5] + len(self.radii)

    def _start(self) -> Floats:
        start = np.zeros(self._size)
        if isinstance(self.core, FickianBead):
            inside = self._free.volumes[0][: self.surface]
            start[: self.surface] = self.core.load / (self.core.partition * inside.sum())
        else:
            start[self._ends[2]] = self.core.load
            start[self._ends[3] + self._into] = self.core.unbound
        return start

    def _scales(self) -> Floats:
        """What is small, of every unknown: shares of what the core could bring about, or one."""
        mean = self.core.load / self.tissue_volume
        dissolved = mean / self.surroundings.interstitial_fraction
        if isinstance(self.core, Core):
            dissolved = min(dissolved, self.core.half_saturation)
        scales = np.full(self._size, self.core.load)
        scales[: self._ends[1]] = dissolved
        scales[self._ends[1] : self._ends[2]] = mean
        scales[self._ends[4] :] = 1.0
        return scales

    def _rates(self, _: float, state: Floats) -> Floats:
        every, bound, cells, load, body, effect, closed = np.split(state, self._ends)
        tissue, volumes, free = self.surroundings, self.volumes, every[self.surface :]
        taken = uptake(free, bound, largest_uptake=tissue.largest_uptake, half_saturation=tissue.uptake_half)
        given = efflux(cells, largest_efflux=tissue.largest_uptake, half_saturation=tissue.efflux_half)
        # of the dissolved drug, free and bound are taken up in proportion; without a division by what may be nothing
        per_concentration = tissue.largest_uptake / (free + bound + tissue.uptake_half)
        bind = tissue.interstitial_fraction * binding(
            free, bound, association_rate=tissue.association_rate, dissociation_rate=tissue.dissociation_rate
        )
        plasma, left = self._plasma(body), 1.0 - closed
        washed = tuple(left * one for one in self._leaving(free, bound, plasma))
        released = self._released(float(load[0]), float(free[0]))
        of_free = -self._free.stiffness @ every
        of_free[self.surface :] += volumes * (given - per_concentration * free - bind - washed[0])
        of_free[self.surface] += released
        of_bound = volumes * (bind - per_concentration * bound - washed[1]) - self._bound.stiffness @ bound
        carried = self._body_matrix @ body
        carried[self._into] += volumes @ (washed[0] + washed[1])
        per_volume = (of_free / self._free.storage, of_bound / self._bound.storage, taken - given)
        return np.concatenate([*per_volume, [-released], carried, *self._dying(free, effect, closed)])

    def _leaving(self, free: Floats, bound: Floats, plasma: tuple[float, float]) -> tuple[Floats, Floats]:
        """What blood and lymph would take of free and of bound drug (n,) [mol/(m3 s)], were all vessels open."""
        tissue = self.surroundings
        return (
            tissue.free_washout * (free - plasma[0]) + tissue.drainage * free,
            tissue.bound_washout * (bound - plasma[1]) + tissue.drainage * bound,
        )

    def _dying(self, free: Floats, effect: Floats, closed: Floats) -> tuple[Floats, Floats]:
        """Rates (n,) [1/s] of the effect of the drug, and of the closed share of the capillaries."""
        if self.vessels is None:
            return np.zeros_like(effect), np.zeros_like(closed)
        death = self.vessels.death
        dead = 1.0 - death.survival(np.maximum(effect, 0.0))
        return death.rate(free), np.asarray((dead - closed) / self.vessels.delay)

    def _released(self, load: float, concentration: float) -> float:
        """Rate at which an ion exchanger gives drug to the fluid at its surface [mol/s]; none of another core."""
        if isinstance(self.core, FickianBead):
            return 0.0
        flux = exchange_flux(
            load,
            concentration,
            capacity=self.core.capacity,
            half_saturation=self.core.half_saturation,
            exchange_rate=self.core.exchange_rate,
        )
        return float(flux)

    @cached_property
    def _body_matrix(self) -> Floats:
        return _body_rates(self.body)

    def _plasma(self, body: Floats) -> tuple[float, float]:
        """Concentrations of free and of bound drug in plasma [mol/m3]."""
        if self.body is None:
            return 0.0, 0.0
        concentration = float(body[0] / self.body.plasma_volume)
        return self.body.unbound_share * concentration, (1.0 - self.body.unbound_share) * concentration

    @property
    def _into(self) -> int:
        """Which of :data:`BODY` takes what is washed out."""
        return 0 if self.body else BODY.index("cleared")

    def _jacobian(self, _: float, state: Floats) -> Any:
        """Derivatives of the rates. Column by column, what one unknown loses others gain, so that amounts are kept."""
        every, bound, cells, _load, body, effect, closed = np.split(state, self._ends)
        volumes, given, left = sparse.diags(self.volumes), self._efflux_slope(cells), 1.0 - closed
        (ff, fb), (bf, bb) = self._fluid_slopes(every[self.surface :], bound, left)
        taken, place = sparse.diags(self._uptake_slope(every[self.surface :], bound)), self._place
        out, back = self._core_slopes(float(every[self.surface]))
        per_free, per_bound = sparse.diags(1.0 / self._free.storage), sparse.diags(1.0 / self._bound.storage)
        first = place[:, :1]
        of_free = place @ sparse.diags(self.volumes * ff) @ place.T - self._free.stiffness - back * first @ first.T
        of_bound = sparse.diags(self.volumes * bb) - self._bound.stiffness
        from_body, into_body, of_body = self._blood_slopes(left)
        washed = self._washed_by_all(every[self.surface :], bound, body)
        done, dying, closing = self._death_slopes(every[self.surface :], effect)
        return sparse.bmat(
            [
                [
                    per_free @ of_free,
                    per_free @ place @ volumes @ sparse.diags(fb),
                    per_free @ place @ volumes @ sparse.diags(given),
                    out * per_free @ first,
                    per_free @ place @ from_body[0],
                    None,
                    per_free @ place @ sparse.diags(washed[0]),
                ],
                [
                    per_bound @ volumes @ sparse.diags(bf) @ place.T,
                    per_bound @ of_bound,
                    None,
                    None,
                    per_bound @ from_body[1],
                    None,
                    per_bound @ sparse.diags(washed[1]),
                ],
                [taken @ place.T, taken, sparse.diags(-given), None, None, None, None],
                [back * first.T, None, None, sparse.csr_matrix([[-out]]), None, None, None],
                [
                    into_body[0] @ place.T,
                    into_body[1],
                    None,
                    None,
                    of_body,
                    None,
                    -self._blood_row(washed[0] + washed[1]),
                ],
                [sparse.diags(done) @ place.T, None, None, None, None, None, None],
                [None, None, None, None, None, sparse.diags(dying), sparse.diags(closing)],
            ],
            format="csc",
        )

    @cached_property
    def _place(self) -> Any:
        """Matrix (m, n) that puts values of the tissue's nodes among all nodes."""
        return sparse.eye(len(self._free.radii), format="csr")[:, self.surface :]

    def _uptake_slope(self, free: Floats, bound: Floats) -> Floats:
        """Derivative of uptake (n,) [1/s], the same by the free and by the bound concentration."""
        tissue = self.surroundings
        return np.asarray(tissue.largest_uptake * tissue.uptake_half / (free + bound + tissue.uptake_half) ** 2)

    def _efflux_slope(self, cells: Floats) -> Floats:
        tissue = self.surroundings
        return np.asarray(tissue.largest_uptake * tissue.efflux_half / (cells + tissue.efflux_half) ** 2)

    def _fluid_slopes(
        self, free: Floats, bound: Floats, left: Floats
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Derivatives of what free and bound drug gain where they are, by the free and the bound concentration (n,)."""
        tissue, phi = self.surroundings, self.surroundings.interstitial_fraction
        scale = tissue.largest_uptake / (free + bound + tissue.uptake_half) ** 2
        on, off = phi * tissue.association_rate, phi * tissue.dissociation_rate
        free_out, bound_out = (left * (one + tissue.drainage) for one in (tissue.free_washout, tissue.bound_washout))
        of_free = -scale * (bound + tissue.uptake_half) - on - free_out, scale * free + off
        of_bound = scale * bound + on, -scale * (free + tissue.uptake_half) - off - bound_out
        return of_free, of_bound

    def _core_slopes(self, concentration: float) -> tuple[float, float]:
        """Derivatives of the release by the load [1/s] and, negative, by the concentration at the surface [m3/s]."""
        core = self.core
        if isinstance(core, FickianBead):
            return 0.0, 0.0
        filled = core.half_saturation / (concentration + core.half_saturation) ** 2
        return core.exchange_rate, core.exchange_rate * core.capacity * filled

    def _blood_slopes(self, left: Floats) -> tuple[tuple[Any, Any], tuple[Floats, Floats], Floats]:
        """Derivatives of what blood exchanges: tissue by body (n, 4), body by tissue (4, n), body by body (4, 4)."""
        tissue, of_body, plasma = self.surroundings, self._body_matrix.copy(), self._plasma(np.ones(len(BODY)))
        washout = tissue.free_washout, tissue.bound_washout
        flows = tuple(one * left * self.volumes for one in washout)
        leaving = tuple((one + tissue.drainage) * left * self.volumes for one in washout)
        of_body[self._into, 0] -= sum(share * flow.sum() for share, flow in zip(plasma, flows, strict=True))
        free, bound = (
            sparse.csr_matrix(np.outer(share * flow, np.eye(len(BODY))[0]))
            for share, flow in zip(plasma, flows, strict=True)
        )
        return (free, bound), (self._blood_row(leaving[0]), self._blood_row(leaving[1])), of_body

    def _blood_row(self, flows: Floats) -> Floats:
        """What the body gains (4, n) of what leaves the tissue (n,)."""
        row = np.zeros((len(BODY), len(flows)))
        row[self._into] = flows
        return row

    def _washed_by_all(self, free: Floats, bound: Floats, body: Floats) -> tuple[Floats, Floats]:
        """What blood and lymph would take of free and of bound drug (n,) [mol/s], were all vessels open."""
        of_free, of_bound = self._leaving(free, bound, self._plasma(body))
        return self.volumes * of_free, self.volumes * of_bound

    def _death_slopes(self, free: Floats, effect: Floats) -> tuple[Floats, Floats, Floats]:
        """Derivatives (n,) of the rates of dying: the effect's by the free drug, closure's by the effect and itself."""
        if self.vessels is None:
            return np.zeros_like(free), np.zeros_like(free), np.zeros_like(free)
        death, per_delay = self.vessels.death, 1.0 / self.vessels.delay
        slope = death.survival_slope(np.maximum(effect, _LEAST_EFFECT))
        return death.rate_slope(free), -per_delay * slope, np.full_like(free, -per_delay)
