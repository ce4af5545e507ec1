# SPDX-License-Identifier: LGPL-3.0-or-later
"""Prostate carcinoma cells in 250 V/cm, 90 pulses of 100 us (IR02)."""

from __future__ import annotations

from dataclasses import replace

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged, not_judged
from imagio_sim.tissue.death.electroporation import PelegFermi, electroporation_death_models

FIELD, PULSES = 250.0, 90.0
"""Field strength [V/cm] and number of pulses that killed all cells."""
PER_CM = 1e-2


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """The field that 90 pulses need, by the model that was found with such cells; the other one is of tissue."""
    models = {model.name: model for model in electroporation_death_models()}
    cells = models["peleg_fermi"]
    assert isinstance(cells, PelegFermi)
    needed = [
        PER_CM
        * replace(
            cells,
            field_rate=one["rate at which the field falls"],
            width_rate=one["rate at which its width falls"],
        ).lethal_strength(PULSES)
        for one in case.samples(24, seed=302)
    ]
    return (
        judged(
            "field that kills all by peleg_fermi",
            "V/cm",
            needed,
            within=(None, FIELD),
            reference=FIELD,
            unknown=case.unknown_text,
        ),
        not_judged(
            "field that kills all by lethal_field",
            "V/cm",
            "found with lesions in tissue (506 V/cm), where cells do not meet the field as those in suspension do",
            reference=FIELD,
        ),
    )
