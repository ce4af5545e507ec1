# SPDX-License-Identifier: LGPL-3.0-or-later
"""Who killed what: the zone divided among the agents that made it, in the target and outside.

Every dead point belongs to one class: to the set of agents each of which is enough alone, or, where none is, to their
combination (``tissue/death/combination.py``). Levels and log kills are interpolated linearly between the nodes and read
at points within the cells, so that classes are disjoint and add up to the zone. What is dead only because the zone's
level interpolates between nodes that one agent has killed and others goes to that agent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imagio_sim.meshing.domain import Domain
from imagio_sim.outcome.probe import Probe
from imagio_sim.outcome.result import KillResult, KillVolumes
from imagio_sim.outcome.surface import Samples
from imagio_sim.tissue.death.combination import (
    COMBINATION,
    Interaction,
    combined_survival,
    is_graded,
    joint_share,
)
from imagio_sim.tissue.death.model import LEVEL_LIMIT, clipped_level

Floats = NDArray[np.float64]

JOIN = " + "
"""Between the agents of a class of tissue that each of them has killed alone."""
_INDEPENDENT: Final = "independent action"
_DIVISIONS, _SMALLEST = 6, np.finfo(float).tiny
# Agents that together come to less than this share of a lethal log kill have not worked together.
_HARM = 1e-3


@dataclass(frozen=True, eq=False)
class Agent:
    """What one agent has done by its deciding ``model``: nodal death level and surviving share (n,).

    ``lethal_survival`` is the surviving share at which the model says dead.
    """

    model: str
    level: Floats
    survival: Floats
    lethal_survival: float

    @property
    def log_share(self) -> Floats:
        """Logarithm (n,) of its log kill as a share of the lethal one; the lowest for models of dead and alive only."""
        if not is_graded(self.model):
            return np.full(len(self.level), -LEVEL_LIMIT)
        share = np.log(np.maximum(self.survival, _SMALLEST)) / np.log(self.lethal_survival)
        return clipped_level(np.log(np.maximum(share, _SMALLEST)))


@dataclass(frozen=True, eq=False)
class Kill:
    """Volumes [mm3] of a part of the patient by class, and what the agents contributed where they killed together.

    Attributes
    ----------
    volumes_mm3
        By agents that are each enough (joined by :data:`JOIN`) or :data:`COMBINATION`; only classes that occur.
    contributions
        Share of every agent in the log kill of the combination; empty without one.
    """

    volumes_mm3: Mapping[str, float]
    contributions: Mapping[str, float]

    @property
    def killed_mm3(self) -> float:
        """All that is dead."""
        return sum(self.volumes_mm3.values())

    def alone_mm3(self, agent: str) -> float:
        """Where an agent is enough alone, whatever others do."""
        return sum(volume for name, volume in self.volumes_mm3.items() if agent in name.split(JOIN))

    def without(self, part: Kill) -> Kill:
        """What lies outside a part; where that was measured more finely nothing negative is left."""
        left = {name: max(volume - part.volumes_mm3.get(name, 0.0), 0.0) for name, volume in self.volumes_mm3.items()}
        return Kill({name: volume for name, volume in left.items() if volume > 0.0}, self.contributions)


@dataclass(frozen=True, eq=False)
class Attribution:
    """Who killed what in the whole region and in the target (None without one).

    ``combined`` is the level (n,) of the zone they make together, ``survivals`` the mean surviving share of the target
    after each agent alone and after all (``combined``).
    """

    agents: Mapping[str, Agent]
    combined: Floats
    interactions: tuple[Interaction, ...]
    region: Kill
    target: Kill | None
    target_mm3: float
    survivals: Mapping[str, float]

    def classes_at(self, probe: Probe, points_mm: Floats, names: Sequence[str]) -> NDArray[np.int64]:
        """Number (p,) of the class at points (p, 3) in LPS mm, counted from 1 in ``names``; 0 for all others."""
        law = _Law.of(self.agents, self.interactions)
        values = np.nan_to_num(probe.values(_nodal(self.agents, self.combined), points_mm), nan=-LEVEL_LIMIT)
        numbers = np.array([0, *(names.index(name) + 1 if name in names else 0 for name in law.names)])
        return np.asarray(numbers[law.classes(values)[0]])

    @property
    def section(self) -> KillResult:
        """The part of the result."""
        outside = self.region if self.target is None else self.region.without(self.target)
        return {
            "law": "interaction" if self.interactions else _INDEPENDENT,
            "interactions": [{"between": list(one.agents), "strength": one.strength} for one in self.interactions],
            "models": {
                name: {"model": agent.model, "lethal_survival": agent.lethal_survival}
                for name, agent in self.agents.items()
            },
            "target": None if self.target is None else self._volumes(self.target),
            "target_volume_ml": self.target_mm3 / 1000.0,
            "target_mean_survival": dict(self.survivals),
            "outside": self._volumes(outside),
        }

    def _volumes(self, kill: Kill) -> KillVolumes:
        return {
            "killed_ml": kill.killed_mm3 / 1000.0,
            "alone_ml": {name: kill.alone_mm3(name) / 1000.0 for name in self.agents},
            "by_ml": {name: volume / 1000.0 for name, volume in kill.volumes_mm3.items()},
            "combination_shares": dict(kill.contributions),
        }


def attribution(
    domain: Domain,
    probe: Probe,
    agents: Mapping[str, Agent],
    combined: Floats,
    interactions: Sequence[Interaction] = (),
    *,
    target: Samples | None = None,
    target_mm3: float = 0.0,
) -> Attribution:
    """Divide the dead tissue of a region and its target among agents.

    Parameters
    ----------
    agents
        What each has done, by agent.
    combined
        Nodal level (n,) of the zone.
    target, target_mm3
        Points inside the target with the volume each stands for, and its whole volume.
    """
    nodal, law = _nodal(agents, combined), _Law.of(agents, interactions)
    in_target, survivals = None, dict[str, float]()
    if target is not None:
        values = probe.values(np.column_stack([nodal, *(one.survival for one in agents.values())]), target.points_mm)
        read, left = np.split(values, [nodal.shape[1]], axis=1)
        in_target = law.kill(np.nan_to_num(read, nan=-LEVEL_LIMIT), target.weights)
        survivals = _mean_survivals(np.nan_to_num(left, nan=1.0), law, target.weights)
    return Attribution(
        agents=agents,
        combined=combined,
        interactions=law.interactions,
        region=_of_region(domain, nodal, law),
        target=in_target,
        target_mm3=target_mm3,
        survivals=survivals,
    )


def _nodal(agents: Mapping[str, Agent], combined: Floats) -> Floats:
    """Levels, log shares of all agents, and the level of the zone (n, 2 agents + 1)."""
    each = list(agents.values())
    return np.column_stack([*(one.level for one in each), *(one.log_share for one in each), combined])


@dataclass(frozen=True)
class _Law:
    """Puts points into classes by levels, log shares and the zone's level (p, 2 agents + 1)."""

    agents: tuple[str, ...]
    killers: tuple[bool, ...]
    interactions: tuple[Interaction, ...]

    @classmethod
    def of(cls, agents: Mapping[str, Agent], interactions: Iterable[Interaction]) -> _Law:
        """For these agents, of which some are enough anywhere."""
        killers = tuple(bool(one.level.max() >= 0.0) for one in agents.values())
        return cls(tuple(agents), killers, tuple(interactions))

    @property
    def names(self) -> list[str]:
        """Of all classes but the living, which is 0; sets of agents in binary order, then the combination."""
        sets = list(product((False, True), repeat=len(self.agents)))[1:]
        return [
            JOIN.join(agent for agent, is_in in zip(self.agents, flags, strict=True) if is_in) for flags in sets
        ] + [COMBINATION]

    def classes(self, values: Floats) -> tuple[NDArray[np.int64], dict[str, Floats]]:
        """Class (p,) of points, and the lethal share (p,) of every agent there."""
        count = len(self.agents)
        order = 2 ** np.arange(count - 1, -1, -1)
        enough = (values[:, :count] >= 0.0) @ order
        shares = {agent: np.exp(values[:, count + number]) for number, agent in enumerate(self.agents)}
        closest = order[np.where(self.killers, values[:, :count], -np.inf).argmax(axis=1)]
        together = (joint_share(shares, self.interactions) > _HARM) | (not any(self.killers))
        otherwise = np.where(together, 2**count, closest)
        return np.where(enough > 0, enough, np.where(values[:, -1] >= 0.0, otherwise, 0)), shares

    def kill(self, values: Floats, weights: Floats) -> Kill:
        """Volumes of the classes of points with weights (p,) [mm3]."""
        found, shares = self.classes(values)
        volumes = np.bincount(found, weights, minlength=len(self.names) + 1)[1:]
        occurring = {name: float(volume) for name, volume in zip(self.names, volumes, strict=True) if volume > 0.0}
        return Kill(occurring, _contributions(shares, np.where(found == len(self.names), weights, 0.0)))


def _contributions(shares: Mapping[str, Floats], weights: Floats) -> dict[str, float]:
    """Mean share of every agent in the summed log kill of points with weights (p,)."""
    if len(shares) < 2 or not weights.any():
        return {}
    total = np.sum(list(shares.values()), axis=0)
    return {agent: float(np.average(share / total, weights=weights)) for agent, share in shares.items()}


def _of_region(domain: Domain, nodal: Floats, law: _Law) -> Kill:
    """Kill in all cells; only those whose corners differ are looked into."""
    corner_class, _ = law.classes(nodal)
    of_cell = corner_class[domain.cells]
    mixed = (of_cell != of_cell[:, :1]).any(axis=1)
    weights = _within(domain.cells.shape[1])
    inside = np.einsum("pc,mck->mpk", weights, nodal[domain.cells[mixed]]).reshape(-1, nodal.shape[1])
    volumes = _point_volumes(domain, mixed, weights).ravel()
    # One corner stands for a cell whose corners agree.
    return law.kill(
        np.concatenate([nodal[domain.cells[~mixed, 0]], inside]),
        np.concatenate([domain.cell_volumes_mm3[~mixed], volumes]),
    )


def _within(corners: int) -> Floats:
    """Barycentric coordinates (p, corners) of evenly spaced points inside a simplex."""
    steps = [steps for steps in product(range(_DIVISIONS), repeat=corners) if sum(steps) == _DIVISIONS - 1]
    return (np.array(steps) + 1.0 / corners) / _DIVISIONS


def _point_volumes(domain: Domain, cells: NDArray[np.bool_], weights: Floats) -> Floats:
    """Volume [mm3] (m, p) that points within cells stand for, by radius when axisymmetric."""
    whole = domain.cell_volumes_mm3[cells][:, None]
    if not domain.axisymmetric:
        return np.asarray(whole * np.full(len(weights), 1.0 / len(weights)))
    radius = domain.points_mm[domain.cells[cells], 0] @ weights.T
    return np.asarray(whole * radius / radius.sum(axis=1, keepdims=True))


def _mean_survivals(left: Floats, law: _Law, weights: Floats) -> dict[str, float]:
    """Means of the shares (p, agents) that survive each agent at points with weights (p,), and that survive all."""
    survivals = dict(zip(law.agents, np.clip(left, 0.0, 1.0).T, strict=True))
    survivals |= {"combined": combined_survival(survivals, law.interactions)}
    return {name: float(np.average(share, weights=weights)) for name, share in survivals.items()}
