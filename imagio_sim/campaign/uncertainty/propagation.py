# SPDX-License-Identifier: LGPL-3.0-or-later
"""How sure a plan is: its uncertain inputs drawn many times, every member run, and what they say together.

All plans of a scenario draw the same numbers for the same input: what differs then is the plans.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from imagio_sim.anatomy.nifti import nifti_grid, open_nifti, voxels
from imagio_sim.anatomy.volume import Grid
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.uncertainty.inputs import (
    Floats,
    UncertainConstant,
    UncertainInput,
    uncertain_brought,
    uncertain_constants,
    uncertain_deaths,
    uncertain_devices,
    uncertain_places,
    with_drawn,
)
from imagio_sim.campaign.what_if.sweep import Member, MemberResult, sweep
from imagio_sim.campaign.what_if.variation import Variant
from imagio_sim.errors import InputError, InputErrors, SolverFailure
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.comparison import QUANTITIES, Quantity
from imagio_sim.outcome.ranking import DIRECTIONS
from imagio_sim.outcome.result import Result
from imagio_sim.outcome.uncertainty import (
    CorrectionCheck,
    DrawnInput,
    PlanDifference,
    PlanUncertainty,
    Probability,
    ProbabilityMap,
    contributions,
    interval,
    is_covered,
    plan_difference,
    probability,
    probability_map,
    unchecked_share,
)
from imagio_sim.plan import Scenario

FILE = "uncertainty.json"
FEWEST, MOST = 8, 4096
"""Members that a sample may have."""
MARGIN_MM = 5.0
"""The margin that is asked for after ablation of liver tumours."""
_TOLD = (
    *("target_coverage", "minimal_ablative_margin", "margin_fraction_ge_5", "collateral_volume"),
    *("ablation_zone_volume", "long_axis", "short_axis", "killed_by_heat"),
    *("target_exposed", "target_mean_dose", "tumour_control", "liver_reserve"),
)
_JUDGED = {
    **{key: 1 if direction == "most" else -1 for key, direction in DIRECTIONS.items() if key in _TOLD},
    **dict.fromkeys(("target_exposed", "tumour_control", "liver_reserve"), 1),
}
"""1 for figures of which more is better, -1 for those of which less is."""
_MOST_FAILED = 0.1
"""Share of members without a result beyond which nothing is said of the others."""


@dataclass(frozen=True)
class Asked:
    """What to do.

    Attributes
    ----------
    count, seed
        Number of members per plan, and what makes them the same every time.
    placement_mm
        Mean error of placement.
    members
        Resolution of the members.
    workers
        Members that are run at a time.
    checked
        How many members are run at the nominal resolution as well, to see whether correcting them is enough.
    """

    count: int
    seed: int
    placement_mm: float
    members: Resolution
    workers: int = 1
    checked: int = 0


def uncertainty_of(
    scenario: Scenario, plan_names: Sequence[str], asked: Asked, options: RunOptions, listener: Listener
) -> dict[str, PlanUncertainty]:
    """Run the plans with nominal and with drawn inputs; what is finished is taken as it is.

    Raises
    ------
    InputError
        A sample that is too small or too large, or too many members that cannot be solved.
    """
    if not FEWEST <= asked.count <= MOST:
        raise InputError(
            "--samples",
            found=str(asked.count),
            allowed=f"{FEWEST} to {MOST}",
            remedy="64 tell a probability to within about 12 points",
        )
    nominal = {name: _nominal(scenario, name, options, listener) for name in plan_names}
    inputs = {name: _inputs(scenario, name, nominal[name].folder, asked) for name in plan_names}
    shares = common_shares([one.key for own in inputs.values() for one in own], asked)
    drawn = {name: _Drawn.of(scenario, name, inputs[name], shares) for name in plan_names}
    return {
        name: _plan_uncertainty(_Task(scenario, name, asked, options, listener), drawn[name], nominal[name])
        for name in plan_names
    }


def differences(found: Mapping[str, PlanUncertainty]) -> tuple[PlanDifference, ...]:
    """Every pair of plans, draw by draw."""
    held = (plan_difference(first, second, _JUDGED) for first, second in itertools.combinations(found.values(), 2))
    return tuple(one for one in held if one is not None)


@dataclass(frozen=True, eq=False)
class _Nominal:
    """The run with nominal constants at the resolution asked for, and its folder."""

    result: Result
    folder: Path


def nominal_folder(options: RunOptions) -> Path:
    """Where the runs with nominal constants are, one folder per plan."""
    return options.out / f"nominal_{options.resolution}"


def _nominal(scenario: Scenario, plan: str, options: RunOptions, listener: Listener) -> _Nominal:
    listener.say(f"{plan}: nominal")
    within = replace(options, out=nominal_folder(options))
    return _Nominal(run_plan(scenario, plan, within, replace(listener, say=lambda _: None)), within.out / plan)


def _inputs(scenario: Scenario, plan: str, folder: Path, asked: Asked) -> tuple[UncertainInput, ...]:
    """All that is uncertain of a plan; its tissues are those that its nominal run has met."""
    used = yaml.safe_load((folder / "plan.yaml").read_text(encoding="utf-8"))["constants"]["tissues"]
    return (
        *uncertain_constants(scenario, plan, list(used)),
        *uncertain_devices(scenario, plan),
        *uncertain_brought(scenario, plan),
        *uncertain_deaths(scenario, plan),
        *uncertain_places(scenario, plan, mean_error_mm=asked.placement_mm),
    )


def common_shares(keys: Sequence[str], asked: Asked) -> dict[str, Floats]:
    """Numbers (count,) in (0, 1) for every key of an input, the same for the same seed, count and keys.

    A Latin hypercube whose columns have been made as little correlated as swaps can make them: so few points of a
    Sobol sequence in so many dimensions would be, and the spread would be put down to the wrong inputs.
    """
    from scipy.stats import qmc

    unique = sorted(set(keys))
    if not unique:
        raise InputError(
            "uncertainty",
            found="nothing uncertain",
            allowed="constants with a spread, or an error of placement",
            remedy="give spreads in tissue_values, or --placement",
        )
    points = qmc.LatinHypercube(len(unique), optimization="random-cd", seed=asked.seed).random(asked.count)
    return dict(zip(unique, np.clip(points, 1e-9, 1.0 - 1e-9).T, strict=True))


@dataclass(frozen=True, eq=False)
class _Task:
    """One plan, what is asked of it, and how it is run."""

    scenario: Scenario
    plan: str
    asked: Asked
    options: RunOptions
    listener: Listener

    def at(self, resolution: Resolution, folder: str) -> RunOptions:
        """How members are run at a resolution."""
        return replace(self.options, out=self.options.out / folder, resolution=resolution, pictures=False)

    def swept(self, members: Sequence[Member], options: RunOptions) -> list[MemberResult]:
        """What became of members, in their order."""
        return list(sweep(members, options, self.listener, workers=self.asked.workers))


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The members of a plan by number, why others cannot be, and what was drawn.

    Attributes
    ----------
    shares
        By the name under which the page lists what was drawn: inputs that are drawn together have one name.
    told
        What is known of each, by the same names.
    """

    members: Mapping[int, Member]
    impossible: Sequence[str]
    shares: Mapping[str, Floats]
    told: Mapping[str, DrawnInput]

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        plan: str,
        inputs: Sequence[UncertainInput],
        shares: Mapping[str, Floats],
    ) -> _Drawn:
        """Draw for every input its values at the shares of its key."""
        values = {one.name: [one.drawn(float(share)) for share in shares[one.key]] for one in inputs}
        members, impossible = _members(scenario, plan, inputs, values)
        groups = {joint_name(group): group for group in _together(inputs)}
        return cls(
            members,
            impossible,
            {name: shares[group[0].key] for name, group in groups.items()},
            {name: DrawnInput(group[0].spread, group[0].evidence) for name, group in groups.items()},
        )


def _together(
    inputs: Sequence[UncertainInput],
) -> list[list[UncertainInput]]:
    groups: dict[str, list[UncertainInput]] = {}
    for one in inputs:
        groups.setdefault(one.key, []).append(one)
    return list(groups.values())


def joint_name(together: Sequence[UncertainInput]) -> str:
    """What inputs that are drawn together are called: ``hcc and liver: density``."""
    first = together[0]
    if len(together) == 1 or not isinstance(first, UncertainConstant):
        return first.name
    if first.shared:
        return first.shared
    owners = dict.fromkeys(one.owner or "laws" for one in together if isinstance(one, UncertainConstant))
    return f"{' and '.join(owners)}: {first.quantity}"


def _plan_uncertainty(task: _Task, drawn: _Drawn, nominal: _Nominal) -> PlanUncertainty:
    asked, plan = task.asked, task.plan
    within = task.at(asked.members, "members")
    ended = dict(zip(drawn.members, task.swept(list(drawn.members.values()), within), strict=True))
    results = {number: one.result for number, one in ended.items() if one.result is not None}
    failures = [one.failure for one in ended.values() if one.failure]
    _require_most(plan, asked.count, len(results), [*drawn.impossible, *failures])
    own = _nominal_of_members(task, nominal)
    read = {
        one.key: _figures(one, list(results.values()), own, nominal.result) for one in QUANTITIES if one.key in _TOLD
    }
    known = {key: found for key, found in read.items() if found is not None}
    shares = {name: values[list(results)] for name, values in drawn.shares.items()}
    origins = {key: contributions(shares, one.values) for key, one in known.items()}
    return PlanUncertainty(
        plan=plan,
        members=len(results),
        failed=asked.count - len(results),
        figures={key: told for key, one in known.items() if (told := interval(list(one.values), one.nominal))},
        covered=_covered(list(results.values())),
        margin_kept=_margin_kept(known),
        origins=origins,
        inputs=drawn.told,
        unchecked={key: unchecked_share(found, drawn.told) for key, found in origins.items()},
        correction={key: one.shift for key, one in known.items() if one.shift != 0.0},
        checks=_checks(task, drawn, results, known),
        sample={key: [float(value) for value in one.values] for key, one in known.items()},
        numbers=list(results),
        seconds=float(np.mean([result["timing"]["total_s"] for result in results.values()])),
        zone=probability_map([_zone(within.out / drawn.members[number].folder) for number in results]),
    )


def _nominal_of_members(task: _Task, nominal: _Nominal) -> Result:
    """The nominal plan on the mesh of the members."""
    if task.asked.members == task.options.resolution:
        return nominal.result
    coarser = replace(task.options, resolution=task.asked.members, pictures=False)
    return _nominal(task.scenario, task.plan, coarser, task.listener).result


def _checks(
    task: _Task, drawn: _Drawn, results: Mapping[int, Result], known: Mapping[str, _Read]
) -> dict[str, CorrectionCheck]:
    """How far the first members, corrected, are from themselves on the mesh of the nominal run."""
    numbers = list(results)[: task.asked.checked]
    if task.asked.members == task.options.resolution or not numbers:
        return {}
    again = [drawn.members[number] for number in numbers]
    ended = task.swept(again, task.at(task.options.resolution, "checked_members"))
    found = {}
    for quantity in (one for one in QUANTITIES if one.key in known):
        finer = [None if one.result is None else quantity.read(one.result) for one in ended]
        off = known[quantity.key].values[: len(numbers)] - np.array([np.nan if v is None else v for v in finer])
        off, values = off[np.isfinite(off)], known[quantity.key].values
        if len(off):
            low, high = np.nanpercentile(np.where(np.isfinite(values), values, np.nan), (5.0, 95.0))
            found[quantity.key] = CorrectionCheck(len(off), float(np.sqrt((off**2).mean())), float(high - low))
    return found


def _members(
    scenario: Scenario,
    plan: str,
    inputs: Sequence[UncertainInput],
    values: Mapping[str, Sequence[float]],
) -> tuple[dict[int, Member], list[str]]:
    """Members by number, and why others cannot be: needles that would touch, an entry in the wrong place."""
    members, impossible = {}, []
    for number in range(len(next(iter(values.values())))):
        name, own = f"member_{number:04d}", {key: column[number] for key, column in values.items()}
        try:
            changed = with_drawn(scenario, plan, own, inputs, where=name)
        except (InputError, InputErrors) as error:
            impossible.append(str(error))
        else:
            members[number] = Member(plan, Variant(name, own, changed))
    return members, impossible


def _require_most(plan: str, count: int, done: int, reasons: Sequence[str]) -> None:
    if count - done > _MOST_FAILED * count:
        raise SolverFailure(
            f"{count - done} of {count} members of {plan} have no result: {'; '.join(dict.fromkeys(reasons))}",
            last_good_time=0.0,
            suggestions=("a finer mesh for the members (--members-resolution)", "narrower spreads in the scenario"),
        )


@dataclass(frozen=True, eq=False)
class _Read:
    """A figure of the members (n,), moved by ``shift``, and that of the nominal run."""

    values: Floats
    nominal: float | None
    shift: float


def _figures(quantity: Quantity, results: Sequence[Result], own: Result, nominal: Result) -> _Read | None:
    """A figure of the members, moved by what their mesh makes of the nominal plan; None where no member has it."""
    values = [quantity.read(result) for result in results]
    if all(value is None for value in values):
        return None
    coarse, fine = quantity.read(own), quantity.read(nominal)
    shift = fine - coarse if quantity.unit == "mm" and coarse is not None and fine is not None else 0.0
    return _Read(np.array([np.nan if value is None else value + shift for value in values]), fine, shift)


def _covered(results: Sequence[Result]) -> Probability | None:
    targets = [result.get("target") for result in results]
    found = [is_covered(target["coverage"]) for target in targets if target is not None]
    return probability(found) if found else None


def _margin_kept(figures: Mapping[str, _Read]) -> Probability | None:
    """A member without a zone, or whose target has no surface that counts, keeps no margin."""
    if "minimal_ablative_margin" not in figures:
        return None
    margins = figures["minimal_ablative_margin"].values
    return probability(bool(margin >= MARGIN_MM) for margin in np.nan_to_num(margins, nan=-np.inf))


def _zone(folder: Path) -> tuple[NDArray[np.bool_], Grid]:
    values, grid = _image(folder / "necrosis_1mm.nii.gz")
    return values > 0, grid


def _image(file: Path) -> tuple[Floats, Grid]:
    nifti = open_nifti(file)
    return np.asarray(voxels(nifti, file), dtype=float), nifti_grid(nifti, file)


def write_uncertainty(folder: Path, found: Mapping[str, PlanUncertainty], asked: Asked) -> None:
    """Write ``uncertainty.json`` and, per plan, ``death_probability_<plan>.nii.gz`` (on the 1 mm grid)."""
    from imagio_sim.export.nifti import write_field_nifti

    for name, one in found.items():
        write_field_nifti(_map_file(folder, name), one.zone.share.astype(np.float32), one.zone.grid)
    data = {
        "asked": asdict(asked),
        "plans": {name: one.data() for name, one in found.items()},
        "differences": [one.data() for one in differences(found)],
    }
    text = json.dumps(data, indent=1)
    partial = folder / f".{FILE}"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / FILE)


def read_uncertainty(folder: Path) -> dict[str, PlanUncertainty]:
    """What :func:`write_uncertainty` has written, by plan.

    Raises
    ------
    InputError
        If the folder holds no sample.
    """
    file = folder / FILE
    if not file.is_file():
        raise InputError(
            str(folder),
            found=f"no {FILE}",
            allowed="a folder of imagio uncertainty",
            remedy="draw the plans with imagio uncertainty SCENARIO",
        )
    plans = json.loads(file.read_text(encoding="utf-8"))["plans"]
    return {
        name: PlanUncertainty.of_data(data, ProbabilityMap(*_image(_map_file(folder, name))))
        for name, data in plans.items()
    }


def _map_file(folder: Path, plan: str) -> Path:
    return folder / f"death_probability_{plan}.nii.gz"
