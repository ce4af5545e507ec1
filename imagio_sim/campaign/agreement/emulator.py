# SPDX-License-Identifier: LGPL-3.0-or-later
"""Lengths of the zone between a few runs: where to run, and what is interpolated from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from imagio_sim.campaign.agreement.measured_cases import Treatment
from imagio_sim.campaign.agreement.parameters import Parameter, places_of, values_of, with_values
from imagio_sim.campaign.agreement.treated_cases import CalibrationCase, equivalent_diameter
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.uncertainty.inputs import Floats
from imagio_sim.errors import InputError
from imagio_sim.outcome.result import Result, ZoneResult
from imagio_sim.plan import yaml_text

_RIM = 0.01
"""Share of a distribution beyond the outermost runs."""


@dataclass(frozen=True)
class Runs:
    """How many runs every scenario gets, the seed of where, and what is done about shrinkage."""

    count: int
    seed: int
    shrinkage: Treatment


@dataclass(frozen=True, eq=False)
class Emulator:
    """Lengths between the runs of one scenario.

    Attributes
    ----------
    places, lengths_mm
        Where the runs are (n, p), see :func:`places_of`, and their lengths (n, 3).
    corners
        How many of them, the first ones, are corners of the spread.
    offset_sd_mm
        Standard deviation of the radius over the models of cell death, mean of the runs.
    """

    places: Floats
    lengths_mm: Floats
    corners: int
    offset_sd_mm: float

    def at(self, places: Floats) -> Floats:
        """Lengths (m, 3) at other places (m, p)."""
        return _interpolated(self.places, self.lengths_mm, places)

    @property
    def error_mm(self) -> float:
        """Root mean square error at runs that are left out, corners excepted."""
        errors = [
            _interpolated(np.delete(self.places, k, 0), np.delete(self.lengths_mm, k, 0), self.places[[k]])
            - self.lengths_mm[k]
            for k in range(self.corners, len(self.places))
        ]
        return float(np.sqrt(np.mean(np.square(errors))))


def _interpolated(places: Floats, lengths: Floats, wanted: Floats) -> Floats:
    from scipy.interpolate import RBFInterpolator

    return np.asarray(RBFInterpolator(places, lengths, kernel="thin_plate_spline", degree=1)(wanted))


def key_of(case: CalibrationCase) -> tuple[str, str]:
    """Cases with one scenario and plan share their runs."""
    return yaml_text(case.scenario), case.plan


def spread_shares(dimensions: int, count: int, seed: int) -> Floats:
    """Shares (n, p) in (0, 1) of what is known of each parameter: a Latin hypercube."""
    from scipy.stats import qmc

    points = qmc.LatinHypercube(dimensions, seed=seed).random(count)
    return np.asarray(np.clip(points, 1e-6, 1.0 - 1e-6))


def design(dimensions: int, runs: int, seed: int) -> tuple[Floats, int]:
    """Where to run, as shares (n, p): the corners of the spread, how many, and a Latin hypercube within."""
    corners = np.array(np.meshgrid(*[[_RIM, 1.0 - _RIM]] * dimensions)).reshape(dimensions, -1).T
    fewest = len(corners) + 2 * dimensions
    if runs < fewest:
        raise InputError(
            "--runs",
            found=f"{runs} runs for {dimensions} parameters",
            allowed=f"at least {fewest}",
            remedy="more runs, or fewer parameters",
        )
    within = _RIM + (1.0 - 2.0 * _RIM) * spread_shares(dimensions, runs - len(corners), seed)
    return np.concatenate([corners, within]), len(corners)


def emulators_of(
    cases: Sequence[CalibrationCase],
    parameters: Sequence[Parameter],
    runs: Runs,
    options: RunOptions,
    listener: Listener,
) -> dict[tuple[str, str], Emulator]:
    """One for every scenario and plan; cases that share both share it."""
    shares, corners = design(len(parameters), runs.count, runs.seed)
    points = values_of(parameters, shares)
    distinct = {key_of(case): case for case in cases}
    found = {}
    for number, (key, case) in enumerate(distinct.items(), start=1):
        listener.say(f"{number} of {len(distinct)}: {case.scenario.name}, {case.plan}, {len(points)} runs")
        results = [
            _run(case, parameters, point, replace(options, out=_folder(options.out, number, case)), listener)
            for point in points
        ]
        found[key] = _emulator(places_of(parameters, points), corners, results, runs.shrinkage)
    return found


def _folder(out: Path, number: int, case: CalibrationCase) -> Path:
    return out / "runs" / f"{number:03d}_{case.scenario.name}"


def _run(
    case: CalibrationCase,
    parameters: Sequence[Parameter],
    point: Floats,
    options: RunOptions,
    listener: Listener,
) -> Result:
    values = {one.name: float(value) for one, value in zip(parameters, point, strict=True)}
    name = "_".join(f"{value:.5g}" for value in values.values())
    within = replace(options, out=options.out / name, pictures=False)
    quiet = replace(listener, say=lambda _: None)
    return run_plan(with_values(case, parameters, values, name), case.plan, within, quiet)


def _emulator(places: Floats, corners: int, results: Sequence[Result], shrinkage: Treatment) -> Emulator:
    lengths = np.stack([_simulated_lengths(result, shrinkage) for result in results])
    return Emulator(places, lengths, corners, float(np.mean([_spread_over_models(result) for result in results])))


def _simulated_lengths(result: Result, shrinkage: Treatment) -> Floats:
    zone = result["ablation_zone"]
    estimate = result.get("contracted_zone_estimate")
    ratio = 1.0 if shrinkage == "none" or estimate is None else estimate["length_ratio"]
    return ratio * _lengths(zone)


def _lengths(zone: ZoneResult) -> Floats:
    return np.array([equivalent_diameter(1000.0 * zone["volume_ml"]), zone["long_axis_mm"], zone["short_axis_mm"]])


def _spread_over_models(result: Result) -> float:
    """Standard deviation [mm] of the radius over the models of cell death that leave a zone."""
    zones = result["ablation_zone"]["by_model"].values()
    radii = [0.5 * equivalent_diameter(1000.0 * zone["volume_ml"]) for zone in zones if zone["volume_ml"] > 0.0]
    return float(np.std(radii, ddof=1)) if len(radii) > 1 else 0.0
