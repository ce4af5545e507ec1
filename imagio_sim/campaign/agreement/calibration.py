# SPDX-License-Identifier: LGPL-3.0-or-later
"""Named parameters calibrated on measured zones, every case judged by what the others have taught.

Every case has its own values of the parameters, drawn from what is known of them beforehand (the spread of the library,
or a range). Its zone is told by three lengths: the diameter of the ball of equal volume, the long and the short axis.
They are computed at a few values of the parameters and interpolated between (radial basis functions). Beside the
parameters there is what no parameter explains: a radial offset that all cases share, known beforehand to within the
spread of the models of cell death; a radial scatter from case to case; and scatter of the single lengths. For each
case these three are learnt from all *other* cases, by adding up over a grid how likely each makes them; what its own
zone then says of its parameters is stated as the median with the interval from 5 to 95 %.

A parameter that zones say nothing about keeps its spread. An error common to all cases that acts like one of the
parameters (all perfusion too high) can be told from it only as far as its spread beforehand does so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagio_sim.anatomy.measured_zone import read_measured_zone
from imagio_sim.campaign.agreement.measured_cases import Treatment
from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.campaign.uncertainty.inputs import Floats, UncertainConstant, uncertain_constants, with_drawn
from imagio_sim.campaign.what_if.variation import Interval, parse_vary
from imagio_sim.campaign.workflow.campaign_file import read_cohort
from imagio_sim.errors import InputError, InputErrors
from imagio_sim.outcome.agreement import weighted_quantile
from imagio_sim.outcome.assessment import mean_axis
from imagio_sim.outcome.result import Result, ZoneResult
from imagio_sim.outcome.surface import Surface
from imagio_sim.outcome.zone import extents_mm
from imagio_sim.plan import Scenario, changed, load_scenario, placed_applicators, yaml_text
from imagio_sim.plan.model import nearest
from imagio_sim.tissue import tissue_names

LENGTHS = ("equivalent_diameter_mm", "long_axis_mm", "short_axis_mm")
PERCENTS = (5.0, 50.0, 95.0)
FEWEST_CASES = 3
_MEMBERS = 768
"""Points of the parameters' spread at which the interpolated lengths are held against the measured ones."""
_SCATTERS_MM = np.geomspace(0.1, 3.0, 5)
_OFFSETS = np.linspace(-3.0, 3.0, 21)
"""Offsets in standard deviations of what is known of them beforehand."""
_LEAST_OFFSET_SD_MM = 0.2
_LEAST_LIKELIHOOD = 1e-300
_RIM = 0.01
"""Share of a distribution beyond the outermost runs."""


class Parameter(Protocol):
    """A number of a scenario with what is known of it beforehand."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def spread(self) -> str:
        """What is known of it, in words."""

    def drawn(self, share: float) -> float:
        """Its value at a share in (0, 1) of its distribution."""


@dataclass(frozen=True)
class PathParameter:
    """What stands at a path of the scenario, every value of an interval as likely as another."""

    path: str
    interval: Interval

    @property
    def name(self) -> str:
        """The path."""
        return self.path

    @property
    def spread(self) -> str:
        """The interval."""
        return (
            f"{self.interval.written(self.interval.start)} to {self.interval.written(self.interval.stop)} (even; given)"
        )

    def drawn(self, share: float) -> float:
        """A number in the interval's unit."""
        return self.interval.start + share * (self.interval.stop - self.interval.start)


@dataclass(frozen=True, eq=False)
class CalibrationCase:
    """One treated patient: name, scenario and plan, and the measured lengths (3,) of :data:`LENGTHS`.

    ``notice`` is what must be told of the measured zone, ``processing_ratio`` its length after by length before
    fixing and cutting.
    """

    name: str
    scenario: Scenario
    plan: str
    lengths_mm: Floats
    notice: str = ""
    processing_ratio: float = 1.0


@dataclass(frozen=True)
class Asked:
    """How to calibrate: names of the parameters, runs per scenario, seed, and what is done about shrinkage."""

    parameters: tuple[str, ...]
    runs: int = 12
    seed: int = 0
    shrinkage: Treatment = "none"


@dataclass(frozen=True)
class Estimate:
    """A parameter of one case: percentiles 5, 50 and 95, and how much of the interval beforehand is left (1: all)."""

    low: float
    median: float
    high: float
    width_left: float


@dataclass(frozen=True)
class CaseCalibration:
    """What is known of one case.

    Attributes
    ----------
    parameters
        Its own zone and what the other cases have taught, by name of the parameter.
    measured_mm
        Measured lengths.
    trained_mm
        Lengths with the mean of all cases' parameters and the common offset of all cases.
    left_out_mm
        The same from the other cases alone.
    uncalibrated_mm
        Mean over what is known beforehand, without any offset.
    left_out_interval_mm
        Interval from 5 to 95 % in which the other cases let expect each measured length.
    """

    name: str
    parameters: Mapping[str, Estimate]
    measured_mm: tuple[float, ...]
    trained_mm: tuple[float, ...]
    left_out_mm: tuple[float, ...]
    uncalibrated_mm: tuple[float, ...]
    left_out_interval_mm: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Calibration:
    """The outcome.

    Attributes
    ----------
    means
        Mean over the cases of each parameter's median, and its standard deviation.
    offset_mm, offset_sd_mm
        Common radial offset (measured minus simulated) as all cases tell it.
    offset_spread_mm
        What was known of it beforehand: the standard deviation over the models of cell death.
    emulator_error_mm
        Root mean square error of the interpolation at runs that were left out of it.
    errors_mm
        Root mean square error of each length: uncalibrated, trained, left out.
    left_out_coverage
        Share of the measured lengths that lie in the interval that the other cases let expect (0.9 is right).
    """

    asked: Asked
    spreads: Mapping[str, str]
    cases: tuple[CaseCalibration, ...]
    means: Mapping[str, tuple[float, float]]
    offset_mm: float
    offset_sd_mm: float
    offset_spread_mm: float
    emulator_error_mm: float
    errors_mm: Mapping[str, tuple[float, ...]]
    left_out_coverage: float
    notices: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"lengths": LENGTHS, **asdict(self)}


def read_cases(table: Path) -> list[CalibrationCase]:
    """The cases of a cohort's table (scenario, measured_zone; optional patient, plan); all faults are said together."""
    cases: list[CalibrationCase] = []
    faults: list[InputError] = []
    for number, entry in enumerate(read_cohort(table), start=1):
        try:
            cases.append(_case(table, number, entry.patient, entry.scenario, entry.plans, entry.measured_zone))
        except InputError as error:
            faults.append(error)
        except InputErrors as errors:
            faults += errors.errors
    if faults:
        raise InputErrors(faults)
    return cases


def _case(
    table: Path, number: int, patient: str | None, file: str, plans: Sequence[str], zone: str | None
) -> CalibrationCase:
    where = f"{table}: line {number + 1}"
    if zone is None:
        raise InputError(where, found="no measured_zone", allowed="the file of a zone", remedy="leave the row out")
    scenario = load_scenario(table.parent / file)
    names = list(plans) or list(scenario.plans)
    if len(names) != 1:
        raise InputError(
            where, found=f"{len(names)} plans ({', '.join(names)})", allowed="the one that was done", remedy="name it"
        )
    axis = mean_axis(placed_applicators(scenario, names[0]))
    measured = read_measured_zone(table.parent / zone)
    return CalibrationCase(
        patient or f"case {number}",
        scenario,
        names[0],
        lengths_of(Surface(*measured.surface), axis),
        measured.notice,
        1.0 if measured.length_ratio is None else measured.length_ratio,
    )


def lengths_of(zone: Surface, axis: Floats) -> Floats:
    """The lengths (3,) of :data:`LENGTHS` of a closed surface."""
    return np.array([_equivalent_diameter(zone.volume_mm3), *extents_mm(zone.points_mm, axis)[:2]])


def _equivalent_diameter(volume_mm3: float) -> float:
    return float(np.cbrt(6.0 * volume_mm3 / np.pi))


def calibrate(cases: Sequence[CalibrationCase], asked: Asked, options: RunOptions, listener: Listener) -> Calibration:
    """Run every scenario at a few values of the parameters, and say what the measured zones make of them.

    Raises
    ------
    InputError
        Fewer than three cases, or a parameter that is none.
    """
    if len(cases) < FEWEST_CASES:
        raise InputError(
            "cohort",
            found=f"{len(cases)} cases",
            allowed=f"at least {FEWEST_CASES}",
            remedy="one case says nothing about what is common to all",
        )
    parameters = parameters_of(asked.parameters, cases)
    emulators = _emulators(cases, parameters, asked, options, listener)
    drawn = values_of(parameters, _shares(len(parameters), _MEMBERS, asked.seed + 1))
    places = places_of(parameters, drawn)
    predicted = np.stack([emulators[_key(case)].at(places) for case in cases])
    measured = np.stack([case.lengths_mm / _ratio(case, asked) for case in cases])
    offset_sd = max(float(np.mean([emulators[_key(case)].offset_sd_mm for case in cases])), _LEAST_OFFSET_SD_MM)
    error = float(np.sqrt(np.mean([emulators[_key(case)].error_mm ** 2 for case in cases])))
    learnt = _Learnt.from_cases(predicted, measured, offset_sd, error)
    return _calibration(cases, asked, parameters, places, drawn, learnt, emulators, offset_sd, error)


def parameters_of(names: Sequence[str], cases: Sequence[CalibrationCase]) -> list[UncertainConstant | PathParameter]:
    """The parameters by name: ``TISSUE: QUANTITY`` with a spread, or ``PATH=LOW:HIGH``."""
    first = cases[0]
    tissues = {name.partition(":")[0] for name in names} & set(tissue_names())
    known = {one.name: one for one in uncertain_constants(first.scenario, first.plan, sorted(tissues))}
    return [_parameter(name, known) for name in names]


def _parameter(name: str, known: Mapping[str, UncertainConstant]) -> UncertainConstant | PathParameter:
    if name in known:
        return known[name]
    if "=" in name:
        given = parse_vary(name, "--parameter")
        if isinstance(given.choices, Interval) and given.choices.step is None:
            return PathParameter(given.path, given.choices)
    raise InputError(
        f"--parameter {name}",
        found="no parameter with a spread",
        allowed="TISSUE: QUANTITY (a constant with a spread that the plan uses), or PATH=LOW:HIGH",
        remedy=nearest(name, known, "see `imagio tissues`"),
    )


def _ratio(case: CalibrationCase, asked: Asked) -> float:
    """By what the measured lengths are divided: what fixing and cutting took, unless nothing is to be done about it."""
    return 1.0 if asked.shrinkage == "none" else case.processing_ratio


def _key(case: CalibrationCase) -> tuple[str, str]:
    """Cases with one scenario and plan share their runs."""
    return yaml_text(case.scenario), case.plan


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


def values_of(parameters: Sequence[Parameter], shares: Floats) -> Floats:
    """Values (m, p) of the parameters at shares (m, p) of their spread."""
    return np.column_stack(
        [[one.drawn(float(share)) for share in column] for one, column in zip(parameters, shares.T, strict=True)]
    )


def places_of(parameters: Sequence[Parameter], values: Floats) -> Floats:
    """Values (m, p) by the middle and the width of what is known of each beforehand: what is interpolated over."""
    low, middle, high = (np.array([one.drawn(percent / 100.0) for one in parameters]) for percent in PERCENTS)
    return np.asarray((values - middle) / (high - low))


def _shares(dimensions: int, count: int, seed: int) -> Floats:
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
    within = _RIM + (1.0 - 2.0 * _RIM) * _shares(dimensions, runs - len(corners), seed)
    return np.concatenate([corners, within]), len(corners)


def _emulators(
    cases: Sequence[CalibrationCase],
    parameters: Sequence[UncertainConstant | PathParameter],
    asked: Asked,
    options: RunOptions,
    listener: Listener,
) -> dict[tuple[str, str], Emulator]:
    """One for every scenario and plan; cases that share both share it."""
    shares, corners = design(len(parameters), asked.runs, asked.seed)
    points = values_of(parameters, shares)
    distinct = {_key(case): case for case in cases}
    found = {}
    for number, (key, case) in enumerate(distinct.items(), start=1):
        listener.say(f"{number} of {len(distinct)}: {case.scenario.name}, {case.plan}, {len(points)} runs")
        results = [
            _run(case, parameters, point, replace(options, out=_folder(options.out, number, case)), listener)
            for point in points
        ]
        found[key] = _emulator(places_of(parameters, points), corners, results, asked)
    return found


def _folder(out: Path, number: int, case: CalibrationCase) -> Path:
    return out / "runs" / f"{number:03d}_{case.scenario.name}"


def _run(
    case: CalibrationCase,
    parameters: Sequence[UncertainConstant | PathParameter],
    point: Floats,
    options: RunOptions,
    listener: Listener,
) -> Result:
    values = {one.name: float(value) for one, value in zip(parameters, point, strict=True)}
    name = "_".join(f"{value:.5g}" for value in values.values())
    within = replace(options, out=options.out / name, pictures=False)
    quiet = replace(listener, say=lambda _: None)
    return run_plan(with_values(case, parameters, values, name), case.plan, within, quiet)


def with_values(
    case: CalibrationCase,
    parameters: Sequence[UncertainConstant | PathParameter],
    values: Mapping[str, float],
    where: str,
) -> Scenario:
    """The case's scenario with these values of the parameters."""
    constants = [one for one in parameters if isinstance(one, UncertainConstant)]
    paths = [one for one in parameters if isinstance(one, PathParameter)]
    scenario = with_drawn(case.scenario, case.plan, values, constants, where=where) if constants else case.scenario
    return changed(scenario, {one.path: one.interval.written(values[one.name]) for one in paths})


def _emulator(places: Floats, corners: int, results: Sequence[Result], asked: Asked) -> Emulator:
    lengths = np.stack([_simulated_lengths(result, asked.shrinkage) for result in results])
    return Emulator(places, lengths, corners, float(np.mean([_spread_over_models(result) for result in results])))


def _simulated_lengths(result: Result, shrinkage: Treatment) -> Floats:
    zone = result["ablation_zone"]
    estimate = result.get("contracted_zone_estimate")
    ratio = 1.0 if shrinkage == "none" or estimate is None else estimate["length_ratio"]
    return ratio * _lengths(zone)


def _lengths(zone: ZoneResult) -> Floats:
    return np.array([_equivalent_diameter(1000.0 * zone["volume_ml"]), zone["long_axis_mm"], zone["short_axis_mm"]])


def _spread_over_models(result: Result) -> float:
    """Standard deviation [mm] of the radius over the models of cell death that leave a zone."""
    zones = result["ablation_zone"]["by_model"].values()
    radii = [0.5 * _equivalent_diameter(1000.0 * zone["volume_ml"]) for zone in zones if zone["volume_ml"] > 0.0]
    return float(np.std(radii, ddof=1)) if len(radii) > 1 else 0.0


@dataclass(frozen=True, eq=False)
class _Learnt:
    """How likely every case makes offset and scatters, at every point of the parameters' spread.

    Attributes
    ----------
    predicted, measured
        Lengths (cases, members, 3) and (cases, 3).
    grid
        Offset, radial scatter and scatter of single lengths [mm] (g, 3).
    prior
        Logarithm of what is known of them beforehand (g,).
    likelihood
        Relative to the case's best (cases, members, g); in single precision, for it is by far the largest.
    alone
        Logarithm of the mean over the members, by each case (cases, g).
    """

    predicted: Floats
    measured: Floats
    grid: Floats
    prior: Floats
    likelihood: NDArray[np.float32]
    alone: Floats

    @classmethod
    def from_cases(cls, predicted: Floats, measured: Floats, offset_sd_mm: float, error_mm: float) -> _Learnt:
        offset, radial, single = np.meshgrid(_OFFSETS * offset_sd_mm, _SCATTERS_MM, _SCATTERS_MM, indexing="ij")
        grid = np.column_stack([offset.ravel(), radial.ravel(), single.ravel()])
        prior = -0.5 * (grid[:, 0] / offset_sd_mm) ** 2
        likelihood = np.empty((*predicted.shape[:2], len(grid)), dtype=np.float32)
        alone = np.empty((len(predicted), len(grid)))
        for number, (one, other) in enumerate(zip(measured, predicted, strict=True)):
            logarithm = _log_likelihood(one - other, grid, error_mm)
            relative = np.exp(logarithm - logarithm.max())
            likelihood[number] = relative
            alone[number] = np.log(np.maximum(relative.mean(axis=0), _LEAST_LIKELIHOOD))
        return cls(predicted, measured, grid, prior, likelihood, alone)

    def weights(self, *without: int) -> Floats:
        """Probability of offset and scatters (g,) by all cases but these."""
        from scipy.special import softmax

        return np.asarray(softmax(self.prior + np.delete(self.alone, without, axis=0).sum(axis=0)))

    def of_case(self, number: int, *without: int) -> Floats:
        """Weights (members,) of the points of the spread by the case's own zone and all other cases but these."""
        weights = self.likelihood[number] @ self.weights(number, *without)
        return np.asarray(weights / weights.sum())


def _log_likelihood(difference: Floats, grid: Floats, error_mm: float) -> Floats:
    """Of measured minus predicted lengths (members, 3), up to a constant (members, g).

    The lengths are diameters: a radial offset counts twice in each, and a radial scatter is common to all three.
    """
    count = difference.shape[1]
    offset, common = 2.0 * grid[:, 0], 4.0 * grid[:, 1] ** 2
    single = grid[:, 2] ** 2 + error_mm**2
    total = difference.sum(axis=1)[:, None] - count * offset
    squares = (difference**2).sum(axis=1)[:, None] - 2.0 * offset * difference.sum(axis=1)[:, None] + count * offset**2
    quadratic = (squares - common / (single + count * common) * total**2) / single
    return np.asarray(-0.5 * (quadratic + (count - 1) * np.log(single) + np.log(single + count * common)))


def _calibration(
    cases: Sequence[CalibrationCase],
    asked: Asked,
    parameters: Sequence[UncertainConstant | PathParameter],
    places: Floats,
    drawn: Floats,
    learnt: _Learnt,
    emulators: Mapping[tuple[str, str], Emulator],
    offset_sd: float,
    error: float,
) -> Calibration:
    weights = [learnt.of_case(number) for number in range(len(cases))]
    means = np.array([one @ places for one in weights])
    everyone = learnt.weights()
    found = []
    for number, case in enumerate(cases):
        emulator = emulators[_key(case)]
        others = learnt.weights(number)
        left_out = np.mean([learnt.of_case(k, number) @ places for k in range(len(cases)) if k != number], axis=0)
        found.append(
            CaseCalibration(
                name=case.name,
                parameters={
                    one.name: _estimate(values, weights[number])
                    for one, values in zip(parameters, drawn.T, strict=True)
                },
                measured_mm=_told(learnt.measured[number]),
                trained_mm=_told(emulator.at(means.mean(axis=0)[None])[0] + 2.0 * everyone @ learnt.grid[:, 0]),
                left_out_mm=_told(emulator.at(left_out[None])[0] + 2.0 * others @ learnt.grid[:, 0]),
                uncalibrated_mm=_told(learnt.predicted[number].mean(axis=0)),
                left_out_interval_mm=_expected(learnt, number, others, asked.seed),
            )
        )
    offset = float(everyone @ learnt.grid[:, 0])
    return Calibration(
        asked=asked,
        spreads={one.name: one.spread for one in parameters},
        cases=tuple(found),
        means=_means(found, parameters),
        offset_mm=offset,
        offset_sd_mm=float(np.sqrt(everyone @ (learnt.grid[:, 0] - offset) ** 2)),
        offset_spread_mm=offset_sd,
        emulator_error_mm=error,
        errors_mm={
            name: _rms(np.array([getattr(one, f"{name}_mm") for one in found]) - learnt.measured)
            for name in ("uncalibrated", "trained", "left_out")
        },
        left_out_coverage=_coverage(found),
        notices=tuple(dict.fromkeys(case.notice for case in cases if case.notice)),
    )


def _told(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _rms(errors: Floats) -> tuple[float, ...]:
    return _told(np.sqrt((errors**2).mean(axis=0)))


def _estimate(values: Floats, weights: Floats) -> Estimate:
    low, median, high = (weighted_quantile(values, weights, percent / 100.0) for percent in PERCENTS)
    before = np.percentile(values, PERCENTS)
    return Estimate(low, median, high, (high - low) / float(before[2] - before[0]))


def _means(
    found: Sequence[CaseCalibration], parameters: Sequence[UncertainConstant | PathParameter]
) -> dict[str, tuple[float, float]]:
    medians = {one.name: [case.parameters[one.name].median for case in found] for one in parameters}
    return {name: (float(np.mean(values)), float(np.std(values, ddof=1))) for name, values in medians.items()}


def _expected(learnt: _Learnt, number: int, others: Floats, seed: int) -> tuple[tuple[float, float], ...]:
    """Interval from 5 to 95 % of each length of a case, from the spread beforehand and what the other cases teach."""
    random, count = np.random.default_rng(seed + number), 4000
    member = random.integers(learnt.predicted.shape[1], size=count)
    offset, radial, single = learnt.grid[random.choice(len(others), size=count, p=others)].T
    common = 2.0 * (offset + radial * random.standard_normal(count))
    lengths = learnt.predicted[number, member] + common[:, None] + single[:, None] * random.standard_normal((count, 3))
    low, high = np.percentile(lengths, (5.0, 95.0), axis=0)
    return tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))


def _coverage(found: Sequence[CaseCalibration]) -> float:
    inside = [
        low <= value <= high
        for case in found
        for value, (low, high) in zip(case.measured_mm, case.left_out_interval_mm, strict=True)
    ]
    return float(np.mean(inside))


def write_calibration(folder: Path, found: Calibration) -> None:
    """Write ``calibration.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".calibration.json"
    partial.write_text(json.dumps(found.data(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / "calibration.json")
