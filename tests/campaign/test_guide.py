# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the guide says about sweeps and campaigns is what the program accepts and does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from imagio_sim.campaign.workflow.campaign_file import COLUMNS, CampaignFile, CaseEntry
from imagio_sim.outcome.comparison import QUANTITIES
from imagio_sim.outcome.ranking import DEFAULT_RULE, RANKED, parse_rule

ROOT = Path(__file__).parents[2]
WHAT_IF, CAMPAIGNS = (
    (ROOT / "docs" / "guide" / f"{name}.md").read_text(encoding="utf-8") for name in ("what-if", "campaigns")
)


def commands_in(text: str) -> list[list[str]]:
    """Lines of code blocks that call the program."""
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    lines = [line.split("  #")[0] for block in blocks for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("imagio ")]


def test_the_campaign_file_of_the_guide_is_one() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", CAMPAIGNS, re.DOTALL)

    campaign = CampaignFile.model_validate(yaml.safe_load(block))

    assert campaign.runs_per_job == 10
    assert set(CaseEntry.model_fields) - {"name"} <= set(re.findall(r"\w+", block))
    assert {field.alias or name for name, field in CampaignFile.model_fields.items()} <= set(
        re.findall(r"\w+", CAMPAIGNS)
    )


def test_the_guide_names_every_column_of_a_cohort() -> None:
    assert all(f"`{column}`" in CAMPAIGNS for column in COLUMNS)


def test_the_guide_names_everything_that_can_be_ranked_with_its_unit() -> None:
    units = {one.key: one.unit for one in QUANTITIES}
    for name in RANKED:
        unit = units.get(name)
        assert re.search(rf"`{name}`{re.escape(f' ({unit})') if unit else ''}", WHAT_IF), name


def test_the_guide_states_the_default_rule() -> None:
    stated = " ".join(WHAT_IF.replace("> ", "").split())
    for criterion in parse_rule(DEFAULT_RULE).criteria:
        amounts = re.findall(r"[\d.]+ (?:mm|ml|%)", criterion.text)
        assert all(amount in stated for amount in amounts), criterion.text


@pytest.mark.slow
def test_every_command_about_what_if_works(tmp_path: Path) -> None:
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    for command in commands_in(WHAT_IF):
        ended = subprocess.run(
            [sys.executable, "-m", "imagio_cli", *command[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert ended.returncode == 0, (command, ended.stderr)


@pytest.mark.parametrize("command", commands_in(CAMPAIGNS), ids=lambda command: " ".join(command[1:4]))
def test_every_command_about_campaigns_is_understood(command: list[str], tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "imagio_cli", *command[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    # there is no such campaign here: refused for that, and not for an option that does not exist
    assert ended.returncode == 2
    assert re.search(r"no such file or directory|imagio campaign run FILE makes one", ended.stderr), ended.stderr
