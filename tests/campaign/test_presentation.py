# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import pytest

from imagio_sim.campaign.presentation import settings_text, zone_name
from imagio_sim.solve.stage import COMBINED


@pytest.mark.parametrize(
    ("model", "agents", "text"),
    [
        ("nadir_40", ("cold",), "ablation zone (cold, nadir −40 °C)"),
        ("held_20_300s", ("cold",), "ablation zone (cold, held nadir −20 °C)"),
        ("isotherm_60", ("heat",), "ablation zone (heat, isotherm 60 °C)"),
        ("arrhenius_hepg2", ("heat",), "ablation zone (heat, arrhenius hepg2)"),
        ("lethal_field", ("electroporation", "heat"), "ablation zone (electroporation, lethal field)"),
        (COMBINED, ("electroporation", "heat"), "ablation zone (electroporation and heat)"),
    ],
)
def test_a_zone_is_called_by_the_agent_that_made_it(model: str, agents: tuple[str, ...], text: str) -> None:
    assert zone_name(model, agents) == text


def test_settings_within_settings_are_written_in_words() -> None:
    settings = {
        "cooling_phase": "0 s",
        "phases": [{"action": "freeze", "duration": "600 s"}, {"action": "passive_thaw", "duration": "180 s"}],
        "pairs": [["n1", "n2"], ["n2", "n3"]],
    }
    assert settings_text(settings) == (
        "cooling phase 0 s, phases action freeze, duration 600 s; action passive_thaw, duration 180 s, "
        "pairs n1, n2; n2, n3"
    )
