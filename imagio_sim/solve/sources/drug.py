# SPDX-License-Identifier: LGPL-3.0-or-later
"""A drug that was brought into an organ: what its depots hold, what moves in the tissue, and what reaches the body.

Local exchange (``solve.drug_kinetics``) and what moves from node to node (``solve.transport``) are split symmetrically
(Strang), on a clock of their own within every step of the stage. Free and bound drug move together, because they reach
their equilibrium in seconds and a step lasts minutes. Everything is at body temperature: no law of how heat changes
these rates is known for longer than minutes, and none is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.errors import SolverFailure
from imagio_sim.physics.transport import washout_rate
from imagio_sim.solve.bead_shells import WIDEST, Shells, fewest
from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.drug_death import CellSurroundings
from imagio_sim.solve.drug_death_in_shells import DrugDeathInShells
from imagio_sim.solve.drug_depots import AnyDepot, BeadDepot, Beads, DrugConstants, EmulsionDepot, Oil, OrganTissue
from imagio_sim.solve.drug_kinetics import Depot, DrugKinetics, DrugState, PlasmaKinetics, Step, TissueKinetics
from imagio_sim.solve.interface import Neighbourhood
from imagio_sim.solve.interstitial_pressure import InterstitialFlow, Interstitium, interstitial_flow
from imagio_sim.solve.linear import LinearFailure
from imagio_sim.solve.sources.source import SAME_TIME, Deposit, HeatSource, Surroundings
from imagio_sim.solve.transport import Carrier, Transport
from imagio_sim.tissue.death import SLOW, death_models, death_records

DRUG = "drug"
"""How the name of a drug's source begins."""
SURVIVAL = "survival/"
"""Prefix of the fields, by death model, that say what survived earlier stages other than temperature."""

# The first step of transport [s], and how much one may be longer than the last.
_FIRST_STEP, _LARGEST_GROWTH = 30.0, 2.0
# A transport step that the solver fails in is halved so many times.
_HALVINGS = 8
# Fluid between the cells of a node below this share is none.
_DRY = 1e-6
# What is deposited elsewhere below this share of a dose is rounding.
_ALL = 1e-6
# Share of the beads in tissue with too few of them to fill it with their shells, above which that is told.
_MANY_SPARSE = 0.05
_DEPOT, _TOTAL, _BEGUN = "depot/", "total/", "begun"
_PLACES, _EXPOSURE = ("free", "bound", "cells"), "exposure"


@dataclass(frozen=True, eq=False)
class DrugSpec:
    """Everything that was given of one drug up to a stage.

    Attributes
    ----------
    drug
        Its name.
    molar_mass, mass_per_amount
        [kg/mol], and of the dose, as doses are written [mg/mol].
    depots
        What holds it, by infusion.
    exchange, body, tissue
        Of the drug, the patient and the organ.
    haematocrit
        Share of the blood that is not plasma.
    target
        Share of each cell (m,) that is target.
    kinetic_tolerance
        Of the local exchange, relative to what the tissue holds.
    splitting_tolerance
        Share of the drug by which a step of exchange and transport in turn may be wrong.
    """

    drug: str
    molar_mass: float
    mass_per_amount: float
    depots: tuple[AnyDepot, ...]
    exchange: DrugConstants
    body: PlasmaKinetics
    tissue: OrganTissue
    haematocrit: float
    target: Floats
    kinetic_tolerance: float = 1.5e-3
    splitting_tolerance: float = 3e-5

    def source(self, surroundings: Surroundings) -> DrugSource:
        """The source on this rank's part of the mesh (collective)."""
        return DrugSource(self, surroundings)


PARTS: tuple[type, ...] = (BeadDepot, EmulsionDepot, DrugConstants, OrganTissue, PlasmaKinetics, DrugSpec)


@dataclass
class _Book:
    """Since the drug was given: amounts [mol], largest concentration [mol/m3] in plasma and when [s], its area.

    ``elsewhere`` was deposited where this organ's tissue is not; the ``corrected`` amounts, without their signs, are
    what had to be added or taken so that the balance closed.
    """

    loaded: float = 0.0
    elsewhere: float = 0.0
    corrected_in_exchange: float = 0.0
    corrected_in_transport: float = 0.0
    corrected_at_hand_over: float = 0.0
    peak: float = 0.0
    peak_time: float = 0.0
    area: float = 0.0
    elapsed: float = 0.0
    largest_error: float = 0.0


class DrugSource(HeatSource):
    """A drug in a stage; it gives no heat."""

    def __init__(self, spec: DrugSpec, surroundings: Surroundings) -> None:
        self.spec, self._space, self._operators = spec, surroundings.space, surroundings.operators
        self.name = f"{DRUG}.{spec.drug}"
        own = self._space.input_cell
        self._volume = self._operators.distributed(np.ones(self._space.cell_count))
        self._target = self._operators.distributed(spec.target[own])
        self._flowing = _blood_left(surroundings)
        tissue = _exchanging(spec.tissue.on(own), self._operators.cell_mean(self._flowing))
        self.flow = self._interstitial_flow(tissue, surroundings.case.numerics.linear_tolerance)
        self._kinetics = self._exchange(tissue, surroundings)
        self._transport = self._movement(tissue)
        self._effect = DrugDeathInShells(spec.drug, surroundings.case.deciding_models, self._shares)
        self._cell_density = self._nodal(tissue.cell_density)
        self._shell_exposure: Floats = np.zeros_like(self._shares)
        self._book, self._step = _Book(), _FIRST_STEP
        self._time, self._pending, self._end = 0.0, 0.0, surroundings.case.end_time
        self.splits = 0
        self.drug = self._loaded(DrugState.empty(len(spec.depots), *self._shares.shape))

    def _nodal(self, cells: Floats) -> Floats:
        return np.asarray(self._operators.distributed(cells) / self._volume)

    def _interstitial_flow(self, tissue: OrganTissue, tolerance: float) -> InterstitialFlow:
        return interstitial_flow(
            self._operators,
            Interstitium(
                tissue.hydraulic_conductivity,
                tissue.filtration,
                tissue.filtration_pressure,
                tissue.drainage,
                tissue.lymph_pressure,
            ),
            tolerance=min(tolerance, 1e-8),
        )

    def _exchange(self, tissue: OrganTissue, surroundings: Surroundings) -> DrugKinetics:
        drug, plasma_flow = self.spec.exchange, surroundings.materials.cells["perfusion_rate"]
        plasma_flow = (1.0 - self.spec.haematocrit) * plasma_flow * tissue.share
        free, bound = (
            self._flowing * self._nodal(_washout(plasma_flow, permeability * tissue.vessel_surface))
            for permeability in (drug.free_permeability, drug.bound_permeability)
        )
        fluid, cells = self._nodal(tissue.fluid), self._nodal(tissue.cell_density)
        fluid = np.where(fluid > _DRY, fluid, 0.0)
        wet = fluid > 0.0
        leaving = np.maximum(self.flow.drained, 0.0) + np.maximum(-self.flow.filtered, 0.0)
        conductance = self._nodal(tissue.diffusivity_ratio) * self._mobility
        shells = self._shells(np.where(wet, conductance, 0.0))
        kinetics = TissueKinetics(
            shells=shells,
            volume=self._volume,
            fluid=fluid,
            association_rate=drug.association_rate,
            dissociation_rate=drug.dissociation_rate,
            free_washout=np.where(wet, free, 0.0),
            bound_washout=np.where(wet, bound, 0.0),
            drainage=np.where(wet, leaving / self._volume, 0.0),
            largest_uptake=np.where(wet, drug.uptake_maximum * cells, 0.0),
            uptake_half=drug.uptake_half,
            efflux_half=drug.efflux_half * cells,
        )
        depots = [self._depot(depot, kinetics) for depot in self.spec.depots]
        return DrugKinetics(
            kinetics, self.spec.body, depots, total=self._space.node_sum, tolerance=self.spec.kinetic_tolerance
        )

    @property
    def _free_share(self) -> float:
        """Share of the drug in the fluid that is free when it is bound and released equally fast."""
        drug = self.spec.exchange
        return drug.dissociation_rate / (drug.association_rate + drug.dissociation_rate)

    @property
    def _mobility(self) -> float:
        """Flux per gradient of the free concentration and share of fluid [m2/s], that of bound drug included."""
        drug, free = self.spec.exchange, self._free_share
        return drug.free_diffusivity + (1.0 - free) / free * drug.bound_diffusivity

    def _depot(self, depot: AnyDepot, kinetics: TissueKinetics) -> Depot:
        own = self._space.input_cell
        if isinstance(depot, EmulsionDepot):
            return Oil(depot.release_rate, self._nodal(depot.washout_rate[own]))
        density = np.where(kinetics.fluid > 0.0, self._nodal(depot.density[own]), 0.0)
        # beads of several infusions share the shells; each has its part of the way to the first one
        part = depot.beads * density / np.maximum(self._bead_density, np.finfo(float).tiny)
        transfer = part * kinetics.shells.transfer
        return Beads(depot.half_saturation, depot.exchange_rate, depot.capacity * density, transfer)

    def _shells(self, conductance: Floats) -> Shells:
        """Around the beads of all infusions together, as if they were of their mean radius."""
        beads = [depot for depot in self.spec.depots if isinstance(depot, BeadDepot)]
        own = self._space.input_cell
        if not beads:
            return Shells.none(self._space.count)
        self._bead_density = np.sum([depot.beads * self._nodal(depot.density[own]) for depot in beads], axis=0)
        radius = sum(depot.beads * depot.radius for depot in beads) / sum(depot.beads for depot in beads)
        return Shells.around(self._bead_density, radius, conductance=conductance, shape=beads[0].shape)

    def _movement(self, tissue: OrganTissue) -> Transport:
        mobility = self._free_share * self._mobility
        carrier = Carrier(tissue.fluid, mobility * tissue.diffusivity_ratio, self.flow.velocity)
        return Transport(
            self._operators,
            carrier,
            neighbourhood=Neighbourhood(self._operators),
            tolerance=1e-12,
            prefix="transport_",
        )

    def _loaded(self, state: DrugState) -> DrugState:
        """The state with what is given in this stage; what does not lie where fluid can take it is elsewhere."""
        depots, free = state.depots.copy(), state.free.copy()
        for number, depot in enumerate(self.spec.depots):
            if depot.given <= 0.0:
                continue
            density, share = self._deposited(depot)
            burst = depot.burst_share if isinstance(depot, EmulsionDepot) else 0.0
            depots[number] += (1.0 - burst) * depot.given * density
            free = free + burst * depot.given * density * self._shares
            self._book.loaded += depot.given
            self._book.elsewhere += depot.given * (1.0 - share)
        return replace(state, depots=depots, free=free)

    def _deposited(self, depot: AnyDepot) -> tuple[Floats, float]:
        """Of a unit amount, density (count,) [1/m3] where there is fluid, and the share that lies there."""
        density = np.where(self._wet, self._nodal(depot.density[self._space.input_cell]), 0.0)
        share = self._space.node_sum(density * self._volume)
        return (density / share, 1.0) if abs(share - 1.0) < _ALL else (density, share)

    @property
    def _shares(self) -> Floats:
        """Share of the tissue of each node in the shells around its beads (s, count)."""
        return self._kinetics.tissue.shells.share

    @property
    def _wet(self) -> NDArray[np.bool_]:
        """Where there is fluid between the cells."""
        return np.asarray(self._kinetics.tissue.fluid > 0.0)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """No heat."""
        return Deposit(np.zeros(self._space.cell_count))

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Let the drug act and move; steps of the stage that are short for a drug are gathered first."""
        self._time, self._pending = self._time + duration, self._pending + duration
        if self._pending >= self._step or self._time >= self._end - SAME_TIME:
            self._advance(self._pending)
            self._pending = 0.0

    def _advance(self, duration: float) -> None:
        """Exchange and transport in turn, in steps of which what moves limits the length."""
        left, owed = duration, 0.0
        while left > 1e-9 * duration:
            step = min(self._step, left)
            step = 0.5 * left if step < left < 2.0 * step else step
            # the second half of the last exchange and the first of this one are one
            self.drug = self._kinetics.advance(self.drug, owed + 0.5 * step, self._acted)
            moved = self._moved(self.drug, step)
            factor = (self.spec.splitting_tolerance / max(self._splitting_error(self.drug, moved, step), 1e-30)) ** 0.5
            if step >= 0.5 * self._step or factor < 1.0:
                self._step = step * min(max(factor, 1.0 / _LARGEST_GROWTH), _LARGEST_GROWTH)
            self.drug, owed = moved, 0.5 * step
            left, self.splits = left - step, self.splits + 1
        self.drug = self._kinetics.advance(self.drug, owed, self._acted)
        self._book.largest_error = max(self._book.largest_error, abs(self._balance_error()))

    def _acted(self, step: Step) -> None:
        """Count what a step of the local exchange did to cells and in plasma."""
        during = CellSurroundings(step.free_mean, self._content(step.cells_mean))
        self._effect.advance(during, step.duration)
        self._shell_exposure = self._shell_exposure + step.duration * step.free_mean
        book = self._book
        book.corrected_in_exchange += step.corrected
        book.elapsed += step.duration
        book.area += step.plasma_mean * step.duration
        if step.plasma_mean > book.peak:
            book.peak, book.peak_time = step.plasma_mean, book.elapsed

    def _content(self, cells: Floats) -> Floats:
        """What one cell holds (s, count) [mol], from what the tissue holds in cells."""
        density = self._cell_density
        return np.asarray(np.where(density > 0.0, cells / np.where(density > 0.0, density, 1.0), 0.0))

    def _moved(self, state: DrugState, duration: float) -> DrugState:
        """The state after convection and diffusion of what is dissolved."""
        held = state.free + state.bound
        before = held.sum(axis=0) / np.where(self._wet, self._kinetics.tissue.fluid, 1.0)
        corrected = self._transport.corrected
        change = (self._transported(before, duration, _HALVINGS) - before) * self._kinetics.tissue.fluid
        self._book.corrected_in_transport += self._transport.corrected - corrected
        return replace(
            state,
            free=self._changed(state.free, held, change, self._free_share),
            bound=self._changed(state.bound, held, change, 1.0 - self._free_share),
        )

    def _changed(self, part: Floats, held: Floats, change: Floats, share: float) -> Floats:
        """Free or bound drug (s, count) when a node's fluid gains or loses (count,) [mol/m3 of tissue].

        What comes spreads over the shells as the tissue does, what goes is taken from all that is there alike.
        """
        whole = held.sum(axis=0)
        left = 1.0 + np.where(whole > 0.0, np.minimum(change, 0.0) / np.where(whole > 0.0, whole, 1.0), 0.0)
        return np.asarray(part * np.maximum(left, 0.0) + share * np.maximum(change, 0.0) * self._shares)

    def _transported(self, concentration: Floats, duration: float, halvings: int) -> Floats:
        try:
            return self._transport.step(concentration, duration)
        except LinearFailure as failure:
            if halvings == 0:
                raise SolverFailure(
                    f"the transport of {self.spec.drug} diverged: {failure}",
                    last_good_time=self._book.elapsed,
                    suggestions=("a finer mesh (--resolution)", "a shorter wait in each stage"),
                ) from failure
            half = self._transported(concentration, 0.5 * duration, halvings - 1)
            return self._transported(half, 0.5 * duration, halvings - 1)

    def _splitting_error(self, before: DrugState, moved: DrugState, step: float) -> float:
        """Share of all drug that moved in a step, times the share of a node's drug that could: what is nearly wrong."""
        change = np.abs((moved.free + moved.bound - before.free - before.bound).sum(axis=0))
        amount = 0.5 * self._space.node_sum(change * self._volume)
        return amount / max(self._book.loaded, 1e-300) * min(1.0, step * self._transport.fastest_rate)

    def _amounts(self) -> dict[str, float]:
        """Where the drug is [mol]."""
        state, volume, total = self.drug, self._volume, self._space.node_sum
        return {
            "beads": total(state.depots.sum(axis=0) * volume),
            "free": total(state.free.sum(axis=0) * volume),
            "bound": total(state.bound.sum(axis=0) * volume),
            "cells": total(state.cells.sum(axis=0) * volume),
            "plasma": state.plasma + float(state.peripheral.sum()),
            "cleared": state.cleared,
            "elsewhere": self._book.elsewhere,
        }

    def _corrected_shares(self) -> dict[str, float]:
        """What had to be added or taken so that the balance closed, as shares of what was given."""
        book, given = self._book, max(self._book.loaded, 1e-300)
        return {
            "exchange": book.corrected_in_exchange / given,
            "transport": book.corrected_in_transport / given,
            "hand_over": book.corrected_at_hand_over / given,
        }

    @property
    def exposure(self) -> Floats:
        """Time integral (count,) [mol s/m3] of the free concentration, mean over the tissue around beads."""
        return self._kinetics.tissue.shells.mean(self._shell_exposure)

    def _balance_error(self) -> float:
        """Relative difference between what is anywhere and what was given."""
        loaded = self._book.loaded
        return sum(self._amounts().values()) / loaded - 1.0 if loaded > 0.0 else 0.0

    def levels(self) -> dict[str, Floats]:
        """Of every model of death by the drug."""
        return self._effect.levels()

    def survivals(self) -> dict[str, Floats]:
        """By the deciding model, since the stage began."""
        return self._effect.survivals()

    def row(self) -> dict[str, float]:
        """Where the drug is, and its concentration in plasma."""
        drug = self.spec.drug
        shares = {f"{drug}.{place}_mol": amount for place, amount in self._amounts().items()}
        return {**shares, f"{drug}.plasma_mol_per_m3": self.drug.plasma / self.spec.body.plasma_volume}

    def fields(self) -> dict[str, Floats]:
        """Drug per volume of fluid (free, bound) and of tissue (cells, depots), exposure, and pressure of the fluid."""
        begin = f"drug_{self.spec.drug}"
        return {
            f"{begin}_free_mol_per_m3": self._dissolved(self.drug.free),
            f"{begin}_bound_mol_per_m3": self._dissolved(self.drug.bound),
            f"{begin}_cells_mol_per_m3": self.drug.cells.sum(axis=0),
            f"{begin}_depot_mol_per_m3": self.drug.depots.sum(axis=0),
            f"{begin}_exposure_mol_s_per_m3": self.exposure,
            "interstitial_pressure_Pa": self.flow.pressure,
        }

    def _dissolved(self, amount: Floats) -> Floats:
        """Mean (count,) [mol/m3 of fluid] over the shells of what is dissolved in them (s, count)."""
        return np.asarray(amount.sum(axis=0) / np.where(self._wet, self._kinetics.tissue.fluid, 1.0))

    def carried(self) -> dict[str, Floats]:
        """Drug at the nodes, in all and by shell, and what it has done."""
        state = self.drug
        depots = {f"{_DEPOT}{one.name}": load for one, load in zip(self.spec.depots, state.depots, strict=True)}
        parts = {name: getattr(state, name) for name in _PLACES}
        shells = {f"{name}/{shell}": row for name, rows in parts.items() for shell, row in enumerate(rows)}
        whole = {name: rows.sum(axis=0) for name, rows in parts.items()}
        exposure = {f"{_EXPOSURE}/{shell}": row for shell, row in enumerate(self._shell_exposure)}
        return {**depots, **whole, **shells, **exposure, **self._effect.fields()}

    def carried_numbers(self) -> dict[str, float]:
        """Drug in the body, the book, and the amounts that the fields hold."""
        held = {name: values for name, values in self.carried().items() if _is_amount(name)}
        amounts = {f"{_TOTAL}{name}": self._space.node_sum(values * self._volume) for name, values in held.items()}
        return {**self._body(), **vars(self._book), **amounts}

    def take_carried(self, fields: Mapping[str, Floats], numbers: Mapping[str, float]) -> None:
        """Go on from an earlier stage; amounts that a new mesh has changed are set right."""
        corrected = self._lost_between_meshes(fields, numbers)
        fields = {name: self._rescaled(name, values, numbers) for name, values in fields.items()}
        given, book = self.drug, self._book
        depots = [
            load + fields.get(f"{_DEPOT}{one.name}", 0.0)
            for one, load in zip(self.spec.depots, given.depots, strict=True)
        ]
        free, bound, cells = (self._by_shell(fields, name) for name in _PLACES)
        self.drug = replace(
            _with_body(given, numbers),
            depots=np.array(depots),
            free=given.free + free,
            bound=given.bound + bound,
            cells=given.cells + cells,
        )
        self._shell_exposure = self._by_shell(fields, _EXPOSURE, amount=False)
        self._effect.begin_with(fields)
        self._book = _Book(**{one.name: numbers[one.name] for one in dataclass_fields(_Book)})
        self._book.loaded += book.loaded
        self._book.elsewhere += book.elsewhere
        self._book.corrected_at_hand_over += corrected

    def _by_shell(self, fields: Mapping[str, Floats], name: str, *, amount: bool = True) -> Floats:
        """Values in the shells (s, count).

        Where an earlier stage had another number of shells, amounts per volume of all tissue are spread over the tissue
        alike, and anything else takes its mean.
        """
        rows = np.array([fields[f"{name}/{shell}"] for shell in range(_shells_in(fields, name))])
        if len(rows) == len(self._shares):
            return rows
        return np.asarray(rows.sum(axis=0) * self._shares if amount else rows.mean(axis=0) * (self._shares > 0.0))

    def _rescaled(self, name: str, values: Floats, numbers: Mapping[str, float]) -> Floats:
        if not _is_amount(name):
            return values
        held = self._space.node_sum(values * self._volume)
        return values * (numbers[f"{_TOTAL}{name}"] / held) if held > 0.0 else values

    def _lost_between_meshes(self, fields: Mapping[str, Floats], numbers: Mapping[str, float]) -> float:
        """Amount [mol], without its sign, by which what is taken over from another mesh differs from what was left."""
        # sums over the shells are handed on as well, but nothing is taken from them
        taken = [name for name in fields if _is_amount(name) and name not in _PLACES]
        return sum(
            abs(self._space.node_sum(fields[name] * self._volume) - numbers[f"{_TOTAL}{name}"]) for name in taken
        )

    def _body(self) -> dict[str, float]:
        """Amounts in the body [mol]."""
        first, second = self.drug.peripheral
        return {
            "plasma": self.drug.plasma,
            "peripheral_1": float(first),
            "peripheral_2": float(second),
            "cleared": self.drug.cleared,
        }

    def checkpoint_fields(self) -> dict[str, Floats]:
        """Drug at the nodes, what it has done, and what it had done when the stage began."""
        return {**self.carried(), _BEGUN: self._effect.begun}

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Go on from them."""
        depots = np.array([fields[f"{_DEPOT}{one.name}"] for one in self.spec.depots])
        free, bound, cells = (self._by_shell(fields, name) for name in _PLACES)
        self.drug = replace(self.drug, depots=depots, free=free, bound=bound, cells=cells)
        self._shell_exposure = self._by_shell(fields, _EXPOSURE, amount=False)
        self._effect.restore(fields)
        self._effect.begun = fields[_BEGUN]

    def state(self) -> dict[str, Any]:
        """Drug in the body, the book, and both clocks."""
        clocks = {
            "time": self._time,
            "pending": self._pending,
            "split_step": self._step,
            "kinetic_step": self._kinetics.duration,
            "splits": self.splits,
        }
        return {"body": self._body(), "book": dict(vars(self._book)), **clocks}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.drug = _with_body(self.drug, state["body"])
        self._book = _Book(**state["book"])
        self._time, self._pending, self._step = state["time"], state["pending"], state["split_step"]
        self._kinetics.duration, self.splits = state["kinetic_step"], state["splits"]

    def statistics(self) -> dict[str, int]:
        """Steps of exchange and transport, and the solver's iterations."""
        return {
            "drug_transport_steps": self.splits,
            "drug_exchange_steps": self._kinetics.steps,
            "drug_exchange_rejected": self._kinetics.rejected,
            "drug_transport_iterations": self._transport.iterations,
            "interstitial_flow_iterations": self.flow.iterations,
        }

    def facts(self) -> dict[str, Any]:
        """Where the drug is, how exactly it was followed, and what the body has seen of it."""
        book, target = self._book, self._space.node_sum(self._target)
        inside = self._kinetics.tissue.volume * self._wet
        speed = np.linalg.norm(self.flow.velocity, axis=1)
        return {
            "drug": self.spec.drug,
            "molar_mass_g_per_mol": 1e3 * self.spec.molar_mass,
            "mg_per_mol": self.spec.mass_per_amount,
            "balance_mol": {"loaded": book.loaded, **self._amounts()},
            "balance_error": self._balance_error(),
            "largest_balance_error": book.largest_error,
            "corrected_share": sum(self._corrected_shares().values()),
            "corrected_shares": self._corrected_shares(),
            "plasma_peak_mol_per_m3": book.peak,
            "plasma_peak_s": book.peak_time,
            "plasma_auc_mol_s_per_m3": book.area,
            "penetration_depth_mm": self._penetration_depth_mm(),
            "particles_per_ml": self._particles_per_ml(),
            "target_share_of_drug": self._in_target() if target > 0.0 else None,
            "interstitial_pressure_mean_Pa": self._space.node_sum(self.flow.pressure * inside)
            / max(self._space.node_sum(inside), 1e-300),
            "interstitial_pressure_highest_Pa": self._space.maximum(self.flow.pressure),
            "interstitial_velocity_highest_um_per_s": 1e6 * self._space.maximum(speed),
            "deciding_model": self._effect.deciding.name,
        }

    def _in_target(self) -> float:
        """Share of what the tissue holds that is in the target."""
        held = self.drug.depots.sum(axis=0) + (self.drug.free + self.drug.bound + self.drug.cells).sum(axis=0)
        return self._space.node_sum(held * self._target) / max(self._space.node_sum(held * self._volume), 1e-300)

    def _penetration_depth_mm(self) -> float | None:
        """How far from a bead the tissue has held a tenth of the exposure beside it, mean over the beads [mm]."""
        shells = self._kinetics.tissue.shells
        if len(shells.share) == 1:
            return None
        depth = _reach(self._shell_exposure, shells.distances)
        number = self._bead_density * self._volume * self._wet
        return 1e3 * self._space.node_sum(number * depth) / max(self._space.node_sum(number), 1e-300)

    def warnings(self) -> list[str]:
        """Whether many beads lie too far apart for their shells to fill the tissue between them."""
        share, drug = self._sparse_share(), self.spec.drug
        if share <= _MANY_SPARSE:
            return []
        warning = (
            f"{100.0 * share:.0f} % of the beads with {drug} lie in tissue with fewer than "
            f"{1e-6 * fewest('sphere'):.0f} of them per ml: {drug} that goes farther than {1e3 * WIDEST:g} mm from a "
            "bead is not followed there, and what beads, tissue and blood hold may be wrong by a quarter of the dose"
        )
        return [warning]

    def _sparse_share(self) -> float:
        """Share of the beads, and so of what they brought, in tissue that their shells do not fill."""
        beads = [depot for depot in self.spec.depots if isinstance(depot, BeadDepot)]
        if not beads:
            return 0.0
        number = self._bead_density * self._volume * self._wet
        sparse = number * (self._bead_density < fewest(beads[0].shape))
        return self._space.node_sum(sparse) / max(self._space.node_sum(number), 1e-300)

    def _particles_per_ml(self) -> dict[str, float]:
        """Highest number of beads per millilitre of tissue, by infusion."""
        own = self._space.input_cell
        return {
            depot.name: 1e-6
            * depot.beads
            * self._space.maximum(np.where(self._wet, self._nodal(depot.density[own]), 0.0))
            for depot in self.spec.depots
            if isinstance(depot, BeadDepot)
        }


def _shells_in(fields: Mapping[str, Floats], name: str) -> int:
    return sum(key.startswith(f"{name}/") for key in fields)


def _is_amount(name: str) -> bool:
    return name.startswith(_DEPOT) or name.partition("/")[0] in _PLACES


def _with_body(state: DrugState, body: Mapping[str, float]) -> DrugState:
    peripheral = np.array([body["peripheral_1"], body["peripheral_2"]])
    return replace(state, plasma=body["plasma"], peripheral=peripheral, cleared=body["cleared"])


def _blood_left(surroundings: Surroundings) -> Floats:
    """Share (count,) of the blood flow that heat, cold and pulses of earlier stages have left."""
    space, case = surroundings.space, surroundings.case
    fields = {name: values[..., space.input_node] for name, values in case.initial_state.items()}
    deciding = [name for name in case.deciding_models if death_records()[name].agent not in SLOW]
    models = death_models(death_records()[name].agent for name in deciding)
    tracker = DeathTracker([model for model in models if model.name in deciding], deciding, space.count)
    if any(name.startswith("death/") for name in fields):
        tracker.restore(fields)
    survival = 1.0 - tracker.dead_fraction()
    for name in deciding:
        survival = survival * fields.get(f"{SURVIVAL}{name}", 1.0)
    return surroundings.materials.living_share(1.0 - survival)


def _exchanging(tissue: OrganTissue, flowing: Floats) -> OrganTissue:
    """The organ with a share (cell_count,) of its capillaries and lymphatic vessels open."""
    return replace(tissue, filtration=tissue.filtration * flowing, drainage=tissue.drainage * flowing)


def _washout(plasma_flow: Floats, permeability_surface: Floats) -> Floats:
    """Clearance to blood [1/s] where any flows."""
    flowing = np.where(plasma_flow > 0.0, plasma_flow, 1.0)
    cleared = washout_rate(plasma_flow=flowing, permeability_surface=permeability_surface, exp=np.exp)
    return np.asarray(np.where(plasma_flow > 0.0, cleared, 0.0))


def _reach(values: Floats, distances: Floats) -> Floats:
    """Distance (count,) at which values (s, count) fall below a tenth of the first, linear between shells."""
    below = values < 0.1 * values[0]
    first = np.where(below.any(axis=0), below.argmax(axis=0), len(values) - 1)
    node = np.arange(values.shape[1])
    near, far = np.maximum(first - 1, 0), first
    drop = values[near, node] - values[far, node]
    share = np.where(drop > 0.0, (values[near, node] - 0.1 * values[0]) / np.where(drop > 0.0, drop, 1.0), 1.0)
    return np.asarray(distances[near, node] + np.clip(share, 0.0, 1.0) * (distances[far, node] - distances[near, node]))
