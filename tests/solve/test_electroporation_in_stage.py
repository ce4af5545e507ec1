# SPDX-License-Identifier: LGPL-3.0-or-later
"""Trains of pulses in a stage: heat, memory, death, limits, and going on from a checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.sources.electroporation import ELECTROPORATION, ElectroporationSource, PulseTrain
from imagio_sim.solve.stage import Stage
from imagio_sim.tissue.death.model import LEVEL_LIMIT
from tests.solve.bricks import finished
from tests.solve.pulsed import pulsed
from tests.solve.test_parallel import PATIENCE, command, started_as


@cache
def ended(**changes: float) -> Stage:
    return finished(pulsed(**changes))


def source_of(stage: Stage) -> ElectroporationSource:
    (source,) = stage.sources
    assert isinstance(source, ElectroporationSource)
    return source


def test_the_order_of_the_pairs_does_not_change_the_largest_field_without_temperature_and_memory() -> None:
    forth = source_of(ended()).largest_field
    back = source_of(finished(pulsed((2, 0, 1)))).largest_field
    np.testing.assert_allclose(back, forth, rtol=1e-9)


def test_with_memory_the_order_of_the_pairs_matters() -> None:
    forth = source_of(ended(memory=1.0)).largest_field
    back = source_of(finished(pulsed((2, 0, 1), memory=1.0))).largest_field
    assert np.abs(back / forth - 1.0).max() > 1e-3


def test_later_pairs_find_what_earlier_ones_left_open() -> None:
    fresh, remembered = (source_of(ended(memory=memory)).records for memory in (0.0, 1.0))
    assert remembered[0].largest_current == pytest.approx(fresh[0].largest_current, rel=1e-9)
    assert remembered[1].largest_current > 1.02 * fresh[1].largest_current
    assert remembered[2].largest_current > 1.02 * fresh[2].largest_current


def test_the_current_rises_while_tissue_warms_up() -> None:
    for record in source_of(ended(slope=0.015)).records:
        assert record.largest_current > 1.005 * record.first_current


def test_heat_is_that_of_the_pulses_and_energy_is_conserved() -> None:
    stage = ended()
    source = source_of(stage)
    for pair, record in zip(source.spec.pairs, source.records, strict=True):
        assert record.pulses == pytest.approx(pair.pulses)
        expected = pair.pulses * pair.pulse_width * pair.voltage * record.first_current
        assert record.energy == pytest.approx(expected, rel=1e-6)
    given = stage.ledger.deposited[ELECTROPORATION] + stage.ledger.far_field
    assert given == pytest.approx(sum(record.energy for record in source.records), rel=1e-5)
    assert stage.ledger.balance_error < 1e-5


def test_boiling_is_told_with_how_much_tissue_and_how_hot() -> None:
    stage = Stage(MPI.COMM_SELF, pulsed())
    stage.advance()
    source, hot = source_of(stage), stage.temperature.copy()
    assert not any("boiled" in warning for warning in source.warnings())
    hot[:5] = 104.0
    source.accept(0.25, stage.temperature, hot, 0.0)
    volume = stage.operators.distributed(np.ones(stage.space.cell_count))[:5].sum() * 1e9
    (told,) = [warning for warning in source.warnings() if "boiled" in warning]
    assert f"{volume:.2g} mm3, up to 104 degC" in told
    assert source.state()["boiling_volume"] == pytest.approx(volume * 1e-9)


def test_nothing_is_given_after_the_last_train() -> None:
    stage = ended()
    assert stage.load is not None
    assert stage.load.powers[ELECTROPORATION] == 0.0
    assert stage.history[-1]["a-b.current_A"] == 0.0


def test_pulses_kill_without_heat_and_both_are_shown_apart() -> None:
    stage = ended()
    levels = stage.levels()
    assert levels["lethal_field"].max() > 0.0
    assert levels["peleg_fermi"].max() > 0.0
    assert levels["arrhenius_hepg2"].max() < 0.0
    np.testing.assert_array_equal(levels["combined"], np.maximum(levels["lethal_field"], levels["arrhenius_hepg2"]))
    fields = stage.output_fields()
    assert fields["electric_field_maximum_V_per_m"].max() > 50.6e3
    assert set(np.unique(fields["electroporation_survival"])) == {0.0, 1.0}


def test_the_zone_of_all_pairs_is_where_the_field_of_any_was_lethal() -> None:
    stage = ended()
    largest = source_of(stage).largest_field
    np.testing.assert_array_equal(stage.levels()["lethal_field"] > 0.0, largest > 50600.0)


def test_no_voltage_kills_nothing() -> None:
    stage = ended(voltage=1.0)
    assert stage.levels()["lethal_field"].max() < 0.0
    assert stage.dead_fraction().max() < 1e-12


def test_a_pair_beyond_the_generators_current_is_stopped_and_said_so() -> None:
    stage = finished(pulsed(largest_current=6.0))
    source = source_of(stage)
    assert [record.stopped for record in source.records] == [False, True, True]
    assert [round(record.pulses) for record in source.records] == [60, 0, 0]
    assert any("b-c: a pulse would take 7 A, the generator gives 6 A" in warning for warning in source.warnings())
    alone = finished(pulsed((0,)))
    np.testing.assert_allclose(source.largest_field, source_of(alone).largest_field, rtol=1e-9)


def test_pulses_of_a_width_no_model_knows_are_said_so() -> None:
    case = pulsed()
    (spec,) = case.sources
    short = replace(spec, pairs=tuple(replace(pair, pulse_width=20e-6) for pair in spec.pairs))  # type: ignore[type-var]
    stage = Stage(MPI.COMM_SELF, replace(case, sources=(short,)))
    assert any("those of 20 us" in warning for warning in source_of(stage).warnings())
    assert source_of(ended()).warnings() == []


def test_a_case_survives_its_file(tmp_path: Path) -> None:
    case = pulsed(memory=1.0)
    save_case(case, tmp_path / "case.npz")
    read = load_case(tmp_path / "case.npz")
    again = finished(read)
    np.testing.assert_array_equal(source_of(again).largest_field, source_of(ended(memory=1.0)).largest_field)


def test_a_run_goes_on_from_its_checkpoint_to_the_same_end(tmp_path: Path) -> None:
    case, whole = pulsed(memory=1.0, slope=0.015), ended(memory=1.0, slope=0.015)
    first = Stage(MPI.COMM_SELF, case)
    while first.time < 45.0:
        first.advance()
    save_checkpoint(first, tmp_path / "state.npz", digest="d")
    second = Stage(MPI.COMM_SELF, case)
    load_checkpoint(second, tmp_path / "state.npz", digest="d")
    while not second.finished:
        second.advance()
    np.testing.assert_allclose(second.temperature, whole.temperature, atol=1e-6)
    np.testing.assert_allclose(source_of(second).largest_field, source_of(whole).largest_field, rtol=1e-6)
    for one, other in zip(source_of(second).records, source_of(whole).records, strict=True):
        assert vars(one) == pytest.approx(vars(other), rel=1e-6)


@pytest.mark.mpi
def test_two_ranks_find_the_same_as_one(tmp_path: Path) -> None:
    ends = {ranks: end_of(tmp_path / str(ranks), ranks) for ranks in (1, 2)}
    for name in ("temperature", "largest_field", "lethal_field"):
        np.testing.assert_allclose(ends[2][0][name], ends[1][0][name], rtol=1e-5, err_msg=name)
    for one, other in zip(ends[1][1]["pairs"], ends[2][1]["pairs"], strict=True):
        assert other["largest_current_A"] == pytest.approx(one["largest_current_A"], rel=1e-6)
        assert other["pulses_given"] == one["pulses_given"]


def end_of(folder: Path, ranks: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What the program leaves when it is run on a number of ranks."""
    folder.mkdir()
    process = started_as(command(ranks, "tests.solve.pulsed_program", str(folder)))
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    with np.load(folder / "end.npz") as archive:
        fields = {name: archive[name] for name in archive.files}
    return fields, json.loads((folder / "end.json").read_text())


def test_what_has_not_acted_yet_has_killed_nothing() -> None:
    waiting = finished(replace(pulsed(), sources=(), end_time=2.0))
    levels = waiting.levels()
    np.testing.assert_array_equal(levels["lethal_field"], -LEVEL_LIMIT)
    np.testing.assert_array_equal(levels["combined"], np.maximum(-LEVEL_LIMIT, levels["arrhenius_hepg2"]))
    assert "level_lethal_field" in waiting.output_fields()


def test_the_share_of_models_is_that_of_the_agent_most_of_whose_models_say_dead() -> None:
    stage = ended()
    levels, share = stage.levels(), stage.output_fields()["dead_share_of_models"]
    by_pulses = 0.5 * ((levels["lethal_field"] >= 0.0) * 1.0 + (levels["peleg_fermi"] >= 0.0))
    np.testing.assert_allclose(share, by_pulses)
    assert set(np.unique(share)) == {0.0, 0.5, 1.0}


def test_a_pair_whose_train_is_too_short_to_be_judged_is_said_so() -> None:
    case = pulsed((0,))
    (spec,) = case.sources
    (pair,) = spec.pairs  # type: ignore[attr-defined]
    trains = (PulseTrain(0, 0.0, 20.0),)
    short = replace(spec, pairs=(replace(pair, pulses=40),), trains=trains)  # type: ignore[type-var]
    stage = finished(replace(case, sources=(short,), end_time=21.0))
    (warning,) = source_of(stage).warnings()
    assert "a-b: lethal_field judges trains of 50 pulses or more, this pair gave 40" in warning
    assert stage.levels()["lethal_field"].max() < 0.0
    assert source_of(finished(pulsed((0,)))).warnings() == []


def test_a_pair_stopped_by_the_generator_is_said_to_have_killed_nothing() -> None:
    warnings = source_of(finished(pulsed(largest_current=6.0))).warnings()
    assert [warning.split(":")[0] for warning in warnings if "has killed nothing" in warning] == ["b-c", "a-c"]


def test_the_facts_hold_the_generators_limit_and_the_largest_current_of_every_pair() -> None:
    facts = source_of(ended()).facts()
    assert facts["generator_limit_A"] == 50.0
    assert all(0.0 < pair["largest_current_A"] < 50.0 for pair in facts["pairs"])
