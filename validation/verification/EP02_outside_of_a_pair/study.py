# SPDX-License-Identifier: LGPL-3.0-or-later
"""Current and zone of two needles in regions of different size, with an insulated and with a dipole outside.

Run as ``python3 -m validation.verification.EP02_outside_of_a_pair.study``; writes the table to standard output.
"""

from __future__ import annotations

import numpy as np

from imagio_sim.meshing.recipe import SIZES
from imagio_sim.outcome.zone import ablation_zone
from imagio_sim.tissue.death.electroporation import electroporation_death_models, level_of_all
from validation.experiments.IR01_pig_liver.study import Pulsed

SPACING_MM, VOLTAGE, PULSES = 15.0, 2250.0, 90.0
RADII_MM = (30.0, 40.0, 60.0, 100.0)


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
