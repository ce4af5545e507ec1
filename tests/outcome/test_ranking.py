# SPDX-License-Identifier: LGPL-3.0-or-later
"""The stated rule orders plans as it says, and can be changed."""

from __future__ import annotations

from typing import Any, cast

import pytest

from imagio_sim.errors import InputError
from imagio_sim.outcome.ranking import DEFAULT_RULE, parse_rule
from imagio_sim.outcome.result import Result


def result(
    coverage: float = 1.0,
    margin: float = 5.0,
    collateral: float = 10.0,
    minutes: float = 12.0,
    statuses: tuple[str, ...] = ("pass",),
) -> Result:
    data: dict[str, Any] = {
        "target": {
            "coverage": coverage,
            "minimal_ablative_margin_mm": margin,
            "margin_surface_fraction": {"ge_5": None},
        },
        "collateral_volume_ml": {"liver": collateral},
        "treatment_time_s": 60.0 * minutes,
        "constraints": [{"name": str(number), "status": status} for number, status in enumerate(statuses)],
    }
    return cast(Result, data)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (result(coverage=0.9), result(statuses=("fail",))),
        (result(coverage=0.9), result(statuses=("warn",))),
        (result(collateral=90.0), result(coverage=0.99)),
        (result(margin=7.0, collateral=90.0), result(margin=5.0)),
        (result(margin=10.0), result(margin=15.0, collateral=20.0)),  # 10 mm is enough
        (result(margin=5.1, collateral=5.0), result(margin=5.2)),  # closer than the figure is worth
        (result(minutes=6.0), result(minutes=12.0)),
    ],
)
def test_the_default_rule_takes_constraints_first_then_the_target_then_what_it_costs(
    better: Result, worse: Result
) -> None:
    rule = parse_rule(DEFAULT_RULE)

    assert rule.order([worse, better]) == [1, 0]
    assert rule.ranks([worse, better]) == [2, 1]


def test_equal_plans_share_their_rank() -> None:
    assert parse_rule(DEFAULT_RULE).ranks([result(), result(coverage=0.5), result()]) == [1, 3, 1]


def test_another_rule_gives_another_order() -> None:
    plans = [result(coverage=1.0, minutes=20.0), result(coverage=0.5, minutes=5.0)]

    assert parse_rule(DEFAULT_RULE).order(plans) == [0, 1]
    assert parse_rule("treatment_time").order(plans) == [1, 0]


def test_what_was_not_recorded_is_the_worst() -> None:
    bench = cast(Result, {"treatment_time_s": 60.0})

    assert parse_rule("target_coverage").order([bench, result(coverage=0.1)]) == [1, 0]


def test_the_rule_is_said_in_words() -> None:
    assert parse_rule("target_coverage:0.1,minimal_ablative_margin:0.5:10,treatment_time").text == (
        "largest target coverage (rounded to 0.1 %), then largest minimal ablative margin (counted up to 10 mm) "
        "(rounded to 0.5 mm), then smallest treatment time"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target_covrage", "did you mean 'target_coverage'?"),
        ("target_coverage:x", "plain numbers"),
        ("target_coverage:-1", "plain numbers"),
        ("target_coverage:1:2:3", "plain numbers"),
        ("", "expected one of"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_rule(text)

    assert said in str(refused.value)
