# SPDX-License-Identifier: LGPL-3.0-or-later
"""How sure a plan is: its uncertain inputs drawn many times, every member run, and what they say together.

All plans of a scenario draw the same numbers for the same input: what differs then is the plans.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from imagio_sim.anatomy.nifti import nifti_grid, open_nifti, voxels
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.uncertainty.inputs import (
    Floats,
    UncertainConstant,
    UncertainPlace,
    uncertain_constants,
    uncertain_places,
    with_drawn,
)
from imagio_sim.campaign.what_if.sweep import Member, sweep
from imagio_sim.campaign.what_if.variation import Variant
from imagio_sim.errors import InputError, InputErrors, SolverFailure
from imagio_sim.meshing.recipe import Resolution
from imagio_sim.outcome.comparison import QUANTITIES, Quantity
from imagio_sim.outcome.result import Result
from imagio_sim.outcome.uncertainty import (
    Contribution,
    Interval,
    Probability,
    ProbabilityMap,
    contributions,
    interval,
    is_covered,
    probability,
    probability_map,
)
from imagio_sim.plan import Scenario

FEWEST, MOST = 8, 4096
"""Members that a sample may have."""
MARGIN_MM = 5.0
"""The margin that is asked for after ablation of liver tumours."""
_TOLD = (
    *("target_coverage", "minimal_ablative_margin", "margin_fraction_ge_5", "collateral_volume"),
    *("ablation_zone_volume", "long_axis", "short_axis"),
)
_MOST_FAILED = 0.1
"""Share of members without a result beyond which nothing is said of the others."""


@dataclass(frozen=True)
class Asked:
    """What to do: number of members, seed, mean error of placement [mm], and resolution of the members."""

    count: int
    seed: int
    placement_mm: float
    members: Resolution


@dataclass(frozen=True, eq=False)
class PlanUncertainty:
    """What is known of one plan.

    Attributes
    ----------
    members, failed
        How many gave a result, and how many did not.
    figures
        Interval of every figure by its key in :data:`~imagio_sim.outcome.comparison.QUANTITIES`.
    covered, margin_kept
        Probabilities that the target is covered, and that the minimal margin is at least 5 mm; None without a target.
    origins
        What the spread comes from, by the figure.
    inputs
        Everything that was drawn: name and distribution.
    correction
        By how much the members were moved, because their mesh is coarser than that of the nominal run, by figure.
    zone
        Where tissue dies in which share of the members.
    """

    plan: str
    members: int
    failed: int
    figures: Mapping[str, Interval]
    covered: Probability | None
    margin_kept: Probability | None
    origins: Mapping[str, Sequence[Contribution]]
    inputs: Mapping[str, str]
    correction: Mapping[str, float]
    zone: ProbabilityMap

    def data(self) -> dict[str, Any]:
        """All but the map, as plain data."""
        fields = {name: value for name, value in vars(self).items() if name != "zone"}
        return dict(_plain(fields))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


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
    shares = common_shares([one.name for own in inputs.values() for one in own], asked)
    return {
        name: _plan_uncertainty(scenario, name, inputs[name], shares, nominal[name], asked, options, listener)
        for name in plan_names
    }


@dataclass(frozen=True, eq=False)
class _Nominal:
    """The run with nominal constants at the resolution asked for, and its folder."""

    result: Result
    folder: Path


def _nominal(scenario: Scenario, plan: str, options: RunOptions, listener: Listener) -> _Nominal:
    listener.say(f"{plan}: nominal")
    within = replace(options, out=options.out / f"nominal_{options.resolution}")
    return _Nominal(run_plan(scenario, plan, within, replace(listener, say=lambda _: None)), within.out / plan)


def _inputs(scenario: Scenario, plan: str, folder: Path, asked: Asked) -> list[UncertainConstant | UncertainPlace]:
    """All that is uncertain of a plan; its tissues are those that its nominal run has met."""
    used = yaml.safe_load((folder / "plan.yaml").read_text(encoding="utf-8"))["constants"]["tissues"]
    return [
        *uncertain_constants(scenario, plan, list(used)),
        *uncertain_places(scenario, plan, mean_error_mm=asked.placement_mm),
    ]


def common_shares(names: Sequence[str], asked: Asked) -> dict[str, Floats]:
    """Numbers (count,) in (0, 1) for every input, the same for the same seed, count and inputs.

    A Latin hypercube whose columns have been made as little correlated as swaps can make them: so few points of a
    Sobol sequence in so many dimensions would be, and the spread would be put down to the wrong inputs.
    """
    from scipy.stats import qmc

    unique = sorted(set(names))
    if not unique:
        raise InputError(
            "uncertainty",
            found="nothing uncertain",
            allowed="constants with a spread, or an error of placement",
            remedy="give spreads in tissue_values, or --placement",
        )
    points = qmc.LatinHypercube(len(unique), optimization="random-cd", seed=asked.seed).random(asked.count)
    return dict(zip(unique, np.clip(points, 1e-9, 1.0 - 1e-9).T, strict=True))


def _plan_uncertainty(
    scenario: Scenario,
    plan: str,
    inputs: Sequence[UncertainConstant | UncertainPlace],
    shares: Mapping[str, Floats],
    nominal: _Nominal,
    asked: Asked,
    options: RunOptions,
    listener: Listener,
) -> PlanUncertainty:
    drawn = {one.name: np.array([one.drawn(float(share)) for share in shares[one.name]]) for one in inputs}
    within = replace(options, out=options.out / "members", resolution=asked.members, pictures=False)
    members, impossible = _members(scenario, plan, inputs, drawn)
    ended = dict(zip(members, sweep(list(members.values()), within, listener), strict=True))
    done = [number for number, one in ended.items() if one.result is not None]
    _require_most(plan, asked.count, len(done), [*impossible, *(one.failure for one in ended.values() if one.failure)])
    own = nominal.result
    if asked.members != options.resolution:
        coarser = replace(options, resolution=asked.members, pictures=False)
        own = _nominal(scenario, plan, coarser, listener).result
    results = [result for one in ended.values() if (result := one.result) is not None]
    read = {one.key: _figures(one, results, own, nominal.result) for one in QUANTITIES if one.key in _TOLD}
    known = {key: found for key, found in read.items() if found is not None}
    sampled = {name: values[done] for name, values in drawn.items()}
    return PlanUncertainty(
        plan=plan,
        members=len(done),
        failed=asked.count - len(done),
        figures={key: told for key, (values, one, _) in known.items() if (told := interval(list(values), one))},
        covered=_covered(results),
        margin_kept=_margin_kept(known),
        origins={key: contributions(sampled, values) for key, (values, _, _) in known.items()},
        inputs={one.name: one.spread for one in inputs},
        correction={key: shift for key, (_, _, shift) in known.items() if shift != 0.0},
        zone=probability_map([_zone(within.out / members[number].folder) for number in done]),
    )


def _members(
    scenario: Scenario,
    plan: str,
    inputs: Sequence[UncertainConstant | UncertainPlace],
    drawn: Mapping[str, Floats],
) -> tuple[dict[int, Member], list[str]]:
    """Members by number, and why others cannot be: needles that would touch, an entry in the wrong place."""
    members, impossible = {}, []
    for number in range(len(next(iter(drawn.values())))):
        name, own = f"member_{number:04d}", {key: float(values[number]) for key, values in drawn.items()}
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
            suggestions=("a finer mesh for the members (--members-resolution)", "narrower spreads in tissue_values"),
        )


def _figures(
    quantity: Quantity, results: Sequence[Result], own: Result, nominal: Result
) -> tuple[Floats, float | None, float] | None:
    """Values (n,) of the members, moved by what their mesh makes of the nominal plan; its own value; and the shift."""
    values = [quantity.read(result) for result in results]
    if all(value is None for value in values):
        return None
    coarse, fine = quantity.read(own), quantity.read(nominal)
    shift = fine - coarse if quantity.unit == "mm" and coarse is not None and fine is not None else 0.0
    return np.array([np.nan if value is None else value + shift for value in values]), fine, shift


def _covered(results: Sequence[Result]) -> Probability | None:
    targets = [result.get("target") for result in results]
    found = [is_covered(target["coverage"]) for target in targets if target is not None]
    return probability(found) if found else None


def _margin_kept(figures: Mapping[str, tuple[Floats, float | None, float]]) -> Probability | None:
    """A member without a zone, or whose target has no surface that counts, keeps no margin."""
    if "minimal_ablative_margin" not in figures:
        return None
    margins, _, _ = figures["minimal_ablative_margin"]
    return probability(bool(margin >= MARGIN_MM) for margin in np.nan_to_num(margins, nan=-np.inf))


def _zone(folder: Path) -> Any:
    file = folder / "necrosis_1mm.nii.gz"
    nifti = open_nifti(file)
    return np.asarray(voxels(nifti, file)) > 0, nifti_grid(nifti, file)


def write_uncertainty(folder: Path, found: Mapping[str, PlanUncertainty], asked: Asked) -> None:
    """Write ``uncertainty.json`` and, per plan, ``death_probability_<plan>.nii.gz`` (on the 1 mm grid)."""
    from imagio_sim.export.nifti import write_field_nifti

    for name, one in found.items():
        write_field_nifti(folder / f"death_probability_{name}.nii.gz", one.zone.share.astype(np.float32), one.zone.grid)
    text = json.dumps({"asked": asdict(asked), "plans": {name: one.data() for name, one in found.items()}}, indent=1)
    partial = folder / ".uncertainty.json"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / "uncertainty.json")
