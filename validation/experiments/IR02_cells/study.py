# SPDX-License-Identifier: LGPL-3.0-or-later
"""Prostate carcinoma cells in 250 V/cm, 90 pulses of 100 us (IR02)."""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue.death.electroporation import electroporation_death_models, level_of_all

FIELD = np.array([25000.0])
"""Field strength [V/m]."""
PULSES = 90.0


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Whether each model says that all cells are dead (its level is positive)."""
    verdicts = []
    for model in electroporation_death_models():
        level = float(level_of_all(model, [(FIELD, PULSES)], 1)[0])
        name = f"complete kill by {model.name}"
        verdicts.append(judged(name, "", float(level >= 0.0), within=(1.0, 1.0), reference=1.0))
    return tuple(verdicts)
