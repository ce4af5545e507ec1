# SPDX-License-Identifier: LGPL-3.0-or-later
"""What results and pictures say of infusions: on a block of liver whose left half is embolised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.geometry import read_anatomy
from imagio_sim.campaign.infusions.absorbed_dose import infusion_doses
from imagio_sim.campaign.infusions.delivery import delivered
from imagio_sim.campaign.infusions.drug_report import DrugOnMesh
from imagio_sim.campaign.infusions.pictures import infusion_pictures
from imagio_sim.campaign.infusions.report import Infused, StageEnd, _counted_organ, infusion_results
from imagio_sim.campaign.run import RunOptions, run_plan
from imagio_sim.outcome.attribution import attribution
from tests.campaign.conftest import Observed
from tests.campaign.embolised import ALL, HALF_WAY_LEFT, TREE, bland, labels, patient, write_uptake
from tests.outcome.cases import assessment, result
from tests.outcome.meshes import cube
from tests.outcome.test_attribution import distance, even, graded, zone_level
from tests.view.test_pictures import scene

GLASS: dict[str, Any] = {
    "name": "glass",
    "kind": "radioembolisation",
    "organ": ["liver"],
    "territory": ALL,
    "microspheres": "therasphere",
    "activity": "0.1 GBq",
    "lung_shunt": "8 %",
}
SIDE = {"catheter": HALF_WAY_LEFT, "arteries": TREE}


def test_what_was_given_and_where_it_went_makes_one(tmp_path: Path) -> None:
    scenario = patient(tmp_path, {"infusions": [GLASS], "wait": "1 h"}, {"infusions": [bland(SIDE)], "wait": "1 h"})
    found = infusion_results(scenario, "A", read_anatomy(scenario))
    glass, beads = found["glass"], found["infusion_2"]
    assert glass["injected"] == {"activity_GBq": 0.1}
    assert beads["injected"] == {"particles_ml": 2.0}
    assert (glass["stage"], beads["stage"], beads["begin_s"]) == (1, 2, 3600.0)
    assert glass["lung_share"] == 0.08
    assert glass["in_organ_share"] == pytest.approx(0.92)
    assert beads["territory_volume_ml"] == pytest.approx(0.5 * glass["territory_volume_ml"], rel=0.01)  # type: ignore[operator]
    assert beads["target_fed_share"] == 1.0
    for one in found.values():
        shares = [one[part] for part in ("in_organ_share", "lung_share", "elsewhere_share")]  # type: ignore[literal-required]
        assert sum(shares) == pytest.approx(1.0, abs=1e-15)
        assert one["sum_error"] is not None
        assert one["sum_error"] < 1e-15


@pytest.mark.parametrize(("kept", "said"), [(1.0, 0), (0.5, 1)])
def test_an_image_that_shows_a_part_of_the_organ_is_said(tmp_path: Path, kept: float, said: int) -> None:
    values = np.ones(labels().shape)
    write_uptake(tmp_path, values[: int(kept * len(values))])
    scenario = patient(tmp_path, {"infusions": [bland({"image": "uptake.nii.gz", "unit": "relative"})], "wait": "1 h"})
    anatomy, (domain, _), made = read_anatomy(scenario), cube(), result()
    heat = graded(9.0 - distance(domain))
    alone = attribution(domain, scene().probe, {"heat": heat}, heat.level)
    Infused(delivered(scenario, "A", anatomy), (), {}, {}, alone, None, None).add_to(
        made, scenario, anatomy, assessment()
    )
    assert sum("% of the organ" in warning for warning in made["warnings"]) == said


def test_a_systemic_infusion_has_no_territory(tmp_path: Path) -> None:
    drip = {"kind": "liposomes", "formulation": "thermodox", "drug_mass": "90 mg", "infusion_time": "30 min"}
    burn = {
        "infusions": [drip],
        "applicators": [{"device": "cooled_17g_2cm", "entry": [20, 20, 60], "tip": [20, 20, 10]}],
        "program": {"mode": "constant_power", "power": "20 W", "duration": "1 min"},
    }
    scenario = patient(tmp_path, burn)
    (found,) = infusion_results(scenario, "A", read_anatomy(scenario)).values()
    assert found["injected"] == {"drug_mg": 90.0}
    assert found["territory_volume_ml"] is None
    assert found["sum_error"] is None


@pytest.fixture(scope="module")
def embolised(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Results of embolisation and, for comparison, of a wait in the same scenario."""
    folder = tmp_path_factory.mktemp("embolised")
    scenario = patient(
        folder,
        {"infusions": [bland(SIDE)], "wait": "2 h"},
        plans={
            "A": {"stages": [{"infusions": [bland(SIDE)], "wait": "2 h"}]},
            "untreated": {"stages": [{"wait": "2 h"}]},
        },
        constraints=[{"name": "reserve", "quantity": "liver_reserve_fraction", "at_least": "50 %", "warn": "90 %"}],
    )
    options = RunOptions(folder / "out", "coarse")
    return {plan: run_plan(scenario, plan, options, Observed().listener) for plan in ("A", "untreated")}


def test_the_reserve_is_told_for_every_plan_of_a_scenario_with_infusions(embolised: dict[str, Any]) -> None:
    treated, untreated = embolised["A"]["liver_reserve"], embolised["untreated"]["liver_reserve"]
    assert treated["volume_ml"] == untreated["volume_ml"]
    assert untreated["perfused_share"] == 1.0
    assert treated["embolised_ml"] == pytest.approx(0.9 * treated["territory_ml"])
    assert treated["perfused_share"] == pytest.approx(1.0 - treated["embolised_ml"] / treated["volume_ml"])
    statuses = {plan: result["constraints"][0]["status"] for plan, result in embolised.items()}
    assert statuses == {"A": "warn", "untreated": "pass"}


def test_an_artery_that_is_open_again_at_the_end_feeds_the_reserve(tmp_path: Path) -> None:
    def perfused(wait: str) -> float:
        scenario = patient(tmp_path, {"infusions": [bland(SIDE, particles="gelatin_pledgets")], "wait": wait})
        organ = _counted_organ(scenario, "A", read_anatomy(scenario))
        assert organ is not None
        found = organ.at_the_end(assessment(1.0))
        return found.perfused_ml / found.volume_ml

    assert perfused("1 day") < 0.7
    assert perfused("26 weeks") > 0.99


def test_the_reserve_is_lowest_until_gelatin_has_gone(tmp_path: Path) -> None:
    """Closed for 13.9 days of a plan of 20, in whose second stage bland beads close the same artery for good."""
    gelatin, again = (
        bland(SIDE, particles="gelatin_pledgets", name="gelatin"),
        bland(SIDE, name="beads", occlusion="20 %"),
    )
    stages = [{"infusions": [gelatin], "wait": "16 days"}, {"infusions": [again], "wait": "4 days"}]
    scenario = patient(tmp_path, {"infusions": [gelatin], "wait": "1 day"}, plans={"A": {"stages": stages}})
    counted = _counted_organ(scenario, "A", read_anatomy(scenario))
    assert counted is not None
    domain = cube()[0]
    alive = StageEnd(domain, {"level/arrhenius": np.full(len(domain.points_mm), -1.0)}, {})
    lowest, end = counted.lowest(assessment(1.0), [alive]), counted.at_the_end(assessment(1.0))
    assert (lowest.begin, lowest.end) == (0.0, pytest.approx(1.2e6))
    assert lowest.reserve.embolised_ml == pytest.approx(0.9 * lowest.reserve.territory_ml)
    assert end.embolised_ml == pytest.approx(0.2 * end.territory_ml)
    assert end.section(None, lowest)["lowest"] == {
        "from_s": 0.0,
        "until_s": pytest.approx(1.2e6),
        "embolised_ml": lowest.reserve.embolised_ml,
        "dead_ml": 0.0,
        "perfused_ml": lowest.reserve.perfused_ml,
        "perfused_share": pytest.approx(lowest.reserve.perfused_ml / lowest.reserve.volume_ml),
    }


def test_the_flow_that_an_ablation_would_meet_is_told_before_and_after(embolised: dict[str, Any]) -> None:
    (treated,), (untreated,) = (embolised[plan]["perfusion_by_stage"] for plan in ("A", "untreated"))
    assert untreated["target_per_s"] == untreated["target_normal_per_s"]
    assert treated["target_normal_per_s"] == pytest.approx(untreated["target_per_s"], rel=2e-3)  # other meshes
    assert treated["target_per_s"] < 0.4 * treated["target_normal_per_s"]
    assert treated["beside_per_s"] < treated["beside_normal_per_s"]


def test_what_kills_is_told_for_every_plan(embolised: dict[str, Any]) -> None:
    assert set(embolised["A"]["kill"]["models"]) == {"ischaemia"}
    assert set(embolised["untreated"]["kill"]["models"]) == {"heat"}
    assert "infusions" not in embolised["untreated"]


@pytest.mark.slow
def test_there_is_a_picture_of_everything_that_infusions_brought(tmp_path: Path) -> None:
    scenario = patient(tmp_path, {"infusions": [GLASS], "wait": "1 h"})
    anatomy = read_anatomy(scenario)
    domain, _ = cube()
    seen = scene()
    agents = {"heat": graded((9.0 - distance(domain)) / 2.0), "drug": even(domain, 0.5)}
    brought = Infused(
        delivered=delivered(scenario, "A", anatomy),
        doses=infusion_doses(scenario, "A", anatomy),
        drugs={"doxorubicin": DrugOnMesh({}, np.clip(20.0 - distance(domain), 0.0, None), None, None, {}, {})},
        fields={"perfusion_factor": np.where(distance(domain) < 12.0, 0.2, 1.0)},
        attribution=attribution(domain, seen.probe, agents, zone_level(agents)),
        reserve=None,
        lowest_reserve=None,
    )
    pictures = infusion_pictures(tmp_path, seen, brought)
    assert [one.path.name for one in pictures] == [
        "deposition_glass.png",
        "perfusion.png",
        "dose.png",
        "dose_histogram.png",
        "drug_doxorubicin.png",
        "drug_doxorubicin_histogram.png",
        "who_killed_what.png",
    ]
    assert all(one.path.stat().st_size > 10_000 for one in pictures)


def test_a_plan_of_one_agent_without_infusions_has_no_such_pictures(tmp_path: Path) -> None:
    domain, _ = cube()
    seen = scene()
    heat = graded(9.0 - distance(domain))
    alone = attribution(domain, seen.probe, {"heat": heat}, heat.level)
    brought = Infused((), (), {}, {"perfusion_factor": np.ones(len(domain.points_mm))}, alone, None, None)
    assert infusion_pictures(tmp_path, seen, brought) == []
