# SPDX-License-Identifier: LGPL-3.0-or-later
"""Two freezes of 10 min against one in gelatin, needles of two makers (CR08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.outcome.zone import ablation_zone
from validation.experiments.bench import AXIS, Bench, burned

Floats = NDArray[np.float64]

NEEDLES = ("icerod_17g", "icesphere_17g", "endocare_1.7mm", "endocare_2.4mm")
ISOTHERMS = (0.0, -20.0, -40.0)
FREEZE: dict[str, Any] = {"action": "freeze", "duration": "10 min"}
SINGLE = {"mode": "freeze_thaw", "phases": [FREEZE]}
DOUBLE = {"mode": "freeze_thaw", "phases": [FREEZE, {"action": "passive_thaw", "duration": "5 min"}, FREEZE]}
GELATIN = {"freezable_water_fraction": "1", "freezing_start": "0 degC", "freezing_width": "1 K"}


def widths(needle: str, start: float, program: Mapping[str, Any]) -> Floats:
    """Of the isotherms at the end [mm], from a temperature [degC]."""
    stage = burned(Bench(needle, program, "water", start, constants=GELATIN)).stage
    temperature = stage.space.gathered(stage.temperature)
    assert temperature is not None
    levels = (isotherm - temperature for isotherm in ISOTHERMS)
    return np.array([ablation_zone(stage.case.domain, level, AXIS).short_axis_mm for level in levels])


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Widths after two freezes by those after one, over needle and temperature at the start."""
    ratios = []
    for one in case.samples(8, seed=208):
        needle, start = NEEDLES[min(3, int(one["needle"]))], one["temperature at the start"]
        ratios.append(widths(needle, start, DOUBLE) / widths(needle, start, SINGLE))
    return tuple(
        judged(
            f"width at {isotherm:g} degC, 10-5-10 by 10 min",
            "",
            found,
            within=(0.85, 1.15),
            reference=1.0,
            unknown=case.unknown_text,
        )
        for isotherm, found in zip(ISOTHERMS, np.array(ratios).T, strict=True)
    )
