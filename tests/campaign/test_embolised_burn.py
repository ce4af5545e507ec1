# SPDX-License-Identifier: LGPL-3.0-or-later
"""A burn half an hour after an embolisation: larger, because of the blood; the same where nothing was closed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.campaign.run import Listener, RunOptions, run_plan
from imagio_sim.outcome.result import Result
from tests.campaign.embolised import bland, patient

pytestmark = pytest.mark.slow

QUIET = Listener(say=lambda text: None, progress=lambda progress: None, stop=lambda: False)
BURN: dict[str, Any] = {
    "applicators": [{"device": "cooled_17g_2cm", "entry": [18, -40, 20], "tip": [18, 56, 20]}],
    "program": {"mode": "constant_power", "power": "50 W", "duration": "5 min", "cooling_phase": "30 s"},
}
BIG_TUMOUR = {"sphere": {"centre": [18, 46, 20], "diameter": "28 mm", "tissue": "hcc"}}

AROUND = {"sphere": {"centre": [18, 46, 20], "diameter": "44 mm"}}
"""So small that the region and its mesh are those of the burn alone."""

Burn = Callable[[str | None], Result]


@pytest.fixture(scope="module")
def burn(tmp_path_factory: pytest.TempPathFactory) -> Burn:
    """The result after closing a share of the arterioles; None: without an embolisation."""

    @cache
    def of(occlusion: str | None) -> Result:
        folder: Path = tmp_path_factory.mktemp("burn")
        before = [] if occlusion is None else [{"infusions": [bland(AROUND, occlusion=occlusion)], "wait": "30 min"}]
        scenario = patient(folder, *before, BURN, target=BIG_TUMOUR, region={"margin": "60 mm"})
        return run_plan(scenario, "A", RunOptions(folder, "coarse"), QUIET)

    return of


def volume_ml(result: Result) -> float:
    return result["ablation_zone"]["volume_ml"]


def test_a_burn_after_an_embolisation_is_larger(burn: Burn) -> None:
    alone, after = volume_ml(burn(None)), volume_ml(burn("90 %"))
    assert 1.5 < after / alone < 2.5


def test_more_closed_arterioles_make_a_larger_burn(burn: Burn) -> None:
    volumes = [volume_ml(burn(share)) for share in ("0 %", "45 %", "90 %")]
    assert volumes[0] < volumes[1] < volumes[2]


def test_where_nothing_was_closed_the_burn_is_that_without_an_embolisation(burn: Burn) -> None:
    """So what makes it larger is the blood that is missing, not another mesh or another stage before it."""
    assert volume_ml(burn("0 %")) == pytest.approx(volume_ml(burn(None)), rel=1e-6)


def test_the_result_says_why(burn: Burn) -> None:
    (_, burnt) = burn("90 %")["perfusion_by_stage"]
    assert burnt["target_per_s"] < 0.35 * burnt["target_normal_per_s"]
    assert burnt["beside_per_s"] > 0.75 * burnt["beside_normal_per_s"]


def test_half_an_hour_of_ischaemia_has_killed_nothing(burn: Burn) -> None:
    kill = burn("90 %")["kill"]
    assert kill["target"]["alone_ml"]["ischaemia"] == 0.0
    assert kill["target_mean_survival"]["ischaemia"] == pytest.approx(1.0)
