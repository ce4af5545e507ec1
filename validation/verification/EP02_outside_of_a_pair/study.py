# SPDX-License-Identifier: LGPL-3.0-or-later
"""Current and zone of two needles in regions of different size, with an insulated and with a dipole outside.

Run as ``python3 -m validation.verification.EP02_outside_of_a_pair.study``; writes the table to standard output.
"""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.meshing.recipe import SIZES
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.tissue.death.electroporation import electroporation_death_models, level_of_all
from validation.experiments.IR01_pig_liver.study import Pulsed

SPACING_MM, VOLTAGE, PULSES = 15.0, 2250.0, 90.0
RADII_MM = (30.0, 40.0, 60.0, 100.0)


def solved(radius: float, *, dipole: bool) -> tuple[float, float]:
    """Current [A] and volume [ml] of the deciding model's zone in a region of a radius [mm]."""
    pulsed = Pulsed.apart(SPACING_MM, region_mm=radius, sizes=SIZES["coarse"])
    field = pulsed.field(VOLTAGE, pulsed.dipole() if dipole else None)
    level = level_of_all(electroporation_death_models()[0], [(pulsed.strength(field), PULSES)], pulsed.space.count)
    whole = pulsed.space.gathered(level)
    assert whole is not None
    return field.current, ablation_zone(pulsed.domain, whole, np.array([0.0, 0.0, 1.0])).volume_ml


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Current and zone in a ball of 40 mm with the dipole outside, against those in one of 100 mm."""
    near, far = solved(40.0, dipole=True), solved(100.0, dipole=True)
    names = ("current, 40 by 100 mm", "zone, 40 by 100 mm")
    return tuple(
        judged(name, "", a / b, within=(0.99, 1.01), reference=1.0) for name, a, b in zip(names, near, far, strict=True)
    )


def main() -> None:
    """Print the table."""
    print("| radius (mm) | outside | current (A) | lethal_field (ml) | peleg_fermi (ml) |\n|---|---|---|---|---|")
    for radius in RADII_MM:
        pulsed = Pulsed.apart(SPACING_MM, region_mm=radius, sizes=SIZES["coarse"])
        for name, boundary in (("insulated", None), ("dipole", pulsed.dipole())):
            field = pulsed.field(VOLTAGE, boundary)
            volumes = []
            for model in electroporation_death_models():
                level = level_of_all(model, [(pulsed.strength(field), PULSES)], pulsed.space.count)
                whole = pulsed.space.gathered(level)
                assert whole is not None
                volumes.append(ablation_zone(pulsed.domain, whole, np.array([0.0, 0.0, 1.0])).volume_ml)
            print(f"| {radius:g} | {name} | {field.current:.3f} | {volumes[0]:.2f} | {volumes[1]:.2f} |")


if __name__ == "__main__":
    main()
