# SPDX-License-Identifier: LGPL-3.0-or-later
"""Lesions at 4000 W/cm2 and 1.44 MHz in a phantom of albumin and in dog liver (HI05)."""

from __future__ import annotations

from collections.abc import Mapping

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.tissue import load_tissue
from validation.experiments.focused import Bowl, Focused, Sample, Sonicated

INTENSITY = 4e7
"""At the focus, in water [W/m2]."""
FREQUENCY, BODY = 1.44e6, 37.0
PHANTOM, DOG = (0.05, 0.01, 4.0), (0.017, 0.006, 5.0)
"""Volume and its standard deviation [cm3], and time of the sonication [s]."""


def bowl_of(one: Mapping[str, float]) -> Bowl:
    """One that the source may have used."""
    return Bowl(FREQUENCY, 1e-3 * one["focal length"], one["focal length by aperture"])


def opaque_cm3(one: Mapping[str, float]) -> float:
    """Volume of phantom that has turned opaque."""
    values = {
        "acoustic_attenuation_500_khz": f"{0.5 * one['attenuation of the phantom']} 1/m",
        "acoustic_attenuation_exponent": "1",
    }
    bowl, sample = bowl_of(one), Sample("water", 1e-3 * one["depth"], BODY, values, excised=True)
    found = Focused(bowl, sample).sonicated(bowl.power_for(INTENSITY), PHANTOM[2])
    return found.zone(found.stage.peak_temperature - one["opacity of the phantom"]).tissue_volume_mm3 * 1e-3


def in_dog(one: Mapping[str, float]) -> Sonicated:
    """Living liver."""
    attenuation = one["attenuation of liver by the library's"] * load_tissue("liver").value(
        "acoustic_attenuation_500_khz"
    )
    bowl = bowl_of(one)
    sample = Sample("liver", 1e-3 * one["depth"], BODY, {"acoustic_attenuation_500_khz": f"{attenuation} 1/m"})
    return Focused(bowl, sample).sonicated(bowl.power_for(INTENSITY), DOG[2])


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Both volumes, over what is unknown."""
    samples = case.samples(12, seed=405)
    dogs = [in_dog(one) for one in samples]
    rows = {
        "volume in the phantom, 4 s": (PHANTOM, [opaque_cm3(one) for one in samples], ()),
        "volume in dog liver, 5 s": (
            DOG,
            [one.dead().tissue_volume_mm3 * 1e-3 for one in dogs],
            tuple(zone.tissue_volume_mm3 * 1e-3 for zone in dogs[0].dead_by_all()),
        ),
    }
    return tuple(
        judged(
            name,
            "cm3",
            found,
            within=(volume - 2.0 * spread, volume + 2.0 * spread),
            reference=volume,
            spread=spread,
            models=models,
            unknown=case.unknown_text,
        )
        for name, ((volume, spread, _), found, models) in rows.items()
    )
