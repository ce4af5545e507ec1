# SPDX-License-Identifier: LGPL-3.0-or-later
"""What holds for every modality: heat adds up, any number of ranks, after a stop, and through a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.modalities import BUILDERS
from imagio_sim.meshing.cache import FOLDER_VARIABLE
from imagio_sim.solve.case import ThermalCase
from imagio_sim.solve.case_file import load_case, save_case
from imagio_sim.solve.checkpoint import load_checkpoint, save_checkpoint
from imagio_sim.solve.stage import Stage
from tests.solve.bricks import begun, finished
from tests.solve.conftest import Floats
from tests.solve.modalities import PLANS, case_of
from tests.solve.test_parallel import REPLAYED, end_of, prepared

every = pytest.mark.parametrize("modality", PLANS)


@pytest.fixture(scope="module", autouse=True)
def own_mesh_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("mesh_cache")))
        yield


@cache
def treated(modality: str) -> Stage:
    """The treatment at its end, with the steps that the solver chose."""
    return finished(case_of(modality))


def strict(modality: str) -> ThermalCase:
    """The treatment solved so closely that nothing but the steps is left to differ."""
    return replace(case_of(modality), numerics=REPLAYED)


def steps_of(modality: str) -> list[float]:
    return [row["step_s"] for row in treated(modality).history]


def replayed(stage: Stage, steps: list[float]) -> Stage:
    for step in steps:
        stage.advance(step)
    return stage


def in_file_order(stage: Stage, values: Floats) -> Floats:
    """Nodal values in the numbering of the case, in which a run leaves them."""
    gathered = stage.space.gathered(values)
    assert gathered is not None
    return gathered


@cache
def whole(modality: str) -> Stage:
    """The chosen steps taken on one rank, without a stop."""
    return replayed(begun(strict(modality)), steps_of(modality))


def members(data: Any) -> tuple[type, dict[Any, Any]] | None:
    """What a piece of data holds by name, key or number, and what it is; None for a single value."""
    if is_dataclass(data) and not isinstance(data, type):
        return type(data), {part.name: getattr(data, part.name) for part in fields(data)}
    if isinstance(data, Mapping):
        return Mapping, dict(data)
    return (type(data), dict(enumerate(data))) if isinstance(data, tuple | list) else None


def same(one: Any, other: Any, relative: float) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, float):
        return bool(other == pytest.approx(one, rel=relative, abs=0.0))
    return type(one) is type(other) and one == other


def differences(one: Any, other: Any, where: str = "", relative: float = 0.0) -> Iterator[str]:
    """Places at which two pieces of plain data differ."""
    mine, theirs = members(one), members(other)
    if mine is None or theirs is None:
        if not same(one, other, relative):
            yield f"{where}: {one!r} != {other!r}"
    elif mine[0] is not theirs[0] or mine[1].keys() != theirs[1].keys():
        yield f"{where}: {mine[0]} with {list(mine[1])} != {theirs[0]} with {list(theirs[1])}"
    else:
        for name, part in mine[1].items():
            yield from differences(part, theirs[1][name], f"{where}.{name}", relative)


@every
def test_heat_adds_up(modality: str) -> None:
    ledger = treated(modality).ledger
    assert max(abs(ledger.source), abs(ledger.stored), abs(sum(ledger.lost.values()))) > 20.0
    assert ledger.balance_error < 1e-3  # 1 % is promised
    assert treated(modality).time == pytest.approx(case_of(modality).end_time)


@every
def test_the_tissue_is_treated(modality: str) -> None:
    stage = treated(modality)
    if modality == "cryo":
        assert stage.minimum_temperature.min() < -40.0
    else:
        assert stage.peak_temperature.max() > 55.0


@pytest.mark.mpi
@every
def test_replayed_steps_give_the_same_on_two_ranks_as_on_one(modality: str, tmp_path: Path) -> None:
    two = end_of(prepared(tmp_path / "two", strict(modality), steps_of(modality)), 2)
    assert two.facts["solver"]["ranks"] == 2
    one = whole(modality)
    np.testing.assert_allclose(two.temperature, in_file_order(one, one.temperature), rtol=1e-6, atol=0.0)
    for name, level in one.levels().items():
        scale = np.abs(level).max()
        np.testing.assert_allclose(two.fields[f"level/{name}"], in_file_order(one, level), rtol=0.0, atol=1e-5 * scale)


@every
def test_a_treatment_stopped_half_way_goes_on_as_if_it_had_not_been(modality: str, tmp_path: Path) -> None:
    case, steps = strict(modality), steps_of(modality)
    save_case(case, tmp_path / "case.npz")
    half = len(steps) // 2
    first, second = (begun(load_case(tmp_path / "case.npz")) for _ in range(2))
    save_checkpoint(replayed(first, steps[:half]), tmp_path / "state.npz", digest=modality)
    assert load_checkpoint(second, tmp_path / "state.npz", digest=modality)
    replayed(second, steps[half:])
    expected = whole(modality)
    np.testing.assert_allclose(second.temperature, expected.temperature, rtol=1e-9, atol=0.0)
    for name, level in expected.levels().items():
        np.testing.assert_allclose(second.levels()[name], level, rtol=1e-7, atol=1e-7 * np.abs(level).max())
    assert second.ledger.deposited == pytest.approx(expected.ledger.deposited, rel=1e-9)
    facts = [stage.summary()["sources"] for stage in (expected, second)]
    assert list(differences(*facts, relative=1e-6)) == []


@every
def test_a_case_comes_back_from_its_file_as_it_was(modality: str, tmp_path: Path) -> None:
    case = case_of(modality)
    save_case(case, tmp_path / "case.npz")
    assert list(differences(case, load_case(tmp_path / "case.npz"))) == []


def test_no_modality_is_left_out() -> None:
    assert set(PLANS) == set(BUILDERS)
