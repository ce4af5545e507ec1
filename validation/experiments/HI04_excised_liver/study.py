# SPDX-License-Identifier: LGPL-3.0-or-later
"""Lesions of focused ultrasound in excised porcine liver, 70 W for 20 and 40 s (HI04)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue import load_tissue
from validation.experiments.focused import Bowl, Focused, Sample, Sonicated

POWER = 70.0
MEASURED_CM2 = {20.0: 0.368, 40.0: 0.715}
"""Area of the section [cm2] by time [s]."""
SPREAD = 0.25


def bowl_of(intensity: float, f_number: float, focal_length: float) -> Bowl:
    """The bowl [m] that gives an intensity [W/m2] at its focus with the power; the frequency follows."""
    at_one_hertz = Bowl(1.0, focal_length, f_number).power_for(intensity)
    return Bowl(float(np.sqrt(at_one_hertz / POWER)), focal_length, f_number)


def sonicated(one: Mapping[str, float]) -> tuple[Sonicated, ...]:
    """For 20 and for 40 s, for one set of what is unknown."""
    bowl = bowl_of(1e4 * one["focal intensity"], one["focal length by aperture"], 1e-3 * one["focal length"])
    attenuation = one["attenuation by the library's"] * load_tissue("liver").value("acoustic_attenuation_500_khz")
    sample = Sample(
        "liver",
        1e-3 * one["depth in liver"],
        one["temperature at the start"],
        {"acoustic_attenuation_500_khz": f"{attenuation} 1/m"},
        excised=True,
    )
    focused = Focused(bowl, sample)
    return tuple(focused.sonicated(POWER, seconds) for seconds in MEASURED_CM2)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both areas and their ratio, over what is unknown."""
    found = [sonicated(one) for one in case.samples(12, seed=404)]
    unknown, verdicts, areas = case.unknown_text, [], []
    for (seconds, area), row in zip(MEASURED_CM2.items(), zip(*found, strict=True), strict=True):
        areas.append(np.array([1e-2 * one.section_mm2(one.dead()) for one in row]))
        verdicts.append(
            judged(
                f"area of the lesion after {seconds:g} s",
                "cm2",
                areas[-1],
                within=((1.0 - SPREAD) * area, (1.0 + SPREAD) * area),
                reference=area,
                models=tuple(1e-2 * row[0].section_mm2(zone) for zone in row[0].dead_by_all()),
                unknown=unknown,
            )
        )
    ratio = MEASURED_CM2[40.0] / MEASURED_CM2[20.0]
    limits = ((1.0 - SPREAD) * ratio, (1.0 + SPREAD) * ratio)
    ratios = areas[1] / np.maximum(areas[0], 1e-3)
    return (*verdicts, judged("area, 40 s by 20 s", "", ratios, within=limits, reference=ratio, unknown=unknown))
