# SPDX-License-Identifier: LGPL-3.0-or-later
"""What if: the plans of a scenario run with other values, one folder per member, finished ones taken as they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.what_if.apart import run_apart
from imagio_sim.campaign.what_if.variation import Sample, Variant, Vary, concerned_plans, member_count, variants
from imagio_sim.errors import ImagioError, InputError, Interrupted, StorageFailure
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


def sweep(
    members: Sequence[Member],
    options: RunOptions,
    listener: Listener,
    *,
    workers: int = 1,
    settled: Callable[[int], None] = lambda _: None,
) -> Iterator[MemberResult]:
    """Run the members; whatever is wrong with one does not keep the others from it.

    Parameters
    ----------
    workers
        Members that are run at a time: one in this process, several in processes of their own.
    settled
        Called with the number of members that have ended, in any order; their results come in that of the members.

    Raises
    ------
    StorageFailure, Interrupted
        With the checkpoint kept; the same sweep goes on there.
    """
    if workers > 1:
        yield from _side_by_side(members, options, listener, workers, settled)
        return
    within = replace(listener, say=lambda _: None)  # a line per member is enough
    for number, member in enumerate(members, start=1):
        listener.say(f"{number} of {len(members)}: {_name(member)}")
        yield _settled(member, listener, partial(_run_here, member, options, within))
        settled(number)


def _run_here(member: Member, options: RunOptions, listener: Listener) -> Result:
    return run_plan(member.variant.scenario, member.plan, _options_of(member, options), listener)


def _side_by_side(
    members: Sequence[Member],
    options: RunOptions,
    listener: Listener,
    workers: int,
    settled: Callable[[int], None],
) -> Iterator[MemberResult]:
    """Run several members at a time; when this ends early, those under way end at a checkpoint, or are killed."""
    last, abandon = threading.Event(), threading.Event()

    def run(member: Member) -> MemberResult:
        into, stop = _options_of(member, options), lambda: listener.stop() or last.is_set()
        listener.say(f"{1 + members.index(member)} of {len(members)}: {_name(member)}")
        apart = partial(run_apart, member.variant.scenario, member.plan, into, stop, abandon=abandon)
        return _settled(member, listener, apart)

    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(run, member) for member in members]
        for one in waiting:
            one.add_done_callback(lambda _: settled(sum(other.done() for other in waiting)))
        try:
            for one in waiting:
                yield one.result()
        except BaseException as error:
            (last if isinstance(error, ImagioError) else abandon).set()
            pool.shutdown(cancel_futures=True)
            raise


def _settled(member: Member, listener: Listener, run: Callable[[], Result]) -> MemberResult:
    try:
        return MemberResult(member, run())
    except (Interrupted, StorageFailure):
        raise
    except ImagioError as failure:
        reason = " | ".join(str(failure).splitlines())
        listener.say(f"{member.variant.name}: {reason}")
        return MemberResult(member, None, reason)


def _name(member: Member) -> str:
    return f"{member.plan}, {member.variant.name}"


def _options_of(member: Member, options: RunOptions) -> RunOptions:
    return replace(options, out=options.out / member.variant.name, resolution=_resolution(member, options))


def _resolution(member: Member, options: RunOptions) -> Resolution:
    """That of the options, unless it is what is varied."""
    varied = "solver.resolution" in member.changes
    return member.variant.scenario.solver.resolution if varied else options.resolution
