# SPDX-License-Identifier: LGPL-3.0-or-later
"""What README and guide say about scenarios and results is what the program accepts and writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml

from imagio_sim.devices import library as devices
from imagio_sim.devices.modalities import DEVICES
from imagio_sim.outcome.result import Result
from imagio_sim.plan import json_schema, scenario_of
from imagio_sim.plan.constraints import Constraint
from imagio_sim.tissue.death import death_records

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"


def text_of(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


def yaml_blocks(text: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


def schema_keys() -> set[str]:
    schema = json_schema()
    parts = [schema, *schema["$defs"].values()]
    return {key for part in parts for key in part.get("properties", {})} - {"modality"}


def test_the_guide_explains_every_key_of_a_scenario() -> None:
    words = set(re.findall(r"\w+", text_of("scenario.md")))
    assert schema_keys() <= words


def test_the_guide_names_every_quantity_that_can_be_constrained() -> None:
    models = Constraint.__origin__.__args__  # type: ignore[attr-defined]
    quantities = {name for model in models for name in model.model_fields["quantity"].annotation.__args__}
    assert quantities <= set(re.findall(r"\w+", text_of("scenario.md")))


def test_the_guide_names_every_part_of_a_result() -> None:
    words = set(re.findall(r"\w+", text_of("outputs.md")))
    assert set(get_type_hints(Result)) - {"schema", "plan", "modalities", "failure", "treatment_time_s"} <= words


def test_the_guide_counts_the_death_models_right() -> None:
    agents = [record.agent for record in death_records().values()]
    assert [agents.count(agent) for agent in ("heat", "cold", "electroporation")] == [12, 7, 2]
    for told in ("Heat. Twelve models", "Cold. Seven models", "Pulses. Two models"):
        assert told in text_of("numerics.md")


def test_the_index_of_the_theory_names_every_page() -> None:
    theory = ROOT / "docs" / "theory"
    linked = set(re.findall(r"\]\((\w+\.md)\)", (theory / "README.md").read_text(encoding="utf-8")))
    assert linked == {page.name for page in theory.glob("*.md")} - {"README.md"}


def test_the_guide_says_what_every_modality_tells_of_itself() -> None:
    told = text_of("outputs.md").split("What `solver.sources` holds")[1].replace("radio-frequency", "radiofrequency")
    assert all(f"| {modality} | " in told for modality in DEVICES)


@pytest.mark.parametrize(
    "page",
    ["scenario.md", "outputs.md", "environment.md", "devices-and-tissues.md", "numerics.md", "through-the-artery.md"],
)
def test_a_page_links_only_to_what_exists(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", text_of(page))
    assert all((GUIDE / link).exists() for link in links if "://" not in link)


def test_the_readme_links_only_to_what_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    assert all((ROOT / link).exists() for link in links if "://" not in link)


def test_the_scenario_in_the_readme_is_valid() -> None:
    (block,) = yaml_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    placed = block.replace("markup: needle.mrk.json", "entry: [100, 0, 0], tip: [0, 0, 0]")
    assert placed != block
    data: dict[str, Any] = yaml.safe_load(placed)
    assert scenario_of(data, base=ROOT, where="README.md").name == data["name"]


def test_the_infusion_of_the_guide_is_valid() -> None:
    page = text_of("through-the-artery.md")
    (given,) = [block for block in yaml_blocks(page) if block.startswith("infusions:")]
    (limits,) = [block for block in yaml_blocks(page) if block.startswith("constraints:")]
    phantom = {"labels": [], "unlabelled": "liver", "outside": "liver", "body_temperature": "37 degC"}
    sphere = {"centre": [88, 172, 388], "diameter": "3 cm", "tissue": "hcc"}
    glass = {"kind": "radioembolisation", "microspheres": "therasphere", "activity": "1 GBq", "lung_shunt": "5 %"}
    beads = yaml.safe_load(given)["infusions"]
    where = {key: beads[0][key] for key in ("territory", "organ")}
    data: dict[str, Any] = {
        "schema": 1,
        "name": "guide",
        "question": "?",
        "expected_run_time": "1 min",
        "frame": "LPS",
        "patient": phantom,
        "target": {"sphere": sphere},
        "plans": {"A": {"infusions": [*beads, {**glass, **where}], "wait": "1 day"}},
        **yaml.safe_load(limits),
    }
    assert scenario_of(data, base=ROOT, where="guide").plan("A").agents == ("drug", "ischaemia", "radiation")


@pytest.mark.parametrize("folder", ["drugs", "particles", "oils", "microspheres", "nuclides", "liposomes"])
def test_the_guide_says_how_to_add_to_every_shelf_of_the_pharmacy(folder: str) -> None:
    assert f"`{folder}/<name>.yaml`" in text_of("through-the-artery.md")


def test_every_device_that_the_guide_names_exists() -> None:
    named = set(re.findall(r"device: (\w[\w.]*)", text_of("scenario.md")))
    assert named
    assert named <= set(devices.device_names())
