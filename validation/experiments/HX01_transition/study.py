# SPDX-License-Identifier: LGPL-3.0-or-later
"""Width of the rim between living and dead liver of swine after four techniques (HX01)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

from imagio_sim.campaign.validation import ValidationCase, Verdict, judged, not_judged
from imagio_sim.tissue.death import heat_death_models
from imagio_sim.tissue.death.electroporation import electroporation_death_models
from imagio_sim.tissue.death.isotherm import Isotherm
from validation.experiments.bench import Bench, Burned, burned
from validation.experiments.IR01_pig_liver.study import Pulsed

MEASURED = {"MW": (319.0, 157.0), "RF": (811.0, 477.0), "IRE": (1319.0, 682.0), "cryo": (452.0, 222.0)}
"""Mean and standard deviation [um]."""
LIMITS = (0.1, 0.9)
"""Dead share at either side of the rim."""
STEP_UM = 10.0


def width_um(places_mm: NDArray[np.float64], dead: NDArray[np.float64], ray_mm: NDArray[np.float64]) -> float:
    """Between the outermost points of a ray (n, d) at which 90 and 10 % are dead.

    Shares are interpolated by the logarithm of their odds, because they change over much less than a cell of the mesh.
    """
    share = np.clip(dead, 1e-12, 1.0 - 1e-12)
    odds = LinearNDInterpolator(places_mm, np.log(share / (1.0 - share)))(ray_mm)
    outer = [np.flatnonzero(odds >= np.log(limit / (1.0 - limit)))[-1] for limit in LIMITS]
    return float((outer[0] - outer[1]) * STEP_UM)


def ray(start: NDArray[np.float64], direction: NDArray[np.float64], length_mm: float) -> NDArray[np.float64]:
    """Points (n, d) [mm] in steps of 10 um."""
    return np.asarray(start + np.arange(0.0, length_mm, STEP_UM * 1e-3)[:, None] * direction, np.float64)


def of_heat(found: Burned, height_mm: float) -> dict[str, float]:
    """Of a burn, beside the middle of the applicator, by every model that is not an isotherm, that which decides first.

    An isotherm has no rim but the mesh's, and a model that leaves no zone has none.
    """
    tracker, points = found.stage.death, found.stage.space.points * 1e3
    path = ray(np.array([3.0, height_mm]), np.array([1.0, 0.0]), 25.0)
    widths = {}
    for model in heat_death_models():
        dead = 1.0 - model.survival(tracker.states[model.name])
        if not isinstance(model, Isotherm) and dead.max() > LIMITS[1]:
            widths[model.name] = width_um(points, np.asarray(dead), path)
    return {found.deciding: widths[found.deciding], **widths}


def of_pulses() -> float:
    """Of 70 pulses of 2250 V over 15 mm by the Peleg-Fermi law, from between the needles outwards."""
    (law,) = (one for one in electroporation_death_models() if one.name == "peleg_fermi")
    pulsed = Pulsed.apart(15.0)
    strength = pulsed.strength(pulsed.field(2250.0, pulsed.dipole()))
    points, dead = pulsed.space.points * 1e3, 1.0 - law.survival(strength, 70.0)
    near = np.linalg.norm(points[:, [0, 2]], axis=1) < 6.0
    return width_um(points[near], dead[near], ray(np.zeros(3), np.array([0.0, 1.0, 0.0]), 25.0))


def _rim(name: str, widths: tuple[float, ...]) -> Verdict:
    """Of one technique, from the widths [um] by all models, the deciding one first."""
    measured, spread = MEASURED[name]
    limits = (measured / 2, measured * 2)
    models = widths if len(widths) > 1 else ()
    return judged(f"rim, {name}", "um", widths[0], within=limits, reference=measured, spread=spread, models=models)


def judge(case: ValidationCase) -> tuple[Verdict, ...]:
    """Widths within a factor of two, and their order."""
    burn = {"mode": "impedance_control", "duration": "12 min"}
    waves = {"mode": "constant_power", "power": "60 W", "duration": "5 min"}
    widths = {
        "MW": of_heat(burned(Bench("mw_choked_ceramic", waves, species="pig", body_temperature=38.0)), 11.0),
        "RF": of_heat(burned(Bench("cooled_17g_3cm", burn, species="pig", body_temperature=38.0)), 15.0),
        "IRE": {"peleg_fermi": of_pulses()},
    }
    judgements = [_rim(name, tuple(by_model.values())) for name, by_model in widths.items()]
    microwave, radiofrequency, pulses = (next(iter(by_model.values())) for by_model in widths.values())
    order = float(microwave < radiofrequency < pulses)
    cold = not_judged("rim, cryo", "um", "the criteria of death by cold are isotherms without a width", reference=452.0)
    return (*judgements, judged("order MW, RF, IRE", "", order, within=(1.0, 1.0), reference=1.0), cold)
