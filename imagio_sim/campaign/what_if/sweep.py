# SPDX-License-Identifier: LGPL-3.0-or-later
"""What if: the plans of a scenario run with other values, one folder per member, finished ones taken as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.what_if.variation import Sample, Variant, Vary, concerned_plans, member_count, variants
from imagio_sim.errors import InputError, SolverFailure
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.result import Result
from imagio_sim.plan import Scenario

MOST_MEMBERS = 2000
"""Members of a sweep beyond which a grid is taken for a slip."""


@dataclass(frozen=True, eq=False)
class Member:
    """One plan with one set of values, and the folder of its run below that of the sweep."""

    plan: str
    variant: Variant

    @property
    def folder(self) -> Path:
        """Relative to the sweep's folder."""
        return Path(self.variant.name) / self.plan

    @property
    def changes(self) -> Mapping[str, Any]:
        """Values by path."""
        return self.variant.changes


@dataclass(frozen=True, eq=False)
class MemberResult:
    """What became of a member: its result, or why there is none."""

    member: Member
    result: Result | None
    failure: str = ""


def members_of(
    scenario: Scenario, plan_names: Sequence[str], varied: Sequence[Vary], sample: Sample | None = None
) -> tuple[Member, ...]:
    """All members, every one checked; plans that no path concerns are left out unless they are named.

    Raises
    ------
    InputError, InputErrors
        A path or value that does not fit, or more members than anyone wants.
    """
    names = plan_names or concerned_plans(scenario, varied)
    count = sum(member_count(scenario, name, varied, sample) for name in names)
    if count > MOST_MEMBERS:
        raise InputError(
            "--vary",
            found=f"{count} runs",
            allowed=f"at most {MOST_MEMBERS}",
            remedy="larger steps, or --sample N",
        )
    return tuple(Member(name, variant) for name in names for variant in variants(scenario, name, varied, sample))


def sweep(members: Sequence[Member], options: RunOptions, listener: Listener) -> Iterator[MemberResult]:
    """Run the members in turn; one that cannot be solved does not keep the others from it.

    Raises
    ------
    InputError, InputErrors
        Something a mesh shows to be wrong; members that were run stay.
    StorageFailure, Interrupted
        With the checkpoint kept; the same sweep goes on there.
    """
    within = replace(listener, say=lambda _: None)  # a line per member is enough
    for number, member in enumerate(members, start=1):
        listener.say(f"{number} of {len(members)}: {member.plan}, {member.variant.name}")
        into = replace(options, out=options.out / member.variant.name, resolution=_resolution(member, options))
        try:
            yield MemberResult(member, run_plan(member.variant.scenario, member.plan, into, within))
        except SolverFailure as failure:
            listener.say(f"{member.variant.name}: {failure}")
            yield MemberResult(member, None, str(failure))


def _resolution(member: Member, options: RunOptions) -> Resolution:
    """That of the options, unless it is what is varied."""
    varied = "solver.resolution" in member.changes
    return member.variant.scenario.solver.resolution if varied else options.resolution
