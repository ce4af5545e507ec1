# SPDX-License-Identifier: LGPL-3.0-or-later
"""Departures from independent action that a scenario chooses, each with a source; law: ``tissue.death.combination``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator

from imagio_sim.plan.model import Fault, PlanModel, Text, fault, nearest
from imagio_sim.plan.stages import Plan
from imagio_sim.tissue.death import DECIDING
from imagio_sim.tissue.death.combination import Interaction
from imagio_sim.tissue.value import Value
from imagio_sim.units import InteractionStrength, Misfit


def _known_agent(name: str) -> str:
    if name not in DECIDING:
        allowed = f"one of {', '.join(DECIDING)}"
        raise Misfit(repr(name), allowed, nearest(name, DECIDING, "name what kills")).raised_in_validation()
    return name


Agent = Annotated[str, AfterValidator(_known_agent)]


class ChosenInteraction(PlanModel):
    """Two agents that do not act independently.

    Attributes
    ----------
    between
        The agents.
    strength
        Of the cross term of their log kills: 0 is independence, above it synergy, below it antagonism.
    source
        Where the strength comes from.
    """

    between: tuple[Agent, Agent]
    strength: InteractionStrength
    source: Text

    @property
    def sourced(self) -> Value:
        """The strength with where it comes from."""
        return Value(self.strength, "1", None, None, None, self.source, "given", origin="scenario")

    def faults(self) -> Iterable[Fault]:
        """Two agents."""
        if self.between[0] == self.between[1]:
            yield fault(
                "between",
                found=f"{self.between[0]} twice",
                allowed="two agents",
                remedy="an agent's own dose and effect are its death model's business",
            )


def interaction_faults(chosen: Sequence[ChosenInteraction], plans: Mapping[str, Plan]) -> Iterator[Fault]:
    """A pair that is given twice, or that no plan brings together."""
    together = [frozenset(plan.agents) for plan in plans.values()]
    pairs = [frozenset(one.between) for one in chosen]
    for index, pair in enumerate(pairs):
        names = " and ".join(chosen[index].between)
        if pair in pairs[:index]:
            yield fault(
                *("interactions", index, "between"),
                found=f"{names} for the second time",
                allowed="one interaction of a pair",
                remedy="leave one out",
            )
        elif not any(pair <= agents for agents in together):
            yield fault(
                *("interactions", index, "between"),
                found=f"{names}, which no plan brings together",
                allowed="two agents of one plan",
                remedy="leave it out: it would change nothing",
            )


def interactions_among(chosen: Iterable[ChosenInteraction], agents: Iterable[str]) -> tuple[Interaction, ...]:
    """Those between some agents, as the law takes them."""
    acting = frozenset(agents)
    return tuple(Interaction(one.between, one.strength) for one in chosen if frozenset(one.between) <= acting)
