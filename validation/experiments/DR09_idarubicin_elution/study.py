# SPDX-License-Identifier: LGPL-3.0-or-later
"""Idarubicin out of the beads that doxorubicin has calibrated, with its own equilibrium constant alone (DR09).

Run as ``python -m validation.experiments.DR09_idarubicin_elution.study``; writes the table to standard output.
"""

from __future__ import annotations

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from validation.experiments.elution import DOXORUBICIN, IDARUBICIN, MINUTE, calibrated, fickian, predicted

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
    """Print the times to 75 % of the release, with the rate of doxorubicin and with that which follows from it."""
    print("| beads | plateau | 75 %, measured, min | rate follows equilibrium | same rate | diffusion alone | within |")
    print("|---|---|---|---|---|---|---|")
    met = 0
    for doxorubicin, elution in zip(DOXORUBICIN, IDARUBICIN, strict=True):
        known = calibrated(doxorubicin)
        follows, same = (predicted(elution, known, rate_follows=choice) for choice in (True, False))
        times = [one.time_of(0.75) / MINUTE for one in (follows, same)]
        ratio = times[0] / elution.t75_min
        within = 1.0 / FACTOR <= ratio <= FACTOR
        met += within
        spheres = fickian(doxorubicin), fickian(elution)
        alone = spheres[1].diffusivity * spheres[1].partition / (spheres[0].diffusivity * spheres[0].partition)
        print(
            f"| {elution.particles} | {follows.plateau():.0%} ({elution.plateau:.0%}, fitted) | {elution.t75_min:g} "
            f"| {times[0]:.1f} ({ratio:.2f} x) | {times[1]:.0f} ({times[1] / elution.t75_min:.1f} x) "
            f"| {alone * elution.t75_min:.0f} ({alone:.2f} x) "
            f"| {'yes' if within else 'no'} |"
        )
    print(f"{met} of {len(IDARUBICIN)} within a factor of {FACTOR:g}")


if __name__ == "__main__":
    main()
