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
from typing import Any

import numpy as np

from imagio_sim.errors import SolverFailure
from imagio_sim.solve.course import Course
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.drug_book import DrugBook
from imagio_sim.solve.drug_death import CellSurroundings
from imagio_sim.solve.drug_death_in_shells import DrugDeathInShells
from imagio_sim.solve.drug_depots import AnyDepot, BeadDepot, DrugConstants, EmulsionDepot, OrganTissue
from imagio_sim.solve.drug_hand_over import (
    amounts_of,
    body_of,
    by_shell,
    exposure_from,
    fields_of,
    set_right,
    state_from,
    with_body,
)
from imagio_sim.solve.drug_kinetics import DepotDrugState, PlasmaKinetics, Step
from imagio_sim.solve.drug_organ import DrugOrgan
from imagio_sim.solve.drug_statement import DrugStatement, amounts, target_mean
from imagio_sim.solve.drug_vessels import CLOSED, VesselsInShells
from imagio_sim.solve.linear import LinearFailure
from imagio_sim.solve.sources.source import SAME_TIME, Deposit, HeatSource, Surroundings

DRUG = "drug"
"""How the name of a drug's source begins."""

# The first step of transport [s], and how much one may be longer than the last.
_FIRST_STEP, _LARGEST_GROWTH = 30.0, 2.0
# A transport step that the solver fails in is halved so many times.
_HALVINGS = 8
_BEGUN = "begun"


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
    vessel_delay
        Time [s] in which capillaries close in tissue that the drug has killed.
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
    vessel_delay: float
    kinetic_tolerance: float = 1.5e-3
    splitting_tolerance: float = 3e-5

    def source(self, surroundings: Surroundings) -> DrugSource:
        """The source on this rank's part of the mesh (collective)."""
        return DrugSource(self, surroundings)


PARTS: tuple[type, ...] = (BeadDepot, EmulsionDepot, DrugConstants, OrganTissue, PlasmaKinetics, DrugSpec)


class DrugSource(HeatSource):
    """A drug in a stage; it gives no heat.

    Attributes
    ----------
    spec, organ
        What was given, and what it meets.
    drug
        Where it is.
    splits
        Steps of exchange and transport so far.
    """

    def __init__(self, spec: DrugSpec, surroundings: Surroundings) -> None:
        self.spec, self._space = spec, surroundings.space
        self.name = f"{DRUG}.{spec.drug}"
        self.organ = DrugOrgan(spec, surroundings)
        shares, case = self.organ.shells.share, surroundings.case
        self._effect = DrugDeathInShells(spec.drug, case.deciding_models, shares, case.death_parameters)
        self._vessels = VesselsInShells(spec.vessel_delay, shares.shape)
        self.organ.kinetics.open_during = self._open_during
        self._exposure: Floats = np.zeros_like(shares)
        self._book, self._step, self._end = DrugBook(), _FIRST_STEP, case.end_time
        self._time = self._pending = self._acted_until = 0.0
        self.splits = 0
        self.drug = self._loaded(DepotDrugState.empty(len(spec.depots), *shares.shape))
        self._plasma, self._in_target = Course(), Course()
        self._note_courses()

    @property
    def _depots(self) -> list[str]:
        """Names of the infusions that brought it."""
        return [depot.name for depot in self.spec.depots]

    def _loaded(self, state: DepotDrugState) -> DepotDrugState:
        """The state with what is given in this stage; what does not lie where fluid can take it is elsewhere."""
        depots, free, plasma = state.depots.copy(), state.free.copy(), state.plasma
        for number, depot in enumerate(self.spec.depots):
            if depot.given <= 0.0:
                continue
            density, share = self.organ.deposited(depot)
            burst = depot.burst_share if isinstance(depot, EmulsionDepot) else 0.0
            unbound = depot.unbound_share * depot.given if isinstance(depot, BeadDepot) else 0.0
            lodged = depot.given - unbound
            depots[number] += (1.0 - burst) * lodged * density
            free = free + burst * lodged * density * self.organ.shells.share
            plasma += unbound
            self._book.loaded += depot.given
            self._book.elsewhere += lodged * (1.0 - share)
        return replace(state, depots=depots, free=free, plasma=plasma)

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
        left, owed, kinetics = duration, 0.0, self.organ.kinetics
        while left > 1e-9 * duration:
            step = min(self._step, left)
            step = 0.5 * left if step < left < 2.0 * step else step
            # the second half of the last exchange and the first of this one are one
            self.drug = kinetics.advance(self.drug, owed + 0.5 * step, self._acted)
            moved = self._moved(self.drug, step)
            factor = (self.spec.splitting_tolerance / max(self._splitting_error(self.drug, moved, step), 1e-30)) ** 0.5
            if step >= 0.5 * self._step or factor < 1.0:
                self._step = step * min(max(factor, 1.0 / _LARGEST_GROWTH), _LARGEST_GROWTH)
            self.drug, owed = moved, 0.5 * step
            left, self.splits = left - step, self.splits + 1
        self.drug = kinetics.advance(self.drug, owed, self._acted)
        error = self._book.error_of(amounts(self.organ, self.drug, self._book))
        self._book.largest_error = max(self._book.largest_error, abs(error))

    def _acted(self, step: Step) -> None:
        """Count what a step of the local exchange did to cells and in plasma."""
        during = CellSurroundings(step.free_mean, self.organ.content(step.cells_mean))
        before = self._effect.surviving
        self._effect.advance(during, step.duration)
        self._vessels.advance(0.5 * (before + self._effect.surviving), step.duration)
        self._exposure = self._exposure + step.duration * step.free_mean
        self._book.corrected_in_exchange += step.corrected
        end = step.state.plasma / self.spec.body.plasma_volume
        self._book.saw_plasma(step.plasma_mean, end, step.duration)
        self._acted_until += step.duration
        self._plasma.add(self._acted_until, end)
        self._in_target.add(self._acted_until, target_mean(self.organ, step.state))

    def _open_during(self, duration: float) -> Floats:
        """Mean share (s, count) of open vessels over the next step of the local exchange."""
        return self._vessels.open_during(self._effect.surviving, duration)

    def _note_courses(self) -> None:
        """Begin the courses of the stage with what there is."""
        self._plasma, self._in_target = Course(), Course()
        plasma = self.drug.plasma / self.spec.body.plasma_volume
        self._plasma.add(0.0, plasma)
        self._book.saw_plasma(plasma, plasma, 0.0)
        self._in_target.add(0.0, target_mean(self.organ, self.drug))

    def _moved(self, state: DepotDrugState, duration: float) -> DepotDrugState:
        """The state after convection and diffusion of what is dissolved."""
        held, fluid, transport = state.free + state.bound, self.organ.kinetics.tissue.fluid, self.organ.transport
        before = held.sum(axis=0) / np.where(self.organ.wet, fluid, 1.0)
        corrected = transport.corrected
        change = (self._transported(before, duration, _HALVINGS) - before) * fluid
        self._book.corrected_in_transport += transport.corrected - corrected
        return replace(
            state,
            free=self._changed(state.free, held, change, self.organ.free_share),
            bound=self._changed(state.bound, held, change, 1.0 - self.organ.free_share),
        )

    def _changed(self, part: Floats, held: Floats, change: Floats, share: float) -> Floats:
        """Free or bound drug (s, count) when a node's fluid gains or loses (count,) [mol/m3 of tissue].

        What comes spreads over the shells as the tissue does, what goes is taken from all that is there alike.
        """
        whole = held.sum(axis=0)
        left = 1.0 + np.where(whole > 0.0, np.minimum(change, 0.0) / np.where(whole > 0.0, whole, 1.0), 0.0)
        return np.asarray(part * np.maximum(left, 0.0) + share * np.maximum(change, 0.0) * self.organ.shells.share)

    def _transported(self, concentration: Floats, duration: float, halvings: int) -> Floats:
        try:
            return self.organ.transport.step(concentration, duration)
        except LinearFailure as failure:
            if halvings == 0:
                raise SolverFailure(
                    f"the transport of {self.spec.drug} diverged: {failure}",
                    last_good_time=self._book.elapsed,
                    suggestions=("a finer mesh (--resolution)", "a shorter wait in each stage"),
                ) from failure
            half = self._transported(concentration, 0.5 * duration, halvings - 1)
            return self._transported(half, 0.5 * duration, halvings - 1)

    def _splitting_error(self, before: DepotDrugState, moved: DepotDrugState, step: float) -> float:
        """Share of all drug that moved in a step, times the share of a node's drug that could: what is nearly wrong."""
        change = np.abs((moved.free + moved.bound - before.free - before.bound).sum(axis=0))
        fastest = self.organ.transport.fastest_rate
        return 0.5 * self.organ.amount(change) / max(self._book.loaded, 1e-300) * min(1.0, step * fastest)

    @property
    def exposure(self) -> Floats:
        """Time integral (count,) [mol s/m3] of the free concentration, mean over the tissue around beads."""
        return self.organ.shells.mean(self._exposure)

    def levels(self) -> dict[str, Floats]:
        """Of every model of death by the drug."""
        return self._effect.levels()

    def survivals(self) -> dict[str, Floats]:
        """By the deciding model, since the stage began."""
        return self._effect.survivals()

    def row(self) -> dict[str, float]:
        """Where the drug is, and its concentration in plasma."""
        drug, where = self.spec.drug, amounts(self.organ, self.drug, self._book)
        shares = {f"{drug}.{place}_mol": amount for place, amount in where.items()}
        return {**shares, f"{drug}.plasma_mol_per_m3": self.drug.plasma / self.spec.body.plasma_volume}

    @property
    def _statement(self) -> DrugStatement:
        return DrugStatement(self.organ, self.drug, self._book, self._exposure)

    def fields(self) -> dict[str, Floats]:
        """Drug and its exposure, what of the cells it has left alive since it was given, and pressure of the fluid."""
        survival = self._effect.survival(self._effect.deciding)
        return {**self._statement.fields(), f"drug_{self.spec.drug}_survival": survival}

    def carried(self) -> dict[str, Floats]:
        """Drug at the nodes, in all and by shell, and what it has done."""
        done = {**self._effect.fields(), **self._vessels.fields()}
        return {**fields_of(self._depots, self.drug, self._exposure), **done}

    def carried_numbers(self) -> dict[str, float]:
        """Drug in the body, the book, and the amounts that the fields hold."""
        held = amounts_of(self.organ, self.carried())
        return {**body_of(self._depots, self.drug), **vars(self._book), **held}

    def take_carried(self, fields: Mapping[str, Floats], numbers: Mapping[str, float]) -> None:
        """Go on from an earlier stage; amounts that a new mesh has changed are set right."""
        fields, corrected = set_right(self.organ, fields, numbers)
        given, brought, loaded = self.drug, state_from(self.organ, self._depots, fields), self._book
        self.drug = with_body(
            self._depots,
            replace(
                given,
                depots=given.depots + brought.depots,
                free=given.free + brought.free,
                bound=given.bound + brought.bound,
                cells=given.cells + brought.cells,
            ),
            {**numbers, "plasma": numbers["plasma"] + given.plasma},
        )
        self._exposure = exposure_from(self.organ, fields)
        self._take_vessels(fields)
        self._effect.begin_with(fields)
        self._book = DrugBook(**{name: numbers[name] for name in DrugBook.names()})
        self._book.loaded += loaded.loaded
        self._book.elsewhere += loaded.elsewhere
        self._book.corrected_at_hand_over += corrected
        self._note_courses()

    def _take_vessels(self, fields: Mapping[str, Floats]) -> None:
        """Go on with the capillaries that were open."""
        self._vessels.take(by_shell(self.organ.shells.share, fields, CLOSED, amount=False))

    def checkpoint_fields(self) -> dict[str, Floats]:
        """Drug at the nodes, what it has done, and what it had done when the stage began."""
        return {**self.carried(), _BEGUN: self._effect.begun}

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Go on from them."""
        brought = state_from(self.organ, self._depots, fields)
        self.drug = with_body(self._depots, brought, body_of(self._depots, self.drug))
        self._exposure = exposure_from(self.organ, fields)
        self._take_vessels(fields)
        self._effect.restore(fields)
        self._effect.begun = fields[_BEGUN]

    def state(self) -> dict[str, Any]:
        """Drug in the body, the book, the courses, and the clocks."""
        return {
            "body": body_of(self._depots, self.drug),
            "book": dict(vars(self._book)),
            "plasma": self._plasma.state(),
            "in_target": self._in_target.state(),
            "time": self._time,
            "pending": self._pending,
            "acted_until": self._acted_until,
            "split_step": self._step,
            "kinetic_step": self.organ.kinetics.duration,
            "splits": self.splits,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.drug = with_body(self._depots, self.drug, state["body"])
        self._book = DrugBook(**state["book"])
        self._plasma, self._in_target = Course.restored(state["plasma"]), Course.restored(state["in_target"])
        self._time, self._pending, self._step = state["time"], state["pending"], state["split_step"]
        self._acted_until = state["acted_until"]
        self.organ.kinetics.duration, self.splits = state["kinetic_step"], state["splits"]

    def statistics(self) -> dict[str, int]:
        """Steps of exchange and transport, and the solver's iterations."""
        return {
            "drug_transport_steps": self.splits,
            "drug_exchange_steps": self.organ.kinetics.steps,
            "drug_exchange_rejected": self.organ.kinetics.rejected,
            "drug_transport_iterations": self.organ.transport.iterations,
            "interstitial_flow_iterations": self.organ.flow.iterations,
        }

    def facts(self) -> dict[str, Any]:
        """Where the drug is, how exactly it was followed, and what body and target have seen of it."""
        return {
            **self._statement.facts(),
            "plasma_course_mol_per_m3": self._plasma.thinned(),
            "target_course_mol_per_m3": self._in_target.thinned(),
            "deciding_model": self._effect.deciding.name,
            "dead_survival": self._effect.deciding.dead_survival,
        }

    def warnings(self) -> list[str]:
        """Whether many beads lie too far apart for their shells to fill the tissue between them."""
        return self._statement.warnings()
