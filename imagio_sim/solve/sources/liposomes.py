# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug in liposomes: infused into a vein, released where the tissue is warm, taken up where blood brings it.

It gives no heat. Drug moves along the temperatures that the stage has computed, by its own shorter steps, and where the
tissue has died no plasma comes any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np

from imagio_sim.physics.liposomes import (
    TISSUE,
    BodyKinetics,
    LiposomeTissue,
    interpolated_rate,
    mixed_permeability,
)
from imagio_sim.solve.blood_left import fast_deaths, initial_fields, survival_of_others
from imagio_sim.solve.course import Course
from imagio_sim.solve.discretisation import Discretisation, Floats
from imagio_sim.solve.drug_death import CellSurroundings, DrugDeathTracker
from imagio_sim.solve.liposome_kinetics import Conditions, LiposomeKinetics, LiposomeState
from imagio_sim.solve.sources.source import SAME_TIME, Deposit, HeatSource, Surroundings
from imagio_sim.tissue.arithmetic import NUMPY

LIPOSOMES = "liposomes"
# Of everything a former stage handed on, and the names of the books beside the compartments.
_TISSUE_TOTAL, _BODY_AMOUNT, _BOOK = "tissue.", "body.", "book."
_HOUR = 3600.0


@dataclass(frozen=True)
class RateTable:
    """Rates [1/s], or permeabilities [m/s], at rising temperatures [degC]."""

    temperatures: tuple[float, ...]
    rates: tuple[float, ...]

    def at(self, temperature: Floats) -> Floats:
        """The rate (count,) at temperatures (count,)."""
        return np.asarray(interpolated_rate(temperature, temperatures=self.temperatures, rates=self.rates, xp=NUMPY))


@dataclass(frozen=True)
class DrugExchange:
    """How a drug passes vessel walls and cell membranes.

    Attributes
    ----------
    free_permeability, bound_permeability
        Of vessel walls [m/s].
    plasma_bound_share, interstitium_bound_share
        Share bound to protein.
    uptake_maximum
        Of one cell [mol/s].
    uptake_half
        Concentration in the interstitial volume at half of that [mol/m3].
    return_half
        Content of one cell at half its largest return [mol].
    """

    free_permeability: float
    bound_permeability: float
    plasma_bound_share: float
    interstitium_bound_share: float
    uptake_maximum: float
    uptake_half: float
    return_half: float

    def in_tissue(
        self,
        *,
        plasma_fraction: Floats,
        interstitial_fraction: Floats,
        passable_surface: Floats,
        cell_density: Floats,
    ) -> LiposomeTissue:
        """Uptake by tissue (count,); what has neither plasma nor interstitium takes up nothing.

        Parameters as in :class:`LiposomeSpec`.
        """
        exchanging = (plasma_fraction > 0.0) & (interstitial_fraction > 0.0)
        surface = np.where(exchanging, passable_surface, 0.0)
        return LiposomeTissue(
            plasma_fraction=_or_one(plasma_fraction),
            interstitial_fraction=_or_one(interstitial_fraction),
            extraction=surface * self._permeability(self.plasma_bound_share),
            back_exchange=surface * self._permeability(self.interstitium_bound_share),
            uptake_capacity=self.uptake_maximum * cell_density,
            uptake_half=self.uptake_half,
            return_half=self.return_half * _or_one(cell_density),
        )

    def _permeability(self, bound_share: float) -> float:
        return float(mixed_permeability(bound_share, free=self.free_permeability, bound=self.bound_permeability))

    def around_cells(self, state: LiposomeState, tissue: LiposomeTissue, cell_density: Floats) -> CellSurroundings:
        """What cells know of the drug in a tissue."""
        free = (1.0 - self.interstitium_bound_share) / tissue.interstitial_fraction
        return CellSurroundings(
            free * state.tissue[3], np.where(cell_density > 0.0, state.tissue[4] / _or_one(cell_density), 0.0)
        )


def _or_one(values: Floats) -> Floats:
    """One where there is nothing to divide by."""
    return np.where(values > 0.0, values, 1.0)


@dataclass(frozen=True, eq=False)
class LiposomeSpec:
    """One infusion of liposomes.

    Attributes
    ----------
    infusion, drug
        Its name in the plan, and the drug's.
    amount, unencapsulated_share
        Drug that is given [mol], and the share of it that is not in liposomes.
    mass_per_amount
        Of the dose, as doses are written [mg/mol].
    begin, duration
        When the infusion begins [s] of the stage, below zero in a later one, and how long it takes [s].
    body, release, permeability, exchange
        Constants of body, liposomes and drug; ``permeability`` [m/s] is that of vessel walls for liposomes.
    plasma_fraction, interstitial_fraction, cell_density
        Per cell (m,): shares of the volume, and biological cells [1/m3].
    vessel_surface, passable_surface
        Surface of vessel walls per cell (m,) [1/m], and the same as many times as they let more drug through than those
        that its permeability is of.
    haematocrit
        Share of the blood that is not plasma.
    target
        Share of each cell (m,) that is target.
    tolerance
        Of a step of the drug, see :class:`~imagio_sim.solve.liposome_kinetics.LiposomeKinetics`.
    notes
        What a planner has to know beforehand.
    """

    infusion: str
    drug: str
    amount: float
    unencapsulated_share: float
    mass_per_amount: float
    begin: float
    duration: float
    body: BodyKinetics
    release: RateTable
    permeability: RateTable
    exchange: DrugExchange
    plasma_fraction: Floats
    interstitial_fraction: Floats
    vessel_surface: Floats
    passable_surface: Floats
    cell_density: Floats
    haematocrit: float
    target: Floats
    tolerance: float = 5e-3
    notes: tuple[str, ...] = ()

    def source(self, surroundings: Surroundings) -> LiposomeSource:
        """The source on this rank's part of the mesh."""
        return LiposomeSource(self, surroundings)


PARTS: tuple[type, ...] = (BodyKinetics, RateTable, DrugExchange, LiposomeSpec)


@dataclass
class _Book:
    """Since the infusion began: amounts [mol], peak concentrations [mol/m3] and their times [s], areas [mol s/m3].

    ``beyond`` is what an earlier, larger region held outside of the present one.
    """

    given: float = 0.0
    beyond: float = 0.0
    peak: float = 0.0
    peak_time: float = 0.0
    free_peak: float = 0.0
    free_peak_time: float = 0.0
    encapsulated_area: float = 0.0
    free_area: float = 0.0
    largest_error: float = 0.0


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The mesh's nodes as a region of tissue: volume of each (count,) [m3]."""

    space: Discretisation
    volume: Floats

    def amounts(self, densities: Floats) -> Floats:
        """Integrals (k,) of densities (k, count)."""
        owned = self.space.owned
        here = densities[:, :owned] @ self.volume[:owned]
        return np.asarray(self.space.comm.allreduce(here))


class LiposomeSource(HeatSource):
    """An infusion at work."""

    def __init__(self, spec: LiposomeSpec, surroundings: Surroundings) -> None:
        self.spec, self._space, self._materials = spec, surroundings.space, surroundings.materials
        self.name = f"{LIPOSOMES}.{spec.infusion}"
        operators = surroundings.operators
        self._nodes = _Nodes(self._space, operators.distributed(np.ones(self._space.cell_count)))
        own = self._space.input_cell

        def nodal(cells: Floats) -> Floats:
            return np.asarray(operators.distributed(cells) / self._nodes.volume)

        plasma_fraction = nodal(spec.plasma_fraction[own])
        self._vessel_surface = nodal(spec.vessel_surface[own])
        self._perfused_plasma = (1.0 - spec.haematocrit) * nodal(surroundings.materials.cells["perfusion_rate"])
        self._perfused_plasma[plasma_fraction <= 0.0] = 0.0
        self._target = operators.distributed(spec.target[own])
        self._cells = nodal(spec.cell_density[own])
        tissue = spec.exchange.in_tissue(
            plasma_fraction=plasma_fraction,
            interstitial_fraction=nodal(spec.interstitial_fraction[own]),
            passable_surface=nodal(spec.passable_surface[own]),
            cell_density=self._cells,
        )
        self._kinetics = LiposomeKinetics(spec.body, tissue, self._nodes, tolerance=spec.tolerance)
        self._deaths, self._former = fast_deaths(surroundings), survival_of_others(surroundings)
        body_temperature = np.full(self._space.count, surroundings.case.body_temperature)
        self._living = self._living_share(initial_fields(surroundings).get("temperature", body_temperature))
        self._effect = DrugDeathTracker(
            spec.drug, surroundings.case.deciding_models, self._space.count, surroundings.case.death_parameters
        )
        self.drug = LiposomeState.empty(self._space.count)
        self.exposure: Floats = np.zeros(self._space.count)
        self._time, self._book = 0.0, _Book()
        self._plasma_course, self._target_course = Course(), Course()
        self._note_courses()

    def _living_share(self, temperature: Floats) -> Floats:
        dead = 1.0 - (1.0 - self._deaths.dead_fraction()) * self._former
        return self._materials.active_share(dead, temperature)

    def next_event(self, time: float) -> float:
        """When the infusion begins or ends."""
        return min((event for event in self._events if event > time + SAME_TIME), default=inf)

    @property
    def _events(self) -> tuple[float, float]:
        return (self.spec.begin, self.spec.begin + self.spec.duration)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """No heat."""
        return Deposit(np.zeros(self._space.cell_count))

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Let the drug move while the temperature goes from ``start`` to ``end``."""
        before = self._living
        self._deaths.advance(start, end, duration)
        self._living = self._living_share(end)
        begin, over = self._time, self._time + duration
        marks = [begin, *(event for event in self._events if begin + SAME_TIME < event < over - SAME_TIME), over]
        for first, last in pairwise(marks):
            shares = np.array([first - begin, last - begin]) / duration

            def conditions(share: float, shares: Floats = shares) -> Conditions:
                along = float(shares[0] + share * (shares[1] - shares[0]))
                return self._conditions(start + along * (end - start), before + along * (self._living - before))

            self._advance(first, last, conditions)

    def _conditions(self, temperature: Floats, living: Floats) -> Conditions:
        return Conditions(
            plasma_flow=self._perfused_plasma * living,
            release=self.spec.release.at(temperature),
            extravasation=self._vessel_surface * self.spec.permeability.at(temperature),
        )

    def _advance(self, begin: float, end: float, conditions: Callable[[float], Conditions]) -> None:
        """Move the drug over an interval [s] of the stage in which the infusion runs or does not."""
        runs = self.spec.begin - SAME_TIME <= begin < self.spec.begin + self.spec.duration - SAME_TIME
        rate = self.spec.amount / self.spec.duration if runs else 0.0
        free = self.spec.unencapsulated_share
        inflow = rate * np.array([1.0 - free, free])
        self.drug = self._kinetics.advance(self.drug, end - begin, conditions, inflow, self._note)
        self._time = end
        self._book.given += rate * (end - begin)
        self._book.largest_error = max(self._book.largest_error, self.balance_error)

    def _note(self, before: LiposomeState, after: LiposomeState, duration: float) -> None:
        """Keep exposure and plasma concentrations of a step that was taken."""
        self._time += duration
        first, last = self._around_cells(before), self._around_cells(after)
        self._effect.advance(first, last, duration)
        self.exposure = self.exposure + 0.5 * duration * (first.free + last.free)
        book, earlier, now = self._book, self._plasma(before), self._plasma(after)
        book.encapsulated_area += 0.5 * duration * (earlier[0] + now[0])
        book.free_area += 0.5 * duration * (earlier[1] + now[1])
        self._plasma_course.add(self._time, now[1])
        self._target_course.add(self._time, self._target_mean(after))
        if now[1] > book.free_peak:
            book.free_peak, book.free_peak_time = now[1], self._time - self.spec.begin
        if sum(now) > book.peak:
            book.peak, book.peak_time = sum(now), self._time - self.spec.begin

    def _note_courses(self) -> None:
        """Begin the courses of the stage with what there is."""
        self._plasma_course, self._target_course = Course(), Course()
        self._plasma_course.add(self._time, self._plasma(self.drug)[1])
        self._target_course.add(self._time, self._target_mean(self.drug))

    def _target_mean(self, state: LiposomeState) -> float:
        """Mean concentration of what is out of liposomes and plasma in the target [mol/m3]; 0 without a target."""
        held = self._space.node_sum(self._target * (state.tissue[3] + state.tissue[4]))
        return held / max(self._space.node_sum(self._target), 1e-300)

    def _around_cells(self, state: LiposomeState) -> CellSurroundings:
        return self.spec.exchange.around_cells(state, self._kinetics.tissue, self._cells)

    def _plasma(self, state: LiposomeState) -> tuple[float, float]:
        """Concentrations in the body's plasma [mol/m3]: in liposomes, and free."""
        body = self.spec.body
        return float(state.body[0] / body.encapsulated_volume), float(state.body[1] / body.free_volume)

    @property
    def balance_error(self) -> float:
        """What is not accounted for, relative to what was given."""
        if self._book.given <= 0.0:
            return 0.0
        held = float(self._nodes.amounts(self.drug.tissue).sum() + self.drug.body.sum()) + self._book.beyond
        return abs(held - self._book.given) / self._book.given

    def row(self) -> dict[str, float]:
        """Concentrations in the body's plasma."""
        encapsulated, free = self._plasma(self.drug)
        return {
            f"{self.spec.infusion}.plasma_encapsulated_umol_per_l": 1e3 * encapsulated,
            f"{self.spec.infusion}.plasma_free_umol_per_l": 1e3 * free,
        }

    def fields(self) -> dict[str, Floats]:
        """Drug per volume of tissue by compartment and in all, and the exposure of the interstitium."""
        bound = self.spec.exchange.interstitium_bound_share
        carried, lodged, plasma, interstitium, cells = self.drug.tissue
        prefix = f"drug_{self.spec.drug}_{self.spec.infusion}"
        return {
            f"{prefix}_encapsulated_mol_per_m3": carried + lodged,
            f"{prefix}_plasma_mol_per_m3": plasma,
            f"{prefix}_free_mol_per_m3": (1.0 - bound) * interstitium,
            f"{prefix}_bound_mol_per_m3": bound * interstitium,
            f"{prefix}_cells_mol_per_m3": cells,
            f"{prefix}_total_mol_per_m3": self.drug.tissue.sum(axis=0),
            f"{prefix}_exposure_mol_s_per_m3": self.exposure,
            f"{prefix}_survival": self._effect.survival(),
        }

    def levels(self) -> dict[str, Floats]:
        """Of every model of death by the drug."""
        return self._effect.levels()

    def survivals(self) -> dict[str, Floats]:
        """By the deciding model, since the stage began."""
        return self._effect.survivals()

    def carried(self) -> dict[str, Floats]:
        """Drug in every compartment of the tissue, the exposure, and what it has done to cells."""
        drug = dict(zip(TISSUE, self.drug.tissue, strict=True))
        return {**drug, "exposure": self.exposure, **self._effect.fields()}

    def carried_numbers(self) -> dict[str, float]:
        """What the tissue holds of each, what the body does, and the books."""
        held = self._nodes.amounts(self.drug.tissue)
        return {
            **{f"{_TISSUE_TOTAL}{name}": float(amount) for name, amount in zip(TISSUE, held, strict=True)},
            **{f"{_BODY_AMOUNT}{number}": float(amount) for number, amount in enumerate(self.drug.body)},
            **{f"{_BOOK}{name}": float(value) for name, value in asdict(self._book).items()},
        }

    def take_carried(self, fields: Mapping[str, Floats], numbers: Mapping[str, float]) -> None:
        """Go on from an earlier stage; amounts are what ``numbers`` says, wherever the mesh has put them."""
        tissue = np.array([np.maximum(fields[name], 0.0) for name in TISSUE])
        held = self._nodes.amounts(tissue)
        wanted = np.array([numbers[f"{_TISSUE_TOTAL}{name}"] for name in TISSUE])
        factors = np.divide(wanted, held, out=np.zeros_like(wanted), where=held > 0.0)
        body = np.array([numbers[f"{_BODY_AMOUNT}{number}"] for number in range(len(self.drug.body))])
        self.drug, self.exposure = (
            LiposomeState(tissue * factors[:, None], body),
            np.maximum(fields["exposure"], 0.0),
        )
        self._effect.begin_with(fields)
        book = {name.removeprefix(_BOOK): value for name, value in numbers.items() if name.startswith(_BOOK)}
        self._book = _Book(**book)
        self._book.beyond += float((wanted - factors * held).sum())
        self._note_courses()

    def checkpoint_fields(self) -> dict[str, Floats]:
        """Drug and what it has done, now and when the stage began, and what has died of heat or cold."""
        begun = {"begun": self._effect.begun, "living": self._living}
        return {**self.carried(), **begun, **self._deaths.fields()}

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Go on from the same."""
        self.drug = LiposomeState(np.array([fields[name] for name in TISSUE]), self.drug.body)
        self.exposure, self._living = fields["exposure"], fields["living"]
        self._effect.restore(fields)
        self._effect.begun = fields["begun"]
        self._deaths.restore(fields)

    def state(self) -> dict[str, Any]:
        """What the body holds, the books, and where the clock and the step stand."""
        return {
            "body": self.drug.body.tolist(),
            "book": asdict(self._book),
            "plasma_course": self._plasma_course.state(),
            "target_course": self._target_course.state(),
            "time": self._time,
            "step": self._kinetics.duration,
            "steps": self._kinetics.steps,
            "rejected": self._kinetics.rejected,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.drug = LiposomeState(self.drug.tissue, np.array(state["body"]))
        self._book, self._time = _Book(**state["book"]), state["time"]
        self._plasma_course = Course.restored(state["plasma_course"])
        self._target_course = Course.restored(state["target_course"])
        self._kinetics.duration = state["step"]
        self._kinetics.steps, self._kinetics.rejected = state["steps"], state["rejected"]

    def statistics(self) -> dict[str, int]:
        """Steps of the drug."""
        return {"drug_steps": self._kinetics.steps, "drug_steps_rejected": self._kinetics.rejected}

    def facts(self) -> dict[str, Any]:
        """Where the drug is, how much plasma has seen, and what the target has got."""
        spec, book = self.spec, self._book
        tissue = dict(zip(TISSUE, self._nodes.amounts(self.drug.tissue), strict=True))
        encapsulated, free, shallow, deep, cleared = self.drug.body
        bound = spec.exchange.interstitium_bound_share
        amounts = {
            "given": book.given,
            "plasma_encapsulated": encapsulated,
            "plasma_free": free,
            "other_tissue": shallow + deep,
            "cleared": cleared,
            "region_encapsulated": tissue["plasma_encapsulated"] + tissue["interstitium_encapsulated"],
            "region_plasma": tissue["plasma_free"],
            "region_free": (1.0 - bound) * tissue["interstitium_free"],
            "region_bound": bound * tissue["interstitium_free"],
            "region_cells": tissue["cells"],
            "beyond_region": book.beyond,
        }
        return {
            "drug": spec.drug,
            "balance_mg": {name: float(spec.mass_per_amount * amount) for name, amount in amounts.items()},
            "balance_error": book.largest_error,
            "plasma_peak_umol_per_l": 1e3 * book.peak,
            "plasma_peak_s": book.peak_time,
            "plasma_free_peak_umol_per_l": 1e3 * book.free_peak,
            "plasma_free_peak_s": book.free_peak_time,
            "plasma_encapsulated_auc_umol_h_per_l": 1e3 * book.encapsulated_area / _HOUR,
            "plasma_free_auc_umol_h_per_l": 1e3 * book.free_area / _HOUR,
            "plasma_course_mol_per_m3": self._plasma_course.thinned(),
            "target_course_mol_per_m3": self._target_course.thinned(),
            "deciding_model": self._effect.deciding.name,
            "dead_survival": self._effect.deciding.dead_survival,
            **self._target_facts(),
        }

    def _target_facts(self) -> dict[str, float]:
        volume = self._space.node_sum(self._target)
        if volume <= 0.0:
            return {}
        held = self._space.node_sum(self._target * self.drug.tissue.sum(axis=0))
        inside = self._space.node_sum(self._target * self.drug.tissue[4])
        return {
            "target_mean_umol_per_l": 1e3 * held / volume,
            "target_cells_mean_umol_per_l": 1e3 * inside / volume,
            "target_share_of_given": held / self._book.given if self._book.given > 0.0 else 0.0,
        }

    def warnings(self) -> list[str]:
        """What was known beforehand."""
        return list(self.spec.notes)
