# SPDX-License-Identifier: LGPL-3.0-or-later
"""What several agents kill together: independent action, or with an interaction that somebody has chosen.

Every agent (heat, cold, electroporation, ischaemia, drug, radiation) leaves a share S of the cells alive, by its
deciding model. With k = -ln S, the *log kill*, independent action (Bliss 1939, Ann. Appl. Biol. 26:585) is a sum:

    k = sum_a k_a + sum_(a,b) strength_ab sqrt(k_a k_b),

the second sum being the interaction of named pairs: the cross term of Greco, Bravo and Parsons (1995, Pharmacol. Rev.
47:331), 0 for independence, positive for synergy, negative for antagonism. The combination never kills less than its
most lethal agent.

Models say dead at shares of their own (viability in histology is not clonogenic survival). A threshold common to all
would let one agent kill more for being one of several, so each counts by its *lethal log kill*, h = ln S / ln S_lethal,
and the combination kills where the same sum over h reaches one. Where all thresholds are equal that is: where the
product of survivals falls to the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import exp
from types import MappingProxyType

import numpy as np

from imagio_sim.tissue.death.library import NOMINAL, Parameters, death_records, parameters_of
from imagio_sim.tissue.death.model import Array, clipped_level

COMBINATION = "combination"
"""What has killed where no agent alone was enough."""
DEAD_SURVIVAL = "dead_survival"
"""Parameter of a death model: the surviving share at which it says dead."""

_EVEN = 0.5
_YES_OR_NO = ("isotherm", "nadir", "held_nadir", "cooling_rate", "lethal_field", "isodose")
_SMALLEST = np.finfo(float).tiny
_LARGEST_EXPONENT = 700.0
# Contributions of a second agent below this share of the first are rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Interaction:
    """How far two agents depart from independent action: 0 not at all, positive for synergy."""

    agents: tuple[str, str]
    strength: float


def lethal_survival(model: str, given: Parameters = NOMINAL) -> float:
    """Surviving share at which a death model says dead; one half for those that know only dead and alive."""
    parameters = parameters_of(model, given)
    if DEAD_SURVIVAL in parameters:
        return parameters[DEAD_SURVIVAL]
    return _LETHAL_SURVIVAL[death_records()[model].law](parameters)


def is_graded(model: str) -> bool:
    """Whether a death model knows more than dead and alive, so that it counts beside others below its threshold."""
    return death_records()[model].law not in _YES_OR_NO


_LETHAL_SURVIVAL: Mapping[str, Callable[[Mapping[str, float]], float]] = MappingProxyType(
    {
        "arrhenius": lambda parameters: exp(-parameters["threshold"]),
        "thermal_dose": lambda _: exp(-1.0),
        "three_state": lambda parameters: 1.0 - parameters["threshold"],
        **dict.fromkeys(_YES_OR_NO, lambda _: _EVEN),
    }
)


def summed_shares(shares: Mapping[str, Array], interactions: Iterable[Interaction]) -> Array:
    """Sum (n,) of log kills or of lethal shares by agent, with the cross terms of pairs, at least the largest share."""
    strengths = {frozenset(one.agents): one.strength for one in interactions}
    total = np.sum(list(shares.values()), axis=0)
    for one, other in combinations(shares, 2):
        strength = strengths.get(frozenset((one, other)), 0.0)
        if strength != 0.0:
            total = total + strength * np.sqrt(shares[one] * shares[other])
    return np.asarray(np.maximum(total, np.max(list(shares.values()), axis=0)))


def combined_survival(survivals: Mapping[str, Array], interactions: Iterable[Interaction] = ()) -> Array:
    """Share (n,) that survives all agents, from the share (n,) that survives each: the product where none interact."""
    product = np.prod(list(survivals.values()), axis=0)
    acting = [one for one in interactions if set(one.agents) <= set(survivals)]
    if not acting:
        return np.asarray(product)
    kills = {agent: -np.log(np.clip(survival, _SMALLEST, 1.0)) for agent, survival in survivals.items()}
    more = summed_shares(kills, acting) - np.sum(list(kills.values()), axis=0)
    return np.asarray(
        np.minimum(product * np.exp(np.minimum(-more, _LARGEST_EXPONENT)), np.min(list(survivals.values()), axis=0))
    )


def lethal_shares(survivals: Mapping[str, Array], lethal: Mapping[str, float]) -> dict[str, Array]:
    """Log kill (n,) of each agent as a share of what is lethal by itself: 1 where its model says dead.

    It is 0 where nothing survives, so that a model of dead and alive only adds nothing to others anywhere.
    """
    return {agent: _share(survival, lethal[agent]) for agent, survival in survivals.items()}


def _share(survival: Array, lethal: float) -> Array:
    return np.asarray(np.log(np.where(survival > 0.0, np.minimum(survival, 1.0), 1.0)) / np.log(lethal))


def survival_level(survival: Array, lethal: float) -> Array:
    """Level function (n,) of a share (n,) that survives, positive where less than ``lethal`` does."""
    share = np.log(np.clip(survival, _SMALLEST, 1.0)) / np.log(lethal)
    return np.asarray(clipped_level(np.log(np.maximum(share, _SMALLEST))))


def combined_level(
    levels: Mapping[str, Array],
    survivals: Mapping[str, Array],
    lethal: Mapping[str, float],
    interactions: Iterable[Interaction] = (),
) -> Array:
    """Level function (n,) of the combination, positive where it kills.

    Parameters
    ----------
    levels, survivals
        Level function and surviving share (n,) of each agent, by its deciding model.
    lethal
        Surviving share at which that model says dead.

    Notes
    -----
    Where one agent is enough, it is the highest level, raised by the logarithm of what the others add to the largest
    lethal share. Where none is, it is the highest level or, where at least two do harm, the logarithm of their summed
    lethal shares if that is higher. For models whose level is the logarithm of their share both are the same.
    """
    shares = lethal_shares(survivals, lethal)
    alone, largest = np.max(list(levels.values()), axis=0), np.max(list(shares.values()), axis=0)
    joint = joint_share(shares, interactions)
    added = joint > 0.0
    rise = np.log(np.where(added, joint, 1.0) / np.where(added, largest, 1.0))
    together = clipped_level(np.log(np.where(added, joint, _SMALLEST)))
    return np.asarray(np.where(alone >= 0.0, clipped_level(alone + rise), np.maximum(alone, together)))


def joint_share(shares: Mapping[str, Array], interactions: Iterable[Interaction]) -> Array:
    """Summed lethal share (n,), enough from 1 on, where at least two agents contribute; 0 elsewhere."""
    total, largest = summed_shares(shares, interactions), np.max(list(shares.values()), axis=0)
    return np.asarray(np.where(total > (1.0 + _ROUNDING) * largest, total, 0.0))
