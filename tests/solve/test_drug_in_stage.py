# SPDX-License-Identifier: LGPL-3.0-or-later
"""A drug in a stage: its balance, what it kills, what it hands on, and that mesh, step and ranks do not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from imagio_sim.meshing.domain import Domain
from imagio_sim.solve.drug_depots import AnyDepot, EmulsionDepot, OrganTissue
from imagio_sim.solve.sources.drug import DrugSource, DrugSpec
from imagio_sim.solve.stage import Stage
from tests.solve.conftest import Floats
from tests.solve.drugs import (
    DAY,
    GIVEN,
    HOUR,
    beads,
    constants,
    corner_density,
    drugged,
    emulsion,
    marched,
    middles,
    organ,
    smooth_density,
    spec,
)


def test_all_drug_is_somewhere_after_two_weeks_and_nothing_is_negative() -> None:
    _, source = marched(drugged(14.0 * DAY))
    facts = source.facts()
    amounts = {name: amount for name, amount in facts["balance_mol"].items() if name != "loaded"}
    assert facts["balance_mol"]["loaded"] == pytest.approx(GIVEN)
    assert sum(amounts.values()) == pytest.approx(GIVEN, rel=1e-6)
    assert facts["largest_balance_error"] < 1e-6
    # the plasma takes what nodes that are nearly empty leave over, which is what the balance says nothing of
    assert 1e-12 < facts["corrected_share"] < 1e-3
    assert facts["corrected_share"] == pytest.approx(sum(facts["corrected_shares"].values()), rel=1e-12, abs=0.0)
    assert amounts.pop("elsewhere") == 0.0
    assert min(amounts.values()) > 0.0
    assert all(values.min() >= 0.0 for name, values in source.fields().items() if name.startswith("drug_"))
    assert source.splits < 300


def test_what_beads_have_not_bound_is_in_the_plasma_at_once() -> None:
    case = drugged(60.0, depots=lambda domain: (beads(domain, unbound_share=0.02),))
    source = Stage(MPI.COMM_WORLD, case).sources[0]
    assert isinstance(source, DrugSource)
    amounts = source.facts()["balance_mol"]
    assert amounts["plasma"] == pytest.approx(0.02 * GIVEN)
    assert amounts["depots"] == pytest.approx(0.98 * GIVEN)
    assert source.facts()["balance_error"] == pytest.approx(0.0, abs=1e-12)


def test_an_emulsion_gives_its_burst_at_once_and_the_rest_slowly() -> None:
    case = drugged(60.0, depots=lambda domain: (emulsion(domain),))
    source = Stage(MPI.COMM_WORLD, case).sources[0]
    assert isinstance(source, DrugSource)
    amounts = source.facts()["balance_mol"]
    assert amounts["free"] == pytest.approx(0.3 * GIVEN)
    assert amounts["depots"] == pytest.approx(0.7 * GIVEN)
    open_, closing = (
        marched(drugged(1.0 * DAY, depots=lambda domain: (emulsion(domain),), vessel_delay=delay))[1].facts()
        for delay in (1e15, 1.5 * DAY)
    )
    left = open_["balance_mol"]["depots"]
    assert left == pytest.approx(0.7 * GIVEN * np.exp(-(5e-5 + 1e-6) * DAY), rel=1e-2)
    # blood that stops carries no more droplets away
    assert 1.01 * left < closing["balance_mol"]["depots"] < 0.7 * GIVEN * np.exp(-5e-5 * DAY)
    assert closing["largest_balance_error"] < 1e-6


@pytest.mark.parametrize("made", [beads, emulsion])
def test_drug_that_was_deposited_beyond_the_mesh_does_not_come_back_into_it(made: Callable[..., AnyDepot]) -> None:
    case = drugged(HOUR, depots=lambda domain: (made(domain, density=0.9 * corner_density(domain)),))
    amounts = Stage(MPI.COMM_WORLD, case).sources[0].facts()["balance_mol"]
    assert amounts["loaded"] == pytest.approx(GIVEN, rel=1e-9, abs=0.0)
    assert amounts["elsewhere"] == pytest.approx(0.1 * GIVEN, rel=1e-9, abs=0.0)
    assert amounts["depots"] + amounts["free"] == pytest.approx(0.9 * GIVEN, rel=1e-9, abs=0.0)
    facts = marched(case)[1].facts()
    assert facts["balance_mol"]["elsewhere"] == amounts["elsewhere"]
    assert facts["largest_balance_error"] < 1e-6


def test_drug_that_was_deposited_where_no_fluid_is_does_not_come_into_the_organ() -> None:
    def inside(domain: Domain) -> OrganTissue:
        return organ(domain, inside=(middles(domain)[:, 0] < 4.0).astype(float))

    source = Stage(MPI.COMM_WORLD, drugged(HOUR, tissue=inside)).sources[0]
    assert isinstance(source, DrugSource)
    amounts = source.facts()["balance_mol"]
    assert 0.1 * GIVEN < amounts["elsewhere"] < 0.9 * GIVEN
    assert amounts["depots"] + amounts["elsewhere"] == pytest.approx(GIVEN, rel=1e-9, abs=0.0)
    # as much drug per bead as there is in one
    per_bead = (
        source.drug.depots[0][source.drug.depots[0] > 0.0] / source.organ.bead_density[source.drug.depots[0] > 0.0]
    )
    assert per_bead == pytest.approx(GIVEN / 2000.0, rel=1e-9, abs=0.0)


def test_many_beads_too_far_apart_for_their_shells_are_told() -> None:
    def warned(number: float) -> list[str]:
        case = drugged(HOUR, depots=lambda domain: (beads(domain, beads=number),))
        return Stage(MPI.COMM_WORLD, case).sources[0].warnings()

    assert warned(2000.0) == []
    (warning,) = warned(2.0)
    assert "100 % of the beads with doxorubicin lie in tissue with fewer than 30 of them per ml" in warning


def test_drug_kills_beside_the_beads_and_not_far_from_them() -> None:
    stage, source = marched(drugged(2.0 * DAY))
    survival = source.survivals()["drug_exposure"]
    away = np.linalg.norm(stage.space.points * 1e3, axis=1)
    assert survival[away < 5.0].max() < 0.5
    assert survival[away > 20.0].min() > 0.9
    level = source.levels()["drug_exposure"]
    assert ((level > 0.0) == (survival < 0.1)).all()
    depth = source.facts()["penetration_depth_mm"]
    assert 0.05 < depth < 2.0


def test_less_blood_leaves_more_drug_in_the_tissue() -> None:
    left = []
    for rate in (1e-5, 1e-4, 1e-3):
        amounts = marched(drugged(0.2 * DAY, perfusion_rate=rate))[1].facts()["balance_mol"]
        left.append(amounts["free"] + amounts["bound"] + amounts["cells"])
    assert left[0] > left[1] > left[2]


def test_no_drug_leaves_the_organ() -> None:
    def inside(domain: object) -> object:
        return organ(domain, inside=(middles(domain)[:, 0] < 12.0).astype(float))  # type: ignore[arg-type]

    stage, source = marched(drugged(1.0 * DAY, tissue=inside))
    outside = stage.space.points[:, 0] * 1e3 > 15.1
    fields = source.fields()
    assert outside.sum() > 50
    for place in ("free", "bound", "cells", "depot"):
        assert fields[f"drug_doxorubicin_{place}_mol_per_m3"][outside].max() == 0.0
    assert source.facts()["largest_balance_error"] < 1e-6


def test_drug_spreads_into_tissue_without_beads() -> None:
    far = constants(uptake_maximum=1e-24)
    _, still = marched(drugged(0.5 * DAY, perfusion_rate=1e-7, exchange=replace(far, free_diffusivity=1e-13)))
    stage, moving = marched(drugged(0.5 * DAY, perfusion_rate=1e-7, exchange=replace(far, free_diffusivity=1e-9)))
    beside = np.abs(np.linalg.norm(stage.space.points * 1e3, axis=1) - 12.0) < 1.0
    name = "drug_doxorubicin_free_mol_per_m3"
    assert moving.fields()[name][beside].mean() > 10.0 * still.fields()[name][beside].mean()


def left_by(stage: Stage) -> dict[str, Floats]:
    """What a stage hands on, in the numbering of its domain."""
    whole = {name: stage.space.gathered(values) for name, values in stage.carried_state().items()}
    return {name: values for name, values in whole.items() if values is not None}


def handed_on(case_days: float) -> tuple[DrugSource, DrugSource]:
    """The drug of a stage of two parts, and of one."""
    whole = marched(drugged(case_days * DAY))[1]
    first_stage, first = marched(drugged(0.5 * case_days * DAY))
    later = drugged(0.5 * case_days * DAY, depots=lambda domain: (beads(domain, given=0.0),))
    carried = left_by(first_stage)
    numbers = {first.name: first.carried_numbers()}
    second = marched(replace(later, initial_state=carried, carried_numbers=numbers))[1]
    return whole, second


def test_two_stages_that_hand_on_are_like_one() -> None:
    whole, second = handed_on(2.0)
    for name, amount in whole.facts()["balance_mol"].items():
        assert second.facts()["balance_mol"][name] == pytest.approx(amount, rel=0.02, abs=2e-3 * GIVEN)
    assert second.facts()["largest_balance_error"] < 1e-6
    assert second.facts()["plasma_auc_mol_s_per_m3"] == pytest.approx(
        whole.facts()["plasma_auc_mol_s_per_m3"], rel=0.02
    )
    survival = whole.survivals()["drug_exposure"]
    at_half = marched(drugged(1.0 * DAY))[1].survivals()["drug_exposure"]
    assert second.survivals()["drug_exposure"] * at_half == pytest.approx(survival, abs=0.02)


def test_what_a_new_mesh_changes_of_the_amounts_is_set_right_and_told() -> None:
    first_stage, first = marched(
        drugged(HOUR, depots=lambda domain: (beads(domain, density=0.9 * corner_density(domain)),))
    )
    later = drugged(HOUR, depots=lambda domain: (beads(domain, given=0.0),))
    changed = {name: 0.98 * values for name, values in left_by(first_stage).items()}
    case = replace(later, initial_state=changed, carried_numbers={first.name: first.carried_numbers()})
    facts, before = Stage(MPI.COMM_WORLD, case).sources[0].facts(), first.facts()["balance_mol"]
    held = sum(before[name] for name in ("depots", "free", "bound", "cells"))
    assert facts["balance_mol"] == pytest.approx(before, rel=1e-9, abs=0.0)
    assert facts["corrected_shares"]["hand_over"] == pytest.approx(0.02 * held / GIVEN, rel=1e-6)


def test_beads_of_a_second_stage_join_what_the_first_has_left() -> None:
    first_stage, first = marched(drugged(1.0 * DAY))
    again = drugged(
        HOUR, depots=lambda domain: (beads(domain, given=0.0), beads(domain, name="more", given=2.0 * GIVEN))
    )
    numbers = {first.name: first.carried_numbers()}
    second = marched(replace(again, initial_state=left_by(first_stage), carried_numbers=numbers))[1]
    assert second.facts()["balance_mol"]["loaded"] == pytest.approx(3.0 * GIVEN)
    assert second.facts()["largest_balance_error"] < 1e-6


def test_short_steps_of_a_stage_are_gathered_and_none_is_lost() -> None:
    stage = Stage(MPI.COMM_WORLD, drugged(1000.0))
    (source,) = stage.sources
    assert isinstance(source, DrugSource)
    for _ in range(100):
        stage.advance(10.0)
    assert source.splits < 30
    assert source.carried_numbers()["elapsed"] == pytest.approx(1000.0)


def test_a_stage_goes_on_from_its_checkpoint_as_if_it_had_not_stopped() -> None:
    case = drugged(1.0 * DAY)
    whole = Stage(MPI.COMM_WORLD, case)
    for _ in range(12):
        whole.advance()
    (source,) = whole.sources
    resumed = Stage(MPI.COMM_WORLD, case).sources[0]
    resumed.take_checkpoint_fields(source.checkpoint_fields())
    resumed.restore(source.state())
    body = np.full(whole.space.count, 37.0)
    for one in (source, resumed):
        one.accept(HOUR, body, body, 0.0)
    assert isinstance(source, DrugSource)
    assert isinstance(resumed, DrugSource)
    assert resumed.facts() == source.facts()
    for name, values in source.fields().items():
        assert (resumed.fields()[name] == values).all()


@pytest.mark.slow
def test_shorter_steps_move_less_than_one_percent_of_the_drug_and_kill_less_than_two_percent_more() -> None:
    usual = marched(drugged(14.0 * DAY))[1]
    stage, exact = marched(drugged(14.0 * DAY, kinetic_tolerance=2e-4, splitting_tolerance=3e-6))
    assert exact.splits > 2 * usual.splits
    for name, amount in exact.facts()["balance_mol"].items():
        assert usual.facts()["balance_mol"][name] == pytest.approx(amount, abs=0.01 * GIVEN)
    volume = stage.operators.distributed(np.ones(stage.space.cell_count))
    killed, killed_exactly = (volume @ (1.0 - one.survivals()["drug_exposure"]) for one in (usual, exact))
    assert killed == pytest.approx(killed_exactly, rel=0.02)


@pytest.mark.slow
def test_a_finer_mesh_changes_nothing_that_is_reported_by_more_than_a_few_percent() -> None:
    def on(n: int) -> tuple[DrugSource, float]:
        case = drugged(2.0 * DAY, n=n, depots=lambda domain: (beads(domain, density=smooth_density(domain)),))
        stage, source = marched(case)
        volume = stage.operators.distributed(np.ones(stage.space.cell_count))
        return source, stage.space.node_sum(volume * (1.0 - source.survivals()["drug_exposure"]))

    (coarse, killed), (fine, killed_fine) = on(8), on(14)
    for name, amount in fine.facts()["balance_mol"].items():
        assert coarse.facts()["balance_mol"][name] == pytest.approx(amount, abs=0.01 * GIVEN)
    assert killed == pytest.approx(killed_fine, rel=0.05)
    assert coarse.facts()["penetration_depth_mm"] == pytest.approx(fine.facts()["penetration_depth_mm"], rel=0.05)


def test_a_spec_survives_its_file(tmp_path: object) -> None:
    from pathlib import Path

    from imagio_sim.solve.case_file import load_case, save_case

    assert isinstance(tmp_path, Path)
    case = drugged(HOUR, depots=lambda domain: (beads(domain), emulsion(domain)))
    save_case(case, tmp_path / "case.npz")
    (read,) = load_case(tmp_path / "case.npz").sources
    made = spec(case.domain, depots=(beads(case.domain), emulsion(case.domain)))
    assert isinstance(read, DrugSpec)
    assert read.exchange == made.exchange
    oil, before = read.depots[1], made.depots[1]
    assert isinstance(oil, EmulsionDepot)
    assert isinstance(before, EmulsionDepot)
    assert (oil.washout_rate == before.washout_rate).all()


def test_blood_that_an_earlier_burn_has_stopped_washes_nothing_out() -> None:
    case = drugged(0.2 * DAY)
    case = replace(case, deciding_models=("arrhenius_hepg2", "drug_exposure"))
    (burnt, *_), nodes = Stage(MPI.COMM_WORLD, case).death.states.values(), len(case.domain.points_mm)
    state = {
        "temperature": np.full(nodes, 37.0),
        "peak_temperature": np.full(nodes, 37.0),
        **{name: values + 50.0 for name, values in Stage(MPI.COMM_WORLD, case).death.fields().items()},
    }
    assert burnt.shape[-1] == nodes
    dead = marched(replace(case, initial_state=state))[1].facts()["balance_mol"]
    alive = marched(case)[1].facts()["balance_mol"]
    assert dead["plasma"] + dead["cleared"] < 0.02 * (alive["plasma"] + alive["cleared"])
