# SPDX-License-Identifier: LGPL-3.0-or-later
"""The page about speed says what was measured, and its figures follow from the times."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from validation.performance import comparison, modalities, scaling
from validation.performance.record import README, between, kept_versions, page


def grown(exponent: float, speed_up: float) -> dict[str, Any]:
    def row(nodes: int, ranks: int) -> dict[str, Any]:
        seconds = 1e-5 * nodes**exponent / (speed_up if ranks == 2 else 1.0)
        figures = {"set_up_s": 1.0, "memory_GB": 1.0, "steps": 10, "solve_s": seconds}
        return {"nodes": nodes, "ranks": ranks, **figures}

    return {"rows": [row(nodes, ranks) for nodes in scaling.NODES for ranks in scaling.RANKS]}


def test_the_exponent_is_that_of_the_times() -> None:
    assert scaling.exponent(grown(1.07, 1.7)) == pytest.approx(1.07)


def test_a_second_rank_is_compared_on_the_same_mesh() -> None:
    assert list(scaling.speed_ups(grown(1.0, 1.7)).values()) == pytest.approx([1.7] * len(scaling.NODES))


def test_growth_and_ranks_that_hold_break_no_promise() -> None:
    assert not list(scaling.broken_promises(grown(1.1, 1.7)))


def test_too_steep_a_growth_is_told() -> None:
    (told,) = scaling.broken_promises(grown(1.2, 1.7))
    assert "1.20" in told


def test_a_second_rank_that_brings_little_is_told_for_every_size_that_is_judged() -> None:
    assert len(list(scaling.broken_promises(grown(1.0, 1.5)))) == 4


def test_a_slow_product_and_another_answer_are_told() -> None:
    program = {"solve_s": 10.0, "phases_s": {}}
    found = {"nodes": 100_000, "steps": 1, "plain": program, "product": program, "difference_K": 0.1}
    assert len(list(comparison.broken_promises(found))) == 2


def test_an_expensive_modality_needs_a_reason() -> None:
    row = {"own": {"solve_s": 50.0, "steps": 10}, "heat_alone": {"solve_s": 10.0, "steps": 10}}
    (told,) = modalities.broken_promises({"a new one": row})
    assert "5.0" in told


def test_only_what_lies_between_the_marks_is_replaced() -> None:
    text = "before <!-- a --> old <!-- end of a --> after"
    assert between(text, "a", "new") == "before <!-- a -->\n\nnew\n\n<!-- end of a --> after"


def test_the_page_shows_what_is_kept() -> None:
    text = README.read_text(encoding="utf-8")
    assert page(text, kept_versions()) == text


@pytest.mark.slow
@pytest.mark.mpi
def test_every_part_can_be_measured() -> None:
    command = [sys.executable, "-m", "validation.performance", "--short", "comparison", "ablations", "scaling"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "| plain DOLFINx |" in ended.stdout
    assert ended.stderr == ""
