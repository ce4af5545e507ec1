# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug in liposomes in time: every node of a region and the body around it, coupled through the plasma.

The equations are those of ``physics.liposomes``. A step is a modified Patankar-Runge-Kutta step of second order
(Burchard, Deleersnijder and Meister 2003): what flows from one compartment to another is weighted by what the first
will hold, so the step is linear, and its matrix keeps every amount positive and their sum as it is, however long the
step. Nodes know of each other only through the body's plasma: each is eliminated by hand, and two numbers remain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from imagio_sim.physics.liposomes import BODY, TISSUE, BodyKinetics, LiposomeTissue, TissueFlows, tissue_flows
from imagio_sim.solve.discretisation import Floats

# A step is repeated when its error exceeds the tolerance by this factor; how much the next may grow or shrink.
_REJECTION, _SAFETY, _LARGEST_GROWTH, _STRONGEST_CUT = 2.0, 0.85, 3.0, 0.2
# What holds less than this share of all drug does not count for the error.
_NEGLIGIBLE = 1e-7
# The first step [s].
_FIRST_STEP = 0.25


@dataclass(frozen=True, eq=False)
class LiposomeState:
    """Amounts per volume of tissue (5, count) [mol/m3] as in ``TISSUE``, and in the body (5,) [mol] as in ``BODY``."""

    tissue: Floats
    body: Floats

    @classmethod
    def empty(cls, count: int) -> LiposomeState:
        """No drug anywhere."""
        return cls(np.zeros((len(TISSUE), count)), np.zeros(len(BODY)))


@dataclass(frozen=True, eq=False)
class Conditions:
    """What acts on the nodes at a time: plasma flow per volume of tissue, release and extravasation (count,) [1/s]."""

    plasma_flow: Floats
    release: Floats
    extravasation: Floats


class Region(Protocol):
    """Sums over the nodes of a region."""

    def amounts(self, densities: Floats) -> Floats:
        """Integrals (k,) over the region of densities (k, count), the same on every rank."""


@dataclass(frozen=True, eq=False)
class _Rates:
    """Rates [1/s] as a step takes them.

    Attributes
    ----------
    inflow
        From the body's plasma, of encapsulated and of free drug (2, count).
    flows
        Between the compartments of the tissue and out of it.
    lodged_release
        Release from liposomes in the interstitium (count,).
    body
        Factors (5,) on the rates out of the compartments of the body.
    """

    inflow: Floats
    flows: TissueFlows
    lodged_release: Floats
    body: Floats

    @classmethod
    def of(cls, flows: TissueFlows) -> _Rates:
        """The rates as they are."""
        return cls(np.array([flows.inflow, flows.inflow]), flows, flows.release, np.ones(len(BODY)))

    def averaged(self, before: LiposomeState, first: LiposomeState, after: TissueFlows) -> _Rates:
        """Mean of the flows at the begin and at the end of a step, each over what the end holds."""
        carried, lodged, plasma, interstitium, cells = _ratio(before.tissue, first.tissue)
        body, now = _ratio(before.body, first.body), self.flows
        return _Rates(
            inflow=np.array([_mean(now.inflow * weight, after.inflow) for weight in body[:2]]),
            flows=TissueFlows(
                inflow=after.inflow,
                outflow=_mean(now.outflow * carried, after.outflow),
                free_outflow=_mean(now.free_outflow * plasma, after.free_outflow),
                release=_mean(now.release * carried, after.release),
                extravasation=_mean(now.extravasation * carried, after.extravasation),
                extraction=_mean(now.extraction * plasma, after.extraction),
                return_to_plasma=_mean(now.return_to_plasma * interstitium, after.return_to_plasma),
                uptake=_mean(now.uptake * interstitium, after.uptake),
                return_from_cells=_mean(now.return_from_cells * cells, after.return_from_cells),
            ),
            lodged_release=_mean(now.release * lodged, after.release),
            body=_mean(body, np.ones(len(BODY))),
        )


def _mean(first: Floats, second: Floats) -> Floats:
    return np.asarray(0.5 * (first + second))


def _ratio(before: Floats, after: Floats) -> Floats:
    """``before`` over ``after``, one where both are nothing."""
    held = after > 0.0
    return np.where(held, before / np.where(held, after, 1.0), 1.0)


@dataclass(frozen=True, eq=False)
class _Affine:
    """Densities (count,) as ``own + encapsulated E + free P`` of the plasma concentrations E and P of the body."""

    own: Floats
    encapsulated: Floats
    free: Floats

    def at(self, encapsulated: float, free: float) -> Floats:
        """The densities at two concentrations [mol/m3]."""
        return np.asarray(self.own + encapsulated * self.encapsulated + free * self.free)


class LiposomeKinetics:
    """A region of tissue and a body: drug from one time to another.

    Parameters
    ----------
    tissue
        Of every node (count,).
    region
        How densities at nodes become amounts.
    tolerance
        Of the difference between a step of first and of second order, relative to what each compartment holds.
    """

    def __init__(self, body: BodyKinetics, tissue: LiposomeTissue, region: Region, *, tolerance: float) -> None:
        self._kinetics, self.tissue, self._region, self._tolerance = body, tissue, region, tolerance
        self.steps = self.rejected = 0
        self.duration = _FIRST_STEP

    def advance(
        self,
        state: LiposomeState,
        duration: float,
        conditions: Callable[[float], Conditions],
        infusion: Floats,
        taken: Callable[[LiposomeState, LiposomeState, float], None],
    ) -> LiposomeState:
        """The state ``duration`` [s] on (collective).

        Parameters
        ----------
        conditions
            At a share of the duration, from 0 to 1.
        infusion
            Encapsulated and free drug (2,) that comes into the plasma [mol/s].
        taken
            Called for every step that is taken: the state before and after it, and how long it was [s].
        """
        elapsed, before = 0.0, conditions(0.0)
        while elapsed < duration * (1.0 - 1e-12):
            length = min(self.duration, duration - elapsed)
            after = conditions(min((elapsed + length) / duration, 1.0))
            reached, error = self.step(state, length, before, after, infusion)
            self._choose_next(length, error)
            if error > _REJECTION * self._tolerance:
                self.rejected += 1
                continue
            taken(state, reached, length)
            state, before, elapsed = reached, after, elapsed + length
            self.steps += 1
        return state

    def _choose_next(self, length: float, error: float) -> None:
        """The next duration; a step that was cut for the end of an interval does not shrink it without need."""
        wanted = _SAFETY * np.sqrt(self._tolerance / max(error, 1e-12))
        grown = length * float(min(max(wanted, _STRONGEST_CUT), _LARGEST_GROWTH))
        self.duration = max(self.duration, grown) if grown >= length < self.duration else grown

    def step(
        self, state: LiposomeState, duration: float, before: Conditions, after: Conditions, infusion: Floats
    ) -> tuple[LiposomeState, float]:
        """One step, and how far that of first order is from it (collective)."""
        rates = _Rates.of(self._flows(before, state))
        first = self._solve(state, duration, rates, infusion)
        averaged = rates.averaged(state, first, self._flows(after, first))
        second = self._solve(state, duration, averaged, infusion)
        return second, self._error(first, second)

    def _flows(self, conditions: Conditions, state: LiposomeState) -> TissueFlows:
        return tissue_flows(
            self.tissue,
            plasma_flow=conditions.plasma_flow,
            release=conditions.release,
            extravasation=conditions.extravasation,
            interstitium_free=state.tissue[3],
            cells=state.tissue[4],
        )

    def _error(self, first: LiposomeState, second: LiposomeState) -> float:
        """Largest difference of any compartment as a whole, relative to what it holds."""
        sums = self._region.amounts(np.concatenate([np.abs(second.tissue - first.tissue), second.tissue]))
        difference = np.concatenate([sums[: len(TISSUE)], np.abs(second.body - first.body)])
        held = np.concatenate([sums[len(TISSUE) :], second.body])
        least = _NEGLIGIBLE * held.sum()
        return float((difference / np.maximum(held, least)).max()) if least > 0.0 else 0.0

    def _solve(self, state: LiposomeState, h: float, rates: _Rates, infusion: Floats) -> LiposomeState:
        """The implicit step ``h`` with rates that are held."""
        tissue = _eliminated(state.tissue, h, rates)
        carried, plasma, flows = tissue[0], tissue[2], rates.flows
        sums = self._region.amounts(
            np.array(
                [
                    rates.inflow[0] - flows.outflow * carried.encapsulated,
                    flows.outflow * carried.own,
                    rates.inflow[1] - flows.free_outflow * plasma.free,
                    flows.free_outflow * plasma.own,
                    flows.free_outflow * plasma.encapsulated,
                ]
            )
        )
        body = self._body(state.body, h, rates.body, sums, infusion)
        encapsulated, free = body[0] / self._kinetics.encapsulated_volume, body[1] / self._kinetics.free_volume
        return LiposomeState(np.array([one.at(encapsulated, free) for one in tissue]), body)

    def _body(self, body: Floats, h: float, weights: Floats, sums: Floats, infusion: Floats) -> Floats:
        """Amounts (5,) at the end of the step; ``sums`` is what the region takes and gives [m3/s, mol/s]."""
        k = self._kinetics
        taken, given, free_taken, free_given, released = sums
        leakage, uptake = weights[0] * k.leakage, weights[0] * k.encapsulated_uptake
        encapsulated = (body[0] + h * (infusion[0] + given)) / (
            1.0 + h * (leakage + uptake + taken / k.encapsulated_volume)
        )
        clearance = weights[1] * k.clearance / k.free_volume
        away = weights[1] * np.array([k.shallow_flow, k.deep_flow]) / k.free_volume
        back = weights[2:4] * np.array([k.shallow_flow / k.shallow_volume, k.deep_flow / k.deep_volume])
        damped = 1.0 + h * back
        gained = h * (
            infusion[1] + leakage * encapsulated + free_given + released * encapsulated / k.encapsulated_volume
        )
        free = (body[1] + gained + (h * back * body[2:4] / damped).sum()) / (
            1.0 + h * (clearance + free_taken / k.free_volume + (away / damped).sum())
        )
        elsewhere = (body[2:4] + h * away * free) / damped
        cleared = body[4] + h * (uptake * encapsulated + clearance * free)
        return np.array([encapsulated, free, *elsewhere, cleared])


def _eliminated(before: Floats, h: float, rates: _Rates) -> tuple[_Affine, ...]:
    """The compartments of the tissue at the end of an implicit step, given the plasma of the body."""
    flows, none = rates.flows, np.zeros(before.shape[1])
    held = 1.0 / (1.0 + h * (flows.outflow + flows.release + flows.extravasation))
    carried = _Affine(before[0] * held, h * rates.inflow[0] * held, none)
    damped = 1.0 / (1.0 + h * rates.lodged_release)
    lodged = _Affine(
        (before[1] + h * flows.extravasation * carried.own) * damped,
        h * flows.extravasation * carried.encapsulated * damped,
        none,
    )
    released, unlodged = h * flows.release, h * rates.lodged_release
    plasma, interstitium, cells = _uptake_chain(
        before[2:],
        h,
        flows,
        into_plasma=_Affine(released * carried.own, released * carried.encapsulated, h * rates.inflow[1]),
        into_interstitium=_Affine(unlodged * lodged.own, unlodged * lodged.encapsulated, none),
    )
    return carried, lodged, plasma, interstitium, cells


def _uptake_chain(
    before: Floats, h: float, flows: TissueFlows, *, into_plasma: _Affine, into_interstitium: _Affine
) -> tuple[_Affine, _Affine, _Affine]:
    """Free drug in plasma, interstitium and cells, that flows between neighbours; ``into_`` is what comes besides."""
    kept = 1.0 / (1.0 + h * flows.return_from_cells)
    returned = h * flows.return_from_cells * kept
    leaving = h * flows.uptake * kept
    interstitial = 1.0 / (1.0 + h * flows.return_to_plasma + leaving)
    back = h * flows.return_to_plasma * interstitial
    extracted = h * flows.extraction
    vascular = 1.0 / (1.0 + h * flows.free_outflow + extracted * (1.0 + leaving) * interstitial)

    def plasma(own: Floats, other: Floats) -> Floats:
        return np.asarray((own + back * other) * vascular)

    coming = before[1] + into_interstitium.own + returned * before[2]
    in_plasma = _Affine(
        plasma(before[0] + into_plasma.own, coming),
        plasma(into_plasma.encapsulated, into_interstitium.encapsulated),
        plasma(into_plasma.free, into_interstitium.free),
    )
    in_interstitium = _Affine(
        (coming + extracted * in_plasma.own) * interstitial,
        (into_interstitium.encapsulated + extracted * in_plasma.encapsulated) * interstitial,
        (into_interstitium.free + extracted * in_plasma.free) * interstitial,
    )
    in_cells = _Affine(
        before[2] * kept + leaving * in_interstitium.own,
        leaving * in_interstitium.encapsulated,
        leaving * in_interstitium.free,
    )
    return in_plasma, in_interstitium, in_cells
