# SPDX-License-Identifier: LGPL-3.0-or-later
"""The same bead in much stirred fluid and behind a layer at rest (DR05).

Run as ``python -m validation.experiments.DR05_release_environment.study``; writes the figures to standard output.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged
from imagio_sim.physics.bead import release_rate
from validation.experiments.elution import of_library

HOUR = 3600.0
DIFFUSIVITY_IN_WATER = 4e-10
"""Of doxorubicin at 37 degC [m2/s], from memory; 3 to 5e-10 are used."""
BED_HEIGHT = 0.01
"""Of the settled beads below the layer [m], assumed: about 1 ml on 1 cm2."""
HALF_LIFE_AT_LEAST = 1500.0 * HOUR
BEADS = ("dc_bead_100_300", "doxorubicin", 37.5)


def behind_layer(thickness: float, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the load left in a bed of beads below fluid at rest of a thickness [m], with clean fluid above."""
    beads = of_library(*BEADS)
    transfer = DIFFUSIVITY_IN_WATER / (thickness * BED_HEIGHT)

    def rates(_: float, load: NDArray[np.float64]) -> NDArray[np.float64]:
        rate: NDArray[np.float64] = -release_rate(
            load,
            0.0,
            capacity=beads.capacity,
            half_saturation=beads.half_saturation,
            exchange_rate=beads.rate,
            transfer_rate=transfer,
        )
        return rate

    solved = solve_ivp(rates, (0.0, times[-1]), [beads.load], method="LSODA", t_eval=times, rtol=1e-8)
    return np.asarray(solved.y[0] / beads.load)


def half_life(thickness: float) -> float:
    """Time [s] after which half of the load is left."""
    times = np.asarray(np.geomspace(60.0, 1e6 * HOUR, 4000), np.float64)
    left = behind_layer(thickness, times)
    return float(np.interp(0.5, left[::-1], times[::-1]))


def first_order_r2(times: NDArray[np.float64], left: NDArray[np.float64]) -> float:
    """Coefficient of determination of the best exponential, in the logarithm of what is left."""
    logs = np.log(left)
    line = np.polyval(np.polyfit(times, logs, 1), times)
    return float(1.0 - np.sum((logs - line) ** 2) / np.sum((logs - logs.mean()) ** 2))


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Stirred and at rest, there over the thickness of the layer."""
    beads = of_library(*BEADS)
    times = np.linspace(0.25, 4.0, 16) * HOUR
    layers = [one["layer at rest"] * 1e-3 for one in case.samples(12, seed=5)]
    return (
        judged("95 % released, stirred", "h", -np.log(0.05) / beads.rate / HOUR, within=(None, 4.0), reference=4.0),
        judged(
            "R2 of first order, stirred",
            "",
            first_order_r2(times, np.exp(-beads.rate * times)),
            within=(0.998, None),
            reference=0.998,
        ),
        judged(
            "half-life at rest",
            "h",
            [half_life(layer) / HOUR for layer in layers],
            within=(1500.0, None),
            reference=1500.0,
            unknown=case.unknown_text,
        ),
    )


def main() -> None:
    """Print both environments."""
    beads = of_library(*BEADS)
    complete = -np.log(0.05) / beads.rate / HOUR
    print(
        f"much stirred fluid: 95 % in {complete:.1f} h (measured: complete in less than 4 h), left after 4 h: ", end=""
    )
    print(f"{np.exp(-beads.rate * 4 * HOUR):.0%}")
    times = np.linspace(0.25, 4.0, 16) * HOUR
    print(f"fit of first order: R2 {first_order_r2(times, np.exp(-beads.rate * times)):.4f} (measured above 0.998)")
    for thickness in (1e-4, 1e-3, 5e-3, 1e-2, 2e-2):
        print(f"layer at rest of {thickness * 1e3:g} mm: half-life {half_life(thickness) / HOUR:.0f} h")
    thicknesses = np.geomspace(1e-4, 1e-1, 25)
    enough = next(one for one in thicknesses if half_life(one) >= HALF_LIFE_AT_LEAST)
    print(f"half-life above 1500 h from {enough * 1e3:.1f} mm on")


if __name__ == "__main__":
    main()
