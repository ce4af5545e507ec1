# SPDX-License-Identifier: LGPL-3.0-or-later
"""A drug in tissue in time, without what moves from node to node: release, binding, uptake, washout, and the plasma.

Laws are those of ``physics.transport`` and ``physics.bead``. Each is written as a rate at which an amount leaves one
compartment for another. Backward Euler with such rates is a linear system that keeps amounts positive and their sum as
it is, however long the step; the rates are those of its end as nearly as two solutions say. A step is taken as a whole
and in two halves, and what they differ by, which is of first order in the step, is added once more (Richardson), node
by node as far as nothing becomes negative. So weeks in which little happens take few steps, and exchange within seconds
limits none.

Nodes know of each other through the plasma alone: each, with its shells around beads (``solve.bead_shells``), is
eliminated by hand, and one number remains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from imagio_sim.physics.transport import efflux, uptake
from imagio_sim.solve.bead_shells import Shells
from imagio_sim.solve.discretisation import Floats

# A step is repeated when its error exceeds the tolerance by this factor; how much the next may grow or shrink.
_REJECTION, _SAFETY, _LARGEST_GROWTH, _STRONGEST_CUT = 2.0, 0.85, 3.0, 0.2
# What holds less than this share of all drug does not count for the error; less than this amount [mol] is none.
_NEGLIGIBLE, _NO_DRUG = 1e-4, 1e-300
# The first step [s].
_FIRST_STEP = 0.25
# Rates of a step approach those of its end from one side, by a third of what is left at a time: after the first time
# they are taken so much further, and at most by this factor.
_BEYOND, _MOST = 2.0, 2.0


@dataclass(frozen=True)
class PlasmaKinetics:
    """Plasma and what it exchanges with.

    Attributes
    ----------
    unbound_share
        Share of the drug in plasma that is not bound to protein.
    plasma_volume, clearance
        [m3], [m3/s].
    peripheral_volumes, peripheral_flows
        Of two compartments [m3], [m3/s]; no flow where there is none.
    """

    unbound_share: float
    plasma_volume: float
    clearance: float
    peripheral_volumes: tuple[float, float]
    peripheral_flows: tuple[float, float]


@dataclass(frozen=True, eq=False)
class DepotTissue:
    """How nodes (count,) exchange a drug.

    Attributes
    ----------
    shells
        The tissue of each node around its beads.
    volume
        [m3].
    fluid
        Share of the volume that is interstitial fluid; where it is 0 there is no drug.
    association_rate, dissociation_rate
        Of binding to protein of that fluid [1/s].
    free_washout, bound_washout
        Clearance to blood per volume of tissue [1/s], of free and of bound drug.
    drainage
        Fluid that leaves for lymph or blood, with what it holds, per volume of tissue whose vessels are open [1/s].
    largest_uptake, uptake_half, efflux_half
        Of cells, per volume of tissue: U [mol/(m3 s)], K_E [mol/m3 of fluid], K_I [mol/m3 of tissue].
    """

    shells: Shells
    volume: Floats
    fluid: Floats
    association_rate: float
    dissociation_rate: float
    free_washout: Floats
    bound_washout: Floats
    drainage: Floats
    largest_uptake: Floats
    uptake_half: float
    efflux_half: Floats


class Depot(Protocol):
    """Something in the tissue that holds drug: beads, or oil.

    It exchanges with the fluid beside beads, or gives to all of the tissue alike.
    """

    @property
    def in_first_shell(self) -> bool:
        """Whether it does the former."""

    @property
    def rate_in_blood(self) -> float:
        """Rate [1/s] at which what blood has carried away of it gives its drug to the plasma."""

    def rates(self, load: Floats, concentration: Floats) -> tuple[Floats, Floats, Floats]:
        """Rates (count,) at a load [mol/m3 of tissue] and a free concentration [mol/m3 of fluid].

        Of the load, to the fluid and to the blood [1/s]; of the free concentration, from the fluid to the depot [1/s].
        """


@dataclass(frozen=True, eq=False)
class DepotDrugState:
    """Where the drug is.

    Attributes
    ----------
    depots
        In each depot (k, count) [mol/m3 of tissue].
    free, bound, cells
        In the fluid, free and bound, and in the cells of each shell (s, count) [mol/m3 of all tissue].
    afloat
        In what blood has carried away of each depot (k,) [mol]: droplets of oil, wherever in the body they lodge.
    plasma, peripheral, cleared
        In the body [mol]; ``peripheral`` (2,).
    """

    depots: Floats
    free: Floats
    bound: Floats
    cells: Floats
    afloat: Floats
    plasma: float
    peripheral: Floats
    cleared: float

    @classmethod
    def empty(cls, depots: int, shells: int, count: int) -> DepotDrugState:
        """No drug anywhere."""
        nothing = np.zeros((shells, count))
        return cls(np.zeros((depots, count)), nothing, nothing, nothing, np.zeros(depots), 0.0, np.zeros(2), 0.0)

    @property
    def in_body(self) -> float:
        """Beyond the tissue of the nodes, and not cleared [mol]."""
        return float(self.afloat.sum()) + self.plasma + float(self.peripheral.sum())


@dataclass(frozen=True, eq=False)
class _Rates:
    """Rates [1/s] of the amounts that leave: ``<from>_<to>``; ``first`` is the free drug of the first shell."""

    depot_free: Floats
    depot_afloat: Floats
    first_depot: Floats
    free_bound: Floats
    bound_free: Floats
    free_outward: Floats
    free_inward: Floats
    free_cells: Floats
    bound_cells: Floats
    cells_free: Floats
    free_plasma: Floats
    bound_plasma: Floats
    plasma_free: Floats
    plasma_bound: Floats
    afloat_plasma: Floats
    plasma_peripheral: Floats
    peripheral_plasma: Floats
    plasma_cleared: Floats

    def beyond(self, before: _Rates) -> _Rates:
        """These rates, those that follow the amounts taken further away from earlier ones."""
        into_cells = _taken_further(before.free_cells, self.free_cells)
        return replace(
            self,
            depot_free=_taken_further(before.depot_free, self.depot_free),
            first_depot=_taken_further(before.first_depot, self.first_depot),
            free_cells=into_cells,
            bound_cells=into_cells,
            cells_free=_taken_further(before.cells_free, self.cells_free),
        )


def _taken_further(before: Floats, now: Floats) -> Floats:
    return np.clip(now + _BEYOND * (now - before), now / _MOST, now * _MOST)


@dataclass(frozen=True, eq=False)
class Step:
    """What a step did: the state at its end, and means over the step.

    ``free_mean`` (s, count) is per volume of fluid, ``cells_mean`` (s, count) and ``plasma_mean`` are per volume of the
    tissue of the shell and of plasma [mol/m3]. ``corrected`` [mol] is what the plasma had to take so that no drug was
    made or lost, without its sign.
    """

    state: DepotDrugState
    free_mean: Floats
    cells_mean: Floats
    plasma_mean: float
    duration: float
    corrected: float


class DrugKinetics:
    """Nodes and a body: drug from one time to another.

    Parameters
    ----------
    total
        Sum over the nodes of all ranks.
    tolerance
        Of the difference between one step and two half ones, relative to what the tissue holds.

    Attributes
    ----------
    open_share
        Share (s, count) of the capillaries and lymphatic vessels that carry something.
    open_during
        That share in the mean over a step from now on, by its length [s]; whoever kills tissue sets it.
    """

    def __init__(
        self,
        tissue: DepotTissue,
        body: PlasmaKinetics,
        depots: Sequence[Depot],
        *,
        total: Callable[[Floats], float],
        tolerance: float,
    ) -> None:
        self.tissue, self._body, self._depots, self._total = tissue, body, tuple(depots), total
        self._tolerance = tolerance
        self._wet = np.where(tissue.fluid > 0.0, tissue.fluid, 1.0) * tissue.shells.share
        self.open_share: Floats = np.ones_like(self._wet)
        self.open_during: Callable[[float], Floats] = lambda _: self.open_share
        self.duration, self.steps, self.rejected = _FIRST_STEP, 0, 0

    def concentration(self, amount: Floats) -> Floats:
        """Of something dissolved (s, count) [mol/m3 of fluid], from what there is of it per volume of tissue."""
        return np.asarray(amount / self._wet)

    def amount(self, state: DepotDrugState) -> float:
        """All drug [mol]."""
        tissue = state.depots.sum(axis=0) + (state.free + state.bound + state.cells).sum(axis=0)
        return self._total(tissue * self.tissue.volume) + state.in_body + state.cleared

    def advance(self, state: DepotDrugState, duration: float, accepted: Callable[[Step], None]) -> DepotDrugState:
        """State after ``duration`` [s]; every step on the way is shown to ``accepted``."""
        left = duration
        while left > 1e-9 * duration:
            step = min(self.duration, left)
            step = 0.5 * left if step < left < 2.0 * step else step
            self.open_share = self.open_during(step)
            whole, halves = self._ended(state, step), self._halves(state, step)
            error = self._error(whole, halves[-1])
            factor = _SAFETY * (self._tolerance / max(error, 1e-30)) ** 0.5
            grown = step * min(max(factor, _STRONGEST_CUT), _LARGEST_GROWTH)
            if error > _REJECTION * self._tolerance and step > 1e-6:
                self.duration, self.rejected = grown, self.rejected + 1
                continue
            # a step cut short at the end says little about how long the next may be
            self.duration = grown if step >= 0.5 * self.duration else max(grown, self.duration)
            taken = self._extrapolated(state, whole, halves, step)
            state, left, self.steps = taken.state, left - step, self.steps + 1
            accepted(taken)
        return state

    def _error(self, one: DepotDrugState, other: DepotDrugState) -> float:
        """Difference of two states, relative to what the tissue holds and to all that is anywhere."""
        dissolved = np.abs(one.free + one.bound - other.free - other.bound).sum(axis=0)
        held = np.abs(one.depots - other.depots).sum(axis=0) + np.abs(one.cells - other.cells).sum(axis=0)
        tissue = self._total((held + dissolved) * self.tissue.volume)
        body = abs(one.plasma - other.plasma) + float(np.abs(one.peripheral - other.peripheral).sum())
        body += float(np.abs(one.afloat - other.afloat).sum())
        whole = max(self.amount(other), _NO_DRUG)
        left = whole - other.in_body - other.cleared
        return max(tissue / max(left, _NEGLIGIBLE * whole), body / whole)

    def _ended(self, state: DepotDrugState, duration: float) -> DepotDrugState:
        """The state after backward Euler with the rates of its end."""
        begin = self._rates(state)
        first = self._rates(self._solved(state, begin, duration))
        return self._solved(state, first.beyond(begin), duration)

    def _halves(self, state: DepotDrugState, duration: float) -> tuple[DepotDrugState, DepotDrugState]:
        """The states after one and two half steps."""
        middle = self._ended(state, 0.5 * duration)
        return middle, self._ended(middle, 0.5 * duration)

    def _extrapolated(
        self,
        start: DepotDrugState,
        whole: DepotDrugState,
        halves: tuple[DepotDrugState, DepotDrugState],
        duration: float,
    ) -> Step:
        """The state of second order at the end of a step, and means over the step of the same order."""
        middle, end = halves
        share = _room(whole, end)
        state = replace(
            end,
            depots=_further(whole.depots, end.depots, share),
            free=_further(whole.free, end.free, share),
            bound=_further(whole.bound, end.bound, share),
            cells=_further(whole.cells, end.cells, share),
        )
        free, cells = (
            np.maximum(getattr(middle, name) + getattr(end, name) - getattr(whole, name), 0.0)
            for name in ("free", "cells")
        )
        state, corrected = self._with_body(state, start, whole, end)
        return Step(
            state,
            self.concentration(free),
            np.asarray(cells / self.tissue.shells.share),
            max(middle.plasma + end.plasma - whole.plasma, 0.0) / self._body.plasma_volume,
            duration,
            corrected,
        )

    def _with_body(
        self, state: DepotDrugState, start: DepotDrugState, whole: DepotDrugState, end: DepotDrugState
    ) -> tuple[DepotDrugState, float]:
        """The state with the body extrapolated as well, and by how much [mol] plasma then closes the balance.

        Plasma takes what nodes without room leave over; where it would not be positive nothing is extrapolated.
        """
        peripheral = np.maximum(2.0 * end.peripheral - whole.peripheral, 0.0)
        afloat = np.maximum(2.0 * end.afloat - whole.afloat, 0.0)
        cleared = max(2.0 * end.cleared - whole.cleared, start.cleared)
        amount = self.amount(start)
        state = replace(state, afloat=afloat, plasma=0.0, peripheral=peripheral, cleared=cleared)
        plasma = amount - self.amount(state)
        if plasma < 0.0:
            return end, 0.0
        return replace(state, plasma=plasma), abs(plasma - (2.0 * end.plasma - whole.plasma))

    def _rates(self, state: DepotDrugState) -> _Rates:
        tissue, body, share = self.tissue, self._body, self.tissue.shells.share
        wet = tissue.fluid > 0.0
        free = self.concentration(state.free)
        out, lost, back = self._depot_rates(state, free)
        supplied = np.where(wet, tissue.volume / body.plasma_volume, 0.0) * share
        into_cells = self._uptake_rate(free + self.concentration(state.bound))
        outward = tissue.shells.exchange / self._wet[:-1]
        inward = tissue.shells.exchange / self._wet[1:]
        edge = np.zeros((1, len(wet)))
        fluid = np.where(wet, tissue.fluid, 1.0)
        free_washout, bound_washout, drainage = (
            self.open_share * one for one in (tissue.free_washout, tissue.bound_washout, tissue.drainage)
        )
        return _Rates(
            depot_free=out,
            depot_afloat=lost,
            first_depot=back / self._wet[0],
            free_bound=np.where(wet, tissue.association_rate, 0.0),
            bound_free=np.where(wet, tissue.dissociation_rate, 0.0),
            free_outward=np.concatenate([outward, edge]),
            free_inward=np.concatenate([edge, inward]),
            free_cells=into_cells,
            bound_cells=into_cells,
            cells_free=self._efflux_rate(state.cells / share),
            free_plasma=(free_washout + drainage) / fluid,
            bound_plasma=(bound_washout + drainage) / fluid,
            plasma_free=free_washout * body.unbound_share * supplied,
            plasma_bound=bound_washout * (1.0 - body.unbound_share) * supplied,
            afloat_plasma=np.array([depot.rate_in_blood for depot in self._depots]),
            plasma_peripheral=np.array(body.peripheral_flows) / body.plasma_volume,
            peripheral_plasma=np.array(body.peripheral_flows) / np.array(body.peripheral_volumes),
            plasma_cleared=np.asarray(body.clearance / body.plasma_volume),
        )

    def _depot_rates(self, state: DepotDrugState, free: Floats) -> tuple[Floats, Floats, Floats]:
        """Rates (k, count) of all depots, beside which the fluid of the first shell is.

        Droplets lie in all shells alike, and only open capillaries carry them away.
        """
        depots = [depot.rates(load, free[0]) for depot, load in zip(self._depots, state.depots, strict=True)]
        out, lost, back = (np.array([rates[n] for rates in depots]).reshape(state.depots.shape) for n in range(3))
        return out, lost * self.tissue.shells.mean(self.open_share), back

    def _uptake_rate(self, held: Floats) -> Floats:
        """Rate (s, count) [1/s] at which dissolved drug enters cells, at a concentration free and bound together."""
        tissue = self.tissue
        some = np.where(held > 0.0, held, 1.0)
        taken = uptake(some, 0.0, largest_uptake=tissue.largest_uptake, half_saturation=tissue.uptake_half) / some
        rate = np.where(held > 0.0, taken, tissue.largest_uptake / tissue.uptake_half)
        return np.where(tissue.fluid > 0.0, rate / np.where(tissue.fluid > 0.0, tissue.fluid, 1.0), 0.0)

    def _efflux_rate(self, cells: Floats) -> Floats:
        """Rate (s, count) [1/s] at which drug leaves cells, at an amount per volume of the shell's tissue."""
        tissue = self.tissue
        half = np.where(tissue.efflux_half > 0.0, tissue.efflux_half, 1.0)
        some = np.where(cells > 0.0, cells, 1.0)
        given = efflux(some, largest_efflux=tissue.largest_uptake, half_saturation=half) / some
        return np.asarray(np.where(cells > 0.0, given, tissue.largest_uptake / half))

    def _solved(self, start: DepotDrugState, rates: _Rates, h: float) -> DepotDrugState:
        """The state after an implicit step with rates that are held: nodes are affine in the plasma's amount."""
        left = _Left.of(rates, h)
        own = self._nodes(start, rates, left, h, plasma=0.0)
        nothing = DepotDrugState.empty(len(start.depots), *start.free.shape)
        return self._with_plasma(start, rates, h, own, self._nodes(nothing, rates, left, h, plasma=1.0))

    def _with_plasma(
        self, start: DepotDrugState, rates: _Rates, h: float, own: DepotDrugState, follow: DepotDrugState
    ) -> DepotDrugState:
        """The body at the end of the step, and nodes that hold ``own`` and ``follow`` per amount in the plasma."""
        away, stays = 1.0 / (1.0 + h * rates.peripheral_plasma), 1.0 / (1.0 + h * rates.afloat_plasma)
        leaves, follows = self._carried_away(rates, own), self._carried_away(rates, follow)
        # what nodes get from plasma is per node; per volume it enters there
        supplied = self._total((rates.plasma_free + rates.plasma_bound).sum(axis=0))
        leaving = float(rates.plasma_cleared) + float((rates.plasma_peripheral * away).sum()) + supplied
        coming = self._washed(rates, own) + float((rates.peripheral_plasma * away * start.peripheral).sum())
        coming += float((rates.afloat_plasma * stays * (start.afloat + h * leaves)).sum())
        returned = self._washed(rates, follow) + h * float((rates.afloat_plasma * stays * follows).sum())
        plasma = (start.plasma + h * coming) / (1.0 + h * (leaving - returned))
        return DepotDrugState(
            own.depots + plasma * follow.depots,
            own.free + plasma * follow.free,
            own.bound + plasma * follow.bound,
            own.cells + plasma * follow.cells,
            (start.afloat + h * (leaves + plasma * follows)) * stays,
            plasma,
            (start.peripheral + h * rates.plasma_peripheral * plasma) * away,
            start.cleared + h * float(rates.plasma_cleared) * plasma,
        )

    def _washed(self, rates: _Rates, nodes: DepotDrugState) -> float:
        """What blood takes of the dissolved drug [mol/s]."""
        dissolved = (rates.free_plasma * nodes.free + rates.bound_plasma * nodes.bound).sum(axis=0)
        return self._total(self.tissue.volume * dissolved)

    def _carried_away(self, rates: _Rates, nodes: DepotDrugState) -> Floats:
        """What blood carries away in droplets of each depot (k,) [mol/s]."""
        return np.array([self._total(self.tissue.volume * lost) for lost in rates.depot_afloat * nodes.depots])

    def _nodes(self, start: DepotDrugState, rates: _Rates, left: _Left, h: float, *, plasma: float) -> DepotDrugState:
        """Nodes after an implicit step, with an amount [mol] in the plasma at its end."""
        supply = h * plasma / np.where(self.tissue.volume > 0.0, self.tissue.volume, 1.0)
        bound = (start.bound + supply * rates.plasma_bound) * left.bound
        cells = (start.cells + h * rates.bound_cells * bound) * left.cells
        depots = start.depots * left.depots
        coming = start.free + supply * rates.plasma_free + h * (rates.bound_free * bound + rates.cells_free * cells)
        for number, depot in enumerate(self._depots):
            released = h * rates.depot_free[number] * depots[number]
            if depot.in_first_shell:
                coming[0] += released
            else:
                coming += self.tissue.shells.share * released
        free = left.diffused(coming, h * rates.free_outward)
        newly_bound = h * rates.free_bound * left.bound * free
        taken_up = h * (rates.free_cells * free + rates.bound_cells * newly_bound)
        return replace(
            start,
            depots=depots + h * rates.first_depot * left.depots * free[0],
            free=free,
            bound=bound + newly_bound,
            cells=cells + taken_up * left.cells,
        )


@dataclass(frozen=True, eq=False)
class _Left:
    """What a step leaves where it is, of each amount, when rates are held; free drug of the shells is eliminated.

    The tridiagonal system of the shells is solved from the outermost inwards: what a shell passes outwards and does not
    get back is a loss, so that no differences of large numbers arise.

    Attributes
    ----------
    depots, bound, cells
        Shares that remain.
    free
        One over what multiplies the free drug of each shell (s, count).
    returned
        Share of what comes to each shell that goes on inwards (s, count).
    """

    depots: Floats
    bound: Floats
    cells: Floats
    free: Floats
    returned: Floats

    @classmethod
    def of(cls, rates: _Rates, h: float) -> _Left:
        """For a step of length ``h`` [s]."""
        depots = 1.0 / (1.0 + h * (rates.depot_free + rates.depot_afloat))
        cells = 1.0 / (1.0 + h * rates.cells_free)
        bound = 1.0 / (1.0 + h * (rates.bound_free + rates.bound_cells + rates.bound_plasma))
        # what leaves the free drug and does not come back within the step, written without differences
        stays_bound = (1.0 + h * (rates.bound_plasma + rates.bound_cells * cells)) * bound
        lost = 1.0 + h * (rates.free_plasma + rates.free_cells * cells + rates.free_bound * stays_bound)
        lost[0] += h * (rates.first_depot * (1.0 + h * rates.depot_afloat) * depots).sum(axis=0)
        free, returned = np.empty_like(lost), np.empty_like(lost)
        outward, inward = h * rates.free_outward, h * rates.free_inward
        for shell in range(len(lost) - 1, -1, -1):
            free[shell] = 1.0 / (lost[shell] + inward[shell])
            returned[shell] = inward[shell] * free[shell]
            if shell:
                lost[shell - 1] += outward[shell - 1] * lost[shell] * free[shell]
        return cls(np.asarray(depots), np.asarray(bound), np.asarray(cells), free, returned)

    def diffused(self, coming: Floats, outward: Floats) -> Floats:
        """Free drug (s, count) when so much comes to the shells and ``outward`` goes to the next, per amount."""
        amounts = coming.copy()
        for shell in range(len(amounts) - 1, 0, -1):
            amounts[shell - 1] += self.returned[shell] * amounts[shell]
        amounts[0] *= self.free[0]
        for shell in range(1, len(amounts)):
            amounts[shell] = (amounts[shell] + outward[shell - 1] * amounts[shell - 1]) * self.free[shell]
        return amounts


def _further(whole: Floats, halves: Floats, share: Floats) -> Floats:
    """What two half steps have reached, and a share (count,) of their difference from one step once more."""
    return np.maximum(halves + share * (halves - whole), 0.0)


def _room(whole: DepotDrugState, halves: DepotDrugState) -> Floats:
    """Largest share (count,) up to one of the difference that leaves everything in a node positive."""
    share = np.ones(whole.free.shape[1])
    for name in ("depots", "free", "bound", "cells"):
        twice = getattr(halves, name)
        fall = getattr(whole, name) - twice
        room = np.where(fall > twice, twice / np.where(fall > 0.0, fall, 1.0), 1.0)
        share = np.minimum(share, room.min(axis=0, initial=1.0))
    return share
