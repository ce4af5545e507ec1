# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ion-exchange constants of four products with doxorubicin, from what they give to a bath (DR04, calibrates).

Run as ``python -m validation.experiments.DR04_doxorubicin_elution.study``; writes the tables to standard output.
"""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.elution import (
    DOXORUBICIN,
    IDARUBICIN,
    MINUTE,
    apparatus_transfer,
    calibrated,
    fickian,
    film,
    of_library,
)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """That the pharmacy's rounded constants give back what they were made from; it calibrates."""
    verdicts = []
    for elution in DOXORUBICIN:
        held = of_library(elution.particles, elution.drug, elution.dose)
        for name, unit, found, measured in (
            ("plateau", "", held.plateau(), elution.plateau),
            ("time to 75 %", "min", held.time_of(0.75) / MINUTE, elution.t75_min),
        ):
            limits = (0.99 * measured, 1.01 * measured)
            verdicts.append(judged(f"{name}, {elution.particles}", unit, found, within=limits, reference=measured))
    return tuple(verdicts)


def main() -> None:
    """Print the constants that the bath gives, and what the pharmacy's rounded ones give back."""
    print("| beads | half saturation, mol/m3 | rate, 1/s | all resistance the bead's | plateau | 75 % of it, min |")
    print("|---|---|---|---|---|---|")
    for elution in DOXORUBICIN:
        held = of_library(elution.particles, elution.drug, elution.dose)
        plateau = f"{held.plateau():.1%} ({elution.plateau:.0%} ± {elution.plateau_sd:.0%})"
        time = f"{held.time_of(0.75) / MINUTE:.0f} ({elution.t75_min:.0f})"
        alone = calibrated(elution, transfer=np.inf).rate
        print(
            f"| {elution.particles} | {held.half_saturation:.4g} | {held.rate:.3g} | {alone:.3g} | {plateau} | {time} |"
        )
    print(f"\nThe apparatus lets pass at least {apparatus_transfer():.4g} 1/s. Were all resistance its own:")
    print("\n| beads | by doxorubicin, 1/s | by idarubicin, 1/s |\n|---|---|---|")
    for dox, ida in zip(DOXORUBICIN, IDARUBICIN, strict=True):
        print(f"| {dox.particles} | {film(dox).transfer:.4f} | {film(ida).transfer:.4f} |")
    print("\n| by diffusion alone | partition | diffusivity in the bead, m2/s |\n|---|---|---|")
    for elution in DOXORUBICIN:
        found = fickian(elution)
        print(f"| {elution.particles} | {found.partition:.0f} | {found.diffusivity:.3g} |")
    print("\n| bath by beads | " + " | ".join(one.particles for one in DOXORUBICIN) + " |")
    print("|---|" + "---|" * len(DOXORUBICIN))
    for ratio in (20.0, 100.0, 500.0):
        constants = [calibrated(elution, ratio) for elution in DOXORUBICIN]
        print(f"| {ratio:g} | " + " | ".join(f"{one.half_saturation:.3g}, {one.rate:.2g}" for one in constants) + " |")


if __name__ == "__main__":
    main()
