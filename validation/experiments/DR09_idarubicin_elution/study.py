# SPDX-License-Identifier: LGPL-3.0-or-later
"""Idarubicin out of the beads that doxorubicin has calibrated, with its own equilibrium constant alone (DR09).

Run as ``python -m validation.experiments.DR09_idarubicin_elution.study``; writes the table to standard output.
"""

from __future__ import annotations

import numpy as np

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.elution import (
    DOXORUBICIN,
    IDARUBICIN,
    MINUTE,
    apparatus_transfer,
    behind_the_same_film,
    calibrated,
    fickian,
    film,
    predicted,
)

FACTOR = 2.0
"""By how much the time to 75 % may be off."""


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Times to 75 % of the release, with the rate that follows from the equilibrium."""
    verdicts = []
    for doxorubicin, elution in zip(DOXORUBICIN, IDARUBICIN, strict=True):
        follows = predicted(elution, calibrated(doxorubicin), rate_follows=True)
        measured, limits = elution.t75_min, (elution.t75_min / FACTOR, elution.t75_min * FACTOR)
        found = follows.time_of(0.75) / MINUTE
        verdicts.append(judged(f"75 %, {elution.particles}", "min", found, within=limits, reference=measured))
    return tuple(verdicts)


def main() -> None:
    """Print the times to 75 % of the release, by where the resistance is."""
    print(
        "| beads | 75 %, measured, min | predicted | behind 2, 4 times, without the apparatus "
        "| all resistance the apparatus' | same rate as doxorubicin | diffusion alone |\n|---|---|---|---|---|---|---|"
    )
    for doxorubicin, elution in zip(DOXORUBICIN, IDARUBICIN, strict=True):
        known, least = calibrated(doxorubicin), apparatus_transfer()
        others = [calibrated(doxorubicin, transfer=transfer) for transfer in (2.0 * least, 4.0 * least, np.inf)]
        times = [predicted(elution, one, rate_follows=True).time_of(0.75) for one in (known, *others)]
        times += [behind_the_same_film(elution, film(doxorubicin))]
        times += [predicted(elution, known, rate_follows=False).time_of(0.75)]
        spheres = fickian(doxorubicin), fickian(elution)
        alone = spheres[1].diffusivity * spheres[1].partition / (spheres[0].diffusivity * spheres[0].partition)
        first, second, fourth, none, layer, same, sphere = (
            f"{time / MINUTE:.1f} ({time / MINUTE / elution.t75_min:.2f} x)"
            for time in (*times, alone * elution.t75_min * MINUTE)
        )
        row = (first, f"{second}, {fourth}, {none}", layer, same, sphere)
        print(f"| {elution.particles} | {elution.t75_min:g} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
