# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sonications in a stage: heat where and when the program says, books, peaks, files and ranks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagio_sim.solve.case import Numerics, ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.sources.ultrasound import SonicationPulse, UltrasoundSpec
from tests.solve.bricks import SIDE_MM, begun, cube, finished
from tests.solve.test_parallel import end_of

PULSES = (
    SonicationPulse(2.0, 6.0, 40.0, 0),
    SonicationPulse(10.0, 13.0, 40.0, 1),
    SonicationPulse(16.0, 17.0, 20.0, 0),
)


def sonicated() -> ThermalCase:
    """The two halves of a cube, heated in turn; 1 W of sound leaves half a watt."""
    case = cube(end_time=20.0)
    left = case.domain.points_mm[case.domain.cells].mean(axis=1)[:, 0] < SIDE_MM / 2.0
    watt_per_m3 = 0.5 / (0.5 * (SIDE_MM * 1e-3) ** 3)
    spec = UltrasoundSpec(
        applicator="array",
        heat_per_power=watt_per_m3 * np.array([left, ~left], dtype=float),
        pulses=PULSES,
        watched={"bone": left},
        facts={"foci": ({"shift_mm": 0.5},)},
        notes=("bone in the path",),
    )
    return replace(case, sources=(spec,))


def test_every_pulse_heats_where_it_is_focused_and_is_booked() -> None:
    stage = finished(sonicated())
    radiated = 40.0 * 4.0 + 40.0 * 3.0 + 20.0 * 1.0
    assert stage.ledger.deposited["ultrasound.array"] == pytest.approx(0.5 * radiated, rel=1e-9)
    assert stage.ledger.balance_error < 1e-6
    facts = stage.summary()["sources"]["ultrasound.array"]
    assert facts["radiated_J"] == pytest.approx(radiated)
    assert facts["absorbed_J"] == pytest.approx(0.5 * radiated)
    assert facts["foci"][0]["shift_mm"] == 0.5
    times = [row["time_s"] for row in stage.history]
    events = [event for pulse in PULSES for event in (pulse.begin, pulse.end)]
    assert all(any(time == pytest.approx(event, abs=1e-6) for time in times) for event in events)
    powers = {round(row["time_s"], 3): row["array.power_W"] for row in stage.history}
    assert powers[6.0] == 40.0
    assert powers[10.0] == 0.0


def test_a_point_after_another_begins_with_short_steps_although_the_power_is_the_same() -> None:
    touching = (replace(PULSES[0], end=10.0), PULSES[1])
    case = sonicated()
    (spec,) = case.sources
    stage = finished(replace(case, sources=(replace(spec, pulses=touching),)))  # type: ignore[type-var]
    following = next(row["step_s"] for row in stage.history if row["time_s"] > 10.0 + 1e-6)
    assert following <= Numerics().first_step


def test_the_peak_of_what_is_watched_is_that_of_its_nodes() -> None:
    case = sonicated()
    case = replace(case, domain=replace(case.domain, surfaces={**case.domain.surfaces, "skin": _face(case)}))
    stage = finished(case)
    facts = stage.summary()["sources"]["ultrasound.array"]
    left = stage.space.points[:, 0] < 0.5 * stage.space.points[:, 0].max() + 1e-9
    assert facts["bone_peak_temperature_degC"] == pytest.approx(stage.peak_temperature[left].max(), abs=0.1)
    face = stage.space.points[:, 0] < 1e-9
    assert facts["skin_peak_temperature_degC"] == pytest.approx(stage.peak_temperature[face].max())
    assert facts["skin_peak_temperature_degC"] > 37.5


def _face(case: ThermalCase) -> np.ndarray:
    """Facets of the boundary at x = 0."""
    facets = np.concatenate(list(case.domain.surfaces.values()))
    return facets[(np.abs(case.domain.points_mm[facets][:, :, 0]) < 1e-9).all(axis=1)]


def test_sonications_survive_the_file_and_the_checkpoint(tmp_path: Path) -> None:
    case = sonicated()
    save_case(case, tmp_path / "case.npz")
    again = load_case(tmp_path / "case.npz")
    (spec,) = again.sources
    assert isinstance(spec, UltrasoundSpec)
    assert spec.pulses == PULSES
    assert spec.notes == ("bone in the path",)
    whole, first, second = begun(case), begun(again), begun(again)
    while whole.time < 11.0:
        whole.advance()
        first.advance()
    save_checkpoint(first, tmp_path / "state.npz", digest="x")
    assert load_checkpoint(second, tmp_path / "state.npz", digest="x")
    while not whole.finished:
        whole.advance()
        second.advance()
    assert second.temperature == pytest.approx(whole.temperature, rel=1e-9)
    mine, theirs = (stage.summary()["sources"]["ultrasound.array"] for stage in (whole, second))
    assert theirs["radiated_J"] == pytest.approx(mine["radiated_J"], rel=1e-12)
    assert theirs["bone_peak_temperature_degC"] == pytest.approx(mine["bone_peak_temperature_degC"], rel=1e-9)


@pytest.mark.mpi
def test_two_ranks_sonicate_as_one_does(tmp_path: Path) -> None:
    ends = []
    for ranks in (1, 2):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        numerics = Numerics(linear_tolerance=1e-10, nonlinear_tolerance=1e-8)
        save_case(replace(sonicated(), numerics=numerics), folder / "case.npz")
        ends.append(end_of(folder, ranks))
    one, two = ends
    assert two.temperature == pytest.approx(one.temperature, rel=1e-6)
    mine, theirs = (end.facts["sources"]["ultrasound.array"] for end in ends)
    assert theirs["bone_peak_temperature_degC"] == pytest.approx(mine["bone_peak_temperature_degC"], rel=1e-6)
    assert theirs["absorbed_J"] == pytest.approx(mine["absorbed_J"], rel=1e-9)
