# SPDX-License-Identifier: LGPL-3.0-or-later
"""Published microwave benchmarks: power balance, convergence of temperatures, differences of the property models."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.sources.microwave import MicrowaveSource, MicrowaveSpec, PowerStep
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.arithmetic import NUMPY
from imagio_sim.tissue.dielectric import Dielectric, SigmoidCourse, StaticCourse, load_model
from tests.solve.antenna_bench import bench_case, run_until, temperatures

# Microwave heating of a cancer tumour: liver as the benchmark has it.
BENCHMARK = Dielectric("liver", 43.03, 1.69, StaticCourse(), StaticCourse(), 1.0)
BENCHMARK_FIELDS = {
    "heat_capacity_0": 1079.0 * 3540.0,
    "thermal_conductivity": 0.52,
    "thermal_conductivity_slope": 0.0,
    "perfusion_rate": 0.0036,
    "latent_heat_0": 1.0,
    "heat_capacity_1": 1079.0 * 3540.0,
}
# At half the height of the benchmark's domain, 10.5 mm above the tip.
PROBES = np.array([[5.0, 10.5], [10.0, 10.5], [15.0, 10.5], [20.0, 10.5]])
CURVE = Path(__file__).parents[2] / "validation/verification/MW02_single_slot/curve.csv"
"""Our own temperatures at the probes [degC], every minute for ten, with halved cells: regression data."""
MINUTE = 60.0

# Ji and Brace 2011, as public code has it: no blood, no vaporisation.
JI_BRACE_FIELDS = {
    "heat_capacity_0": 1050.0 * 3400.0,
    "thermal_conductivity": 0.564,
    "thermal_conductivity_slope": 0.0,
    "perfusion_rate": 0.0,
    "latent_heat_0": 1.0,
    "heat_capacity_1": 1050.0 * 3400.0,
}


def benchmark_case(size_factor: float) -> ThermalCase:
    """The benchmark's ten minutes at 10 W."""
    return bench_case(
        "mw_single_slot",
        power=10.0,
        duration=600.0,
        tissue=BENCHMARK,
        fields=BENCHMARK_FIELDS,
        blood_heat_capacity=1000.0 * 3639.0,
        size_factor=size_factor,
        lossless=True,
    )


def benchmark(size_factor: float, end: float) -> tuple[np.ndarray, dict[str, float]]:
    """Temperatures at the probes, and where the 10 W went [W]."""
    stage = run_until(benchmark_case(size_factor), end)
    (source,) = stage.sources
    assert isinstance(source, MicrowaveSource)
    energy = source.facts()["antenna"]
    return temperatures(stage, PROBES), {name: joule / end for name, joule in energy.items() if name.endswith("_J")}


def minute_by_minute(size_factor: float) -> np.ndarray:
    """Time [s] and temperatures at the probes [degC] (minutes, 5) at the end of every minute."""
    case = benchmark_case(size_factor)
    (spec,) = case.sources
    assert isinstance(spec, MicrowaveSpec)
    (antenna,) = spec.antennas
    # The same power every minute anew, so that a step ends there.
    steps = (*(PowerStep(MINUTE * minute, 10.0) for minute in range(10)), PowerStep(600.0, 0.0))
    sources = (replace(spec, antennas=(replace(antenna, steps=steps),)),)
    stage = Stage(MPI.COMM_SELF, replace(case, sources=sources))
    rows = []
    while not stage.finished:
        stage.advance()
        if stage.time % MINUTE == pytest.approx(0.0, abs=1e-6):
            rows.append([stage.time, *temperatures(stage, PROBES)])
    return np.array(rows)


def regression_curve() -> np.ndarray:
    """The curve that is kept, (minutes, 5) like ``minute_by_minute``."""
    with CURVE.open(encoding="utf-8", newline="") as file:
        return np.array(list(csv.reader(file))[1:], dtype=float)


def test_ten_watts_are_deposited_radiated_or_reflected() -> None:
    _, power = benchmark(1.0, 5.0)
    assert power["tissue_J"] + power["beyond_region_J"] + power["reflected_J"] == pytest.approx(10.0, rel=1e-4)
    assert power["tissue_J"] > 9.0
    assert power["reflected_J"] < 0.2


def test_probe_temperatures_do_not_depend_on_the_mesh() -> None:
    coarse, fine = (benchmark(size_factor, 60.0)[0] for size_factor in (1.0, 0.5))
    assert np.abs(coarse - fine).max() < 0.2
    assert fine == pytest.approx(regression_curve()[0, 1:], abs=0.05)


@pytest.mark.slow
def test_ten_minutes_follow_the_curve_that_is_kept() -> None:
    kept, found = regression_curve(), minute_by_minute(0.5)
    assert found[:, 0] == pytest.approx(kept[:, 0])
    assert len(kept) == 10
    assert np.abs(found - kept)[:, 1:].max() < 0.05


@pytest.mark.slow
def test_ten_minutes_do_not_depend_on_the_mesh() -> None:
    assert np.abs(minute_by_minute(0.25) - regression_curve())[:, 1:].max() < 0.2


def rises(model: str) -> np.ndarray:
    """Temperature rise [K] 5 and 10 mm off the middle of the arm after 5 min of 25 W."""
    own, nominal = (load_model("2450_mhz", name, highest=100.0) for name in (model, "ji_brace"))
    assert isinstance(nominal.permittivity, SigmoidCourse)
    assert isinstance(nominal.conductivity, SigmoidCourse)
    liver = Dielectric(
        "liver",
        permittivity=float(nominal.permittivity.value(37.0, NUMPY)),
        conductivity=float(nominal.conductivity.value(37.0, NUMPY)),
        permittivity_course=own.permittivity,
        conductivity_course=own.conductivity,
        dry_permittivity=own.dry_permittivity,
    )
    case = bench_case(
        "mw_monopole", power=25.0, duration=300.0, tissue=liver, fields=JI_BRACE_FIELDS, start=20.0, radius_mm=40.0
    )
    return temperatures(run_until(case, 300.0), np.array([[5.0, 7.0], [10.0, 7.0]])) - 20.0


@pytest.mark.slow
def test_properties_that_do_not_dry_heat_far_more_than_sigmoid_ones() -> None:
    sigmoid, linear, static = (rises(model) for model in ("ji_brace", "linear", "static"))
    assert np.all(static > 1.2 * sigmoid)
    assert np.all(linear > static)
