# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tumour control by mean dose against complete pathologic necrosis in explants.

Run as ``python3 -m validation.experiments.RE01_explants.study``; writes the tables to standard output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.pharmacy.microspheres import load_microspheres
from imagio_sim.physics.radiation import logistic_control, rate_of
from imagio_sim.tissue.death.radiation import RadiationExposure, radiation_death_models

Floats = NDArray[np.float64]

MEDIAN_GY, QUARTILES_GY = 240.0, (136.0, 387.0)
THRESHOLD_GY = 190.0
# Tumours with complete necrosis, of so many.
ABOVE, BELOW = (24, 28), (6, 17)
COMPLETE_ABOVE, COMPLETE_BELOW = ABOVE[0] / ABOVE[1], BELOW[0] / BELOW[1]
_QUARTILE = 0.6744897501960817


class Groups(NamedTuple):
    """Share of complete necrosis above and below the threshold, and in all."""

    above: float
    below: float
    all: float


def explant_doses(count: int = 20001) -> Floats:
    """Doses [Gy] of the explants as a lognormal distribution with the published median and quartiles, evenly spaced."""
    from scipy.special import ndtri

    deviation = np.log(QUARTILES_GY[1] / QUARTILES_GY[0]) / (2.0 * _QUARTILE)
    return np.asarray(MEDIAN_GY * np.exp(deviation * ndtri((np.arange(count) + 0.5) / count)))


def expected(half_dose: float, slope: float, tumour_factor: float) -> Groups:
    """What the logistic law says of tumours that get ``tumour_factor`` times the mean dose of the treated liver."""
    doses = explant_doses()
    control = logistic_control(tumour_factor * doses, half_dose=half_dose, slope=slope)
    above = doses > THRESHOLD_GY
    return Groups(float(control[above].mean()), float(control[~above].mean()), float(control.mean()))


def necrotic(tumour_factor: float) -> dict[str, float]:
    """Lowest mean dose of the treated liver [Gy] from which each model of death kills the tumour."""
    doses = np.linspace(1.0, 600.0, 6000)
    exposure = [RadiationExposure(tumour_factor * doses, rate_of(64.1 * 3600.0), 1e9)]
    return {
        model.name: float(doses[np.argmax(model.level(exposure, np.ones(len(doses))) >= 0.0)])
        for model in radiation_death_models()
    }


def tumour_factor(ratio: float, share: float) -> float:
    """Mean dose of a tumour by that of the treated volume, of which it is a share and takes ``ratio`` times as much."""
    return ratio / (1.0 + (ratio - 1.0) * share)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Shares above and below 190 Gy, over what a tumour gets by the mean dose of the treated liver."""
    values = load_microspheres("therasphere").values
    half, slope = values["half_control_dose"].value, values["control_slope"].value
    ratio, share = (one.name for one in case.unknown)
    found = [expected(half, slope, tumour_factor(one[ratio], one[share])) for one in case.samples(96, seed=45)]
    return (
        judged(
            "complete necrosis above 190 Gy",
            "",
            [one.above for one in found],
            within=(0.75, None),
            reference=COMPLETE_ABOVE,
            spread=binomial_error(*ABOVE),
            unknown=case.unknown_text,
            why=_two_sided([one.above for one in found], *ABOVE),
        ),
        judged(
            "complete necrosis below 190 Gy",
            "",
            [one.below for one in found],
            within=(0.20, 0.50),
            reference=COMPLETE_BELOW,
            spread=binomial_error(*BELOW),
            unknown=case.unknown_text,
        ),
    )


def binomial_error(complete: int, tumours: int) -> float:
    """Standard deviation of a share that was counted."""
    share = complete / tumours
    return float(np.sqrt(share * (1.0 - share) / tumours))


def binomial_interval(complete: int, tumours: int) -> tuple[float, float]:
    """Shares of which the count is not among the rarest 2.5 % on either side (Clopper and Pearson)."""
    from scipy.stats import binomtest

    interval = binomtest(complete, tumours).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)


def _two_sided(shares: Sequence[float], complete: int, tumours: int) -> str:
    """What a tolerance with one side leaves out."""
    low, high = binomial_interval(complete, tumours)
    kept = np.mean([low <= share <= high for share in shares])
    return (
        f"the tolerance has no upper side; {complete} of {tumours} allow {low:.0%} to {high:.0%} (95 %), which "
        f"{kept:.0%} of the samples keep"
    )


def main() -> None:
    """Print the tables."""
    spheres = load_microspheres("therasphere")
    half, slope = spheres.values["half_control_dose"], spheres.values["control_slope"]
    print("| D50 (Gy) | slope | tumour by treated liver | above 190 Gy | below | all |\n|---|---|---|---|---|---|")
    print(f"| measured | | | {COMPLETE_ABOVE:.0%} | {COMPLETE_BELOW:.0%} | {30 / 45:.0%} |")
    ends = [" to ".join(f"{end:.0%}" for end in binomial_interval(*counted)) for counted in (ABOVE, BELOW, (30, 45))]
    print(f"| 95 % of such counts | | | {' | '.join(ends)} |")
    for factor in (1.0, 1.5, 2.0):
        for dose, steep in ((half.value, slope.value), (half.low, slope.value), (half.high, slope.value)):
            assert dose is not None
            found = expected(dose, steep, factor)
            print(f"| {dose:g} | {steep:g} | {factor:g} | {found.above:.0%} | {found.below:.0%} | {found.all:.0%} |")
    print(
        "\n| model | kills the tumour from a mean dose of the treated liver on (Gy): 1 times | 2 times |\n|---|---|---|"
    )
    once, twice = necrotic(1.0), necrotic(2.0)
    for name, dose in once.items():
        print(f"| {name} | {dose:.0f} | {twice[name]:.0f} |")


if __name__ == "__main__":
    main()
