# SPDX-License-Identifier: LGPL-3.0-or-later
"""Vessels given by centre lines: blood that is warmed on its way along them, coupled to the tissue around.

The blood is eliminated: along each vessel it is a mean of the tissue temperatures it has met (``physics.vessel``), and
the heat step follows it to convergence. Held over a step, blood that saturates would take from every segment what
belongs to the step's length, far more than it can carry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from imagio_sim.physics.vessel import LineResponse, line_response
from imagio_sim.solve.discretisation import EdgeOperators, Floats
from imagio_sim.solve.heat import Exchange

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class VesselLine:
    """One vessel cut into m segments, in the direction of its flow.

    Attributes
    ----------
    name
        Of the vessel.
    parents
        Numbers, in the tree, of the lines that end where this one begins; all smaller than its own.
    capacity_rate
        Heat that its flow carries per kelvin [W/K].
    inlet_temperature
        Of blood that does not come from its parents [degC].
    turbulent_nusselt
        Nusselt number where the flow is turbulent; None: laminar.
    graetz
        Graetz length (m + 1,) of the segments' ends.
    arc_mm, ends_mm
        Their arc length (m + 1,) and place (m + 1, 3) in LPS.
    contact
        Share (m,) of the blood's wall conductance that is left by the tissue between wall and mesh.
    wall_segment, wall_node, wall_weight
        Weights (e,) of nodes (input numbering) in the tissue temperature outside each segment, summing to one.
    lumen_segment, lumen_node, lumen_conductance
        Nodes (l,) that lie in the lumen, and the heat [W/K] by which flow renews their blood.
    """

    name: str
    parents: tuple[int, ...]
    capacity_rate: float
    inlet_temperature: float
    turbulent_nusselt: float | None
    graetz: Floats
    arc_mm: Floats
    ends_mm: Floats
    contact: Floats
    wall_segment: Integers
    wall_node: Integers
    wall_weight: Floats
    lumen_segment: Integers
    lumen_node: Integers
    lumen_conductance: Floats

    @property
    def segments(self) -> int:
        """How many segments it has."""
        return len(self.contact)

    def response(self) -> LineResponse:
        """Its blood as means of what surrounds it."""
        lumen = np.asarray(np.bincount(self.lumen_segment, self.lumen_conductance, minlength=self.segments), np.float64)
        return line_response(
            self.graetz, self.capacity_rate, contact=self.contact, lumen=lumen, nusselt=self.turbulent_nusselt
        )


@dataclass(frozen=True, eq=False)
class VesselTree:
    """All vessels of a case that are given by centre lines, parents before their branches; ``warnings`` about them."""

    lines: tuple[VesselLine, ...]
    warnings: tuple[str, ...] = ()

    def coupling(self, operators: EdgeOperators) -> VesselFlow:
        """The blood on this rank's part of the mesh."""
        return VesselFlow(operators, self.lines, self.warnings)


PARTS: tuple[type, ...] = (VesselTree, VesselLine)


@dataclass(frozen=True, eq=False)
class _Flow:
    """Heat [W] that blood takes at one time: by segment (segments,), of all ranks, and by node (count,) of this one."""

    by_segment: Floats
    by_node: Floats


class VesselFlow:
    """Quasi-steady blood in all vessels, the same on every rank; implements ``coupling.Coupling``."""

    name = "vessel_lines"
    longest_step = inf

    def __init__(self, operators: EdgeOperators, lines: Sequence[VesselLine], warnings: Sequence[str] = ()) -> None:
        self._space, self.lines, self._warnings = operators.discretisation, tuple(lines), tuple(warnings)
        self._responses = tuple(line.response() for line in self.lines)
        self._first = np.cumsum([0, *(line.segments for line in self.lines)])
        self._mixing = tuple(self._mixed(line) for line in self.lines)
        wall = self._matrix("wall", [line.wall_weight for line in self.lines])
        lumen = self._matrix("lumen", [self._lumen_weights(line) for line in self.lines])
        self._around = sparse.vstack([wall, lumen]).tocsr()
        conductances = [response.wall_conductance for response in self._responses]
        conductances += [response.lumen_conductance for response in self._responses]
        self._per_segment = np.concatenate(conductances)
        self._given = (sparse.diags_array(self._per_segment) @ self._around).tocsr()
        self._wall_conductance = np.asarray(self._given[: self._first[-1]].sum(axis=0)).ravel()
        self._conductance = np.asarray(self._given.sum(axis=0)).ravel()
        self._per_conductance = 1.0 / np.where(self._conductance > 0.0, self._conductance, 1.0)
        self._lumen_conductance = self._conductance - self._wall_conductance
        self._taken_up = np.zeros(self._first[-1])
        self._begun = self._ended = _Flow(np.zeros(self._first[-1]), np.zeros(self._space.count))
        self._bulk = tuple(self._at_inlet(line) for line in self.lines)
        self._peak = self._latest = self._bulk

    @staticmethod
    def _at_inlet(line: VesselLine) -> Floats:
        return np.full(line.segments + 1, line.inlet_temperature)

    @staticmethod
    def _lumen_weights(line: VesselLine) -> Floats:
        """Share of each of the lumen's nodes in its segment."""
        total = np.bincount(line.lumen_segment, line.lumen_conductance, minlength=line.segments)
        return np.asarray(line.lumen_conductance / total[line.lumen_segment])

    def _mixed(self, line: VesselLine) -> Mapping[int, float]:
        """Shares of the parents in the blood that enters a line; the rest enters at its inlet temperature."""
        flows = {parent: self.lines[parent].capacity_rate for parent in line.parents}
        whole = max(sum(flows.values()), line.capacity_rate)
        return {parent: flow / whole for parent, flow in flows.items()}

    def _matrix(self, part: str, weights: Sequence[Floats]) -> sparse.csr_array:
        """Weights of this rank's nodes, ghosts included, in all segments of all lines (segments, count)."""
        local = np.full(self._space.node_total, -1)
        local[self._space.input_node] = np.arange(self._space.count)
        node = local[np.concatenate([getattr(line, f"{part}_node") for line in self.lines])]
        numbers = [
            getattr(line, f"{part}_segment") + first for line, first in zip(self.lines, self._first, strict=False)
        ]
        here = node >= 0
        entries = np.concatenate(weights)[here], (np.concatenate(numbers)[here], node[here])
        return sparse.coo_array(entries, shape=(int(self._first[-1]), self._space.count)).tocsr()

    def _summed(self, per_segment: Floats) -> Floats:
        """The sum over all ranks of what each has found."""
        return np.asarray(self._space.comm.allreduce(per_segment))

    def _owned(self, values: Floats) -> Floats:
        """The same (count,) with nothing on the ghosts."""
        return np.where(np.arange(len(values)) < self._space.owned, values, 0.0)

    def exchange(self, temperature: Floats) -> Exchange:
        """The blood at tissue temperatures (count,), to be followed."""
        met = self._met(temperature)
        self._begun = self._ended
        return Exchange(self._conductance, met, follow=self._met)

    def _met(self, temperature: Floats) -> Floats:
        """Temperature (count,) that lets each node give what the blood takes of it, at tissue temperatures (count,)."""
        outside, inside = np.split(self._summed(self._around @ self._owned(temperature)), 2)
        references: list[Floats] = []
        bulks: list[Floats] = []
        for number, response in enumerate(self._responses):
            around = slice(self._first[number], self._first[number + 1])
            known = np.concatenate([outside[around], inside[around], [self._inlet(number, bulks)]])
            references.append(response.reference @ known)
            bulks.append(response.bulk @ known)
        self._latest = tuple(bulks)
        # A wall takes of each node what its mean outside asks for: nodes that it pinned one by one would widen it.
        asked = outside - np.concatenate(references)
        mixed = np.concatenate([bulk[:-1] for bulk in bulks])
        given = self._given.T @ np.concatenate([asked, -mixed])
        by_segment = self._per_segment * np.concatenate([asked, inside - mixed])
        self._ended = _Flow(np.add(*np.split(by_segment, 2)), self._lumen_conductance * temperature + given)
        return np.asarray(self._per_conductance * (self._wall_conductance * temperature - given))

    def _inlet(self, number: int, bulks: Sequence[Floats]) -> float:
        """Temperature [degC] of the blood that enters a line, when those before it are known."""
        line, shares = self.lines[number], self._mixing[number]
        own = (1.0 - sum(shares.values())) * line.inlet_temperature
        return float(own + sum(share * bulks[parent][-1] for parent, share in shares.items()))

    def advance(self, heat: Floats, duration: float) -> None:
        """Book the heat (count,) [J] of an accepted step; the blood is as it was found at the step's end.

        Each segment took what it asked for, on the mean of the step's begin and end. What the nodes lost beyond that,
        of third order in the step, is shared out by conductance: all of the heat would be wrong where vessels meet
        whose blood differs in temperature.
        """
        half = 0.5 * duration
        asked = half * (self._begun.by_segment + self._ended.by_segment)
        rest = heat - half * (self._begun.by_node + self._ended.by_node)
        found = self._summed(self._given @ self._owned(rest * self._per_conductance))
        self._taken_up = self._taken_up + asked + np.add(*np.split(found, 2))
        self._bulk = self._latest
        self._peak = tuple(np.maximum(one, other) for one, other in zip(self._peak, self._latest, strict=True))

    def state(self) -> Mapping[str, Any]:
        """Heat by segment, and the blood's temperature now and at its hottest."""
        return {
            "taken_up": self._taken_up.tolist(),
            "bulk": [bulk.tolist() for bulk in self._bulk],
            "peak": [peak.tolist() for peak in self._peak],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._taken_up = np.array(state["taken_up"])
        self._bulk = tuple(np.array(bulk) for bulk in state["bulk"])
        self._peak = tuple(np.array(peak) for peak in state["peak"])

    def facts(self) -> Mapping[str, Any]:
        """Heat carried away by each vessel [J], and how warm its blood is along the way."""
        return {"carried_J": self.carried(), "courses": self.courses(), "warnings": list(self._warnings)}

    def carried(self) -> dict[str, float]:
        """Heat [J] that the blood of each vessel has carried away."""
        ends = zip(self._first[:-1], self._first[1:], strict=True)
        return {
            line.name: float(self._taken_up[start:end].sum())
            for line, (start, end) in zip(self.lines, ends, strict=True)
        }

    def courses(self) -> list[dict[str, Any]]:
        """What runs along each line, for a table: its name and, at the segments' ends, place and temperatures."""
        return [
            {
                "vessel": line.name,
                "arc_mm": line.arc_mm.tolist(),
                "lps_mm": line.ends_mm.tolist(),
                "temperature_degC": bulk.tolist(),
                "peak_temperature_degC": peak.tolist(),
            }
            for line, bulk, peak in zip(self.lines, self._bulk, self._peak, strict=True)
        ]
