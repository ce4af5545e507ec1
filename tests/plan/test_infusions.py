# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is given through an artery or a vein: kinds, names, timelines, and what is refused without a patient."""

from collections.abc import Callable
from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.plan import Scenario, plan_digest, resolved_plan
from imagio_sim.plan.files import named_files

Make = Callable[..., Scenario]
Refuse = Callable[[dict[str, Any]], tuple[InputError, ...]]

NEEDLE = {"device": "cooled_17g_3cm", "entry": [110, 20, 30], "tip": [5, 20, 30]}
PROGRAM = {"mode": "constant_power", "power": "60 W", "duration": "12 min"}
ARTERY = {"territory": {"labels": ["liver"]}, "organ": ["liver"]}
BEADS = {
    "kind": "drug_eluting_beads",
    **ARTERY,
    "particles": "dc_bead_100_300",
    "drug": "doxorubicin",
    "drug_mass": "75 mg",
    "particle_volume": "2 ml",
    "occlusion": "90 %",
}
SPHERES = {
    "kind": "radioembolisation",
    **ARTERY,
    "microspheres": "sir_spheres",
    "activity": "1.5 GBq",
    "lung_shunt": "5 %",
}
EMULSION = {
    "kind": "oil_emulsion",
    **ARTERY,
    "drug": "doxorubicin",
    "drug_mass": "50 mg",
    "oil": "lipiodol",
    "oil_volume": "10 ml",
    "occlusion": "50 %",
}
LIPOSOMES = {"kind": "liposomes", "formulation": "thermodox", "drug_mass": "90 mg", "infusion_time": "30 min"}
HERE = "plans.A.infusions[0]"


def given(infusion: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Plan A with one infusion, changed (``...``: left out), and two weeks for it to act."""
    changed = {key: value for key, value in {**infusion, **changes}.items() if value is not ...}
    return {"plans.A": {"infusions": [changed], "wait": "14 days"}}


def then_ablation(*infusions: dict[str, Any], wait: str = "30 min") -> dict[str, Any]:
    """A stage with infusions, then one with a needle."""
    first: dict[str, Any] = {"infusions": list(infusions), "wait": wait}
    return {"plans.A": {"stages": [first, {"applicators": [NEEDLE], "program": PROGRAM}]}}


def test_modalities_and_agents_are_those_of_infusions_and_applicators(scenario: Make) -> None:
    plan = scenario(then_ablation(BEADS)).plan("A")
    assert plan.modalities == ("chemoembolisation", "radiofrequency")
    assert plan.agents == ("drug", "ischaemia", "heat")


def test_infusions_without_a_name_are_counted_through_the_plan(scenario: Make) -> None:
    plan = scenario(then_ablation(BEADS, {**SPHERES, "name": "spheres"})).plan("A")
    assert plan.infusion_names == (("infusion_1", "spheres"), ())


def test_a_stage_lasts_as_long_as_what_is_infused_into_a_vein(scenario: Make) -> None:
    plan = scenario(then_ablation(LIPOSOMES, wait="15 min")).plan("A")
    assert plan.timeline[0].end == 1800.0
    assert plan.timeline[1].begin == 2700.0


def test_what_goes_through_a_catheter_is_there_at_once(scenario: Make) -> None:
    assert scenario(then_ablation(BEADS)).plan("A").timeline[1].begin == 1800.0


def test_a_longer_wait_and_another_dose_are_another_plan(scenario: Make) -> None:
    digests = {
        plan_digest(scenario(changes), "A")
        for changes in (
            then_ablation(BEADS),
            then_ablation(BEADS, wait="1 h"),
            then_ablation({**BEADS, "drug_mass": "50 mg"}),
        )
    }
    assert len(digests) == 3


def test_the_resolved_plan_holds_what_the_pharmacy_says_with_its_sources(scenario: Make) -> None:
    stage = resolved_plan(scenario(then_ablation(BEADS)), "A")["stages"][0]
    drug = stage["infusions"][0]["pharmacy"]["drug"]
    assert drug["values"]["molar_mass"]["source"]
    assert stage["infusions"][0]["drug_mass"] == "75 mg"


def test_every_source_that_the_pharmacy_names_is_spelled_out(scenario: Make) -> None:
    resolved = resolved_plan(scenario(then_ablation(BEADS)), "A")
    beads = resolved["stages"][0]["infusions"][0]["pharmacy"]["particles"]
    named = {value["source"] for value in beads["values"].values()}
    assert named
    assert named <= set(resolved["sources"])
    assert all(resolved["sources"][key]["reference"] for key in named)


def test_files_of_territories_are_inputs_of_the_run(scenario: Make) -> None:
    image = {"territory": {"image": "spect.nii.gz", "unit": "relative"}}
    lines = {
        "territory": {
            "catheter": [0, 0, 0],
            "arteries": {"centre_lines": "tree.vtp", "frame": "LPS", "length_unit": "mm"},
        }
    }
    files = dict(named_files(scenario(then_ablation({**SPHERES, **image}, {**BEADS, **lines}))))
    assert files["plans.A.stages[0].infusions[0].territory.image"] == "spect.nii.gz"
    assert files["plans.A.stages[0].infusions[1].territory.arteries.centre_lines"] == "tree.vtp"


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        (given(BEADS, territory=...), HERE, "no territory and no arteries"),
        (given(BEADS, territory={"label": "liver"}), f"{HERE}.territory", "one of"),
        (given(BEADS, organ=[]), f"{HERE}.organ", "at least 1"),
        (given(BEADS, kind="drug_eluting_bead"), HERE, "did you mean 'drug_eluting_beads'?"),
        (given(BEADS, drug="doxorubicine"), f"{HERE}.drug", "did you mean 'doxorubicin'?"),
        (given(BEADS, particles="dc_bead_100_400"), f"{HERE}.particles", "did you mean 'dc_bead_100_300'?"),
        (given(BEADS, particles="bland_100_300"), f"{HERE}.drug", "these particles bind none"),
        (given(BEADS, drug_mass="400 mg"), f"{HERE}.drug_mass", "what these beads can hold"),
        (given(BEADS, drug_mass="-75 mg"), f"{HERE}.drug_mass", "-75 mg"),
        (given(BEADS, drug_mass="75 ml"), f"{HERE}.drug_mass", "which is no drug mass"),
        (given(BEADS, drug_mass=75), f"{HERE}.drug_mass", "without a unit"),
        (given(BEADS, occlusion="120 %"), f"{HERE}.occlusion", "120 %"),
        (given(BEADS, tumour_to_normal=-1), f"{HERE}.tumour_to_normal", "-1"),
        (given(SPHERES, microspheres="sir_sphere"), f"{HERE}.microspheres", "did you mean 'sir_spheres'?"),
        (given(SPHERES, activity="1.5 Gy"), f"{HERE}.activity", "which is no activity"),
        (given(SPHERES, activity="-1 GBq"), f"{HERE}.activity", "-1 GBq"),
        (given(SPHERES, lung_shunt="60 %"), f"{HERE}.lung_shunt", "60 %"),
        (given(SPHERES, lung_shunt=...), f"{HERE}.lung_shunt", "lung_shunt"),
        (given(BEADS, lung_shunt="60 %"), f"{HERE}.lung_shunt", "60 %"),
        (given(SPHERES, deposition="clusters"), f"{HERE}.deposition", "add seed: 1"),
        (given(SPHERES, deposition="clusters", seed=-1), f"{HERE}.seed", "-1"),
        (given(SPHERES, deposition="cluster"), f"{HERE}.deposition", "clusters"),
        (given(BEADS, seed=1), f"{HERE}.seed", "add deposition: clusters"),
        (given(EMULSION, deposition="clusters", seed=1), f"{HERE}.deposition", "no particles to count"),
        (given(SPHERES, aim="190 GBq"), f"{HERE}.aim", "which is no absorbed dose"),
        (given(SPHERES, imaged_after="20 h"), f"{HERE}.imaged_after", "a time without an image"),
        (given(SPHERES, territory={"image": "pet.nii.gz"}), f"{HERE}.territory.unit", "add unit"),
        (given(SPHERES, territory={"image": "pet.nii.gz", "unit": "Bq"}), f"{HERE}.territory.unit", "Bq/ml"),
        (
            given(SPHERES, territory={"catheter": [0, 0, 0]}),
            f"{HERE}.territory.arteries",
            "add arteries",
        ),
        ({"plans.A": {"infusions": [BEADS]}}, "plans.A", "without time to act"),
        ({"plans.A": {"infusions": [BEADS], "wait": "-1 h"}}, "plans.A.wait", "-1 h"),
        (given(LIPOSOMES), HERE, "nothing would release their drug"),
        (
            {"plans.A": {"stages": [{"applicators": [NEEDLE], "program": PROGRAM}, {"infusions": [LIPOSOMES]}]}},
            "plans.A.stages[1].infusions[0]",
            "given after the last heating",
        ),
        (
            {"plans.A": {"infusions": [{**BEADS, "name": "x"}, {**SPHERES, "name": "x"}], "wait": "1 day"}},
            "plans.A.infusions[1].name",
            "'x' for the second time",
        ),
    ],
)
def test_an_infusion_that_cannot_be_meant_is_refused(
    refusals: Refuse, changes: dict[str, Any], where: str, says: str
) -> None:
    found = {error.where.removeprefix("small.yaml: "): str(error) for error in refusals(changes)}
    assert where in found, found
    assert says in found[where]
