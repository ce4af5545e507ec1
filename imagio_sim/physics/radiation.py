# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dose of a decaying source and what it does, in closed form over arrays: MIRD, linear-quadratic effect, EUD and TCP.

Doses in Gy, activities in Bq, energies in J, times in s, rates in 1/s, masses in kg. A source that decays with the rate
lambda gives its dose as D (1 - exp(-lambda t)); damage that can be repaired is repaired with the rate mu (half-time
ln 2 / mu). Effects are negative logarithms of survival.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

# Closer to each other than this share, two rates are taken apart: the closed form has a removable pole there.
_APART = 1e-5
# Shorter than this, in units of both rates, the closed form cancels and its first terms serve.
_SHORT = 1e-4


def rate_of(half_time: float) -> float:
    """Rate [1/s] of what halves in a time [s]."""
    return math.log(2.0) / half_time


def decayed_share(time: ArrayLike, decay_rate: float) -> Floats:
    """Share of the atoms that have decayed after a time, 0 to 1."""
    return np.asarray(-np.expm1(-decay_rate * np.asarray(time, float)))


def mird_dose(activity: ArrayLike, mass: ArrayLike, *, energy_per_decay: float, decay_rate: float) -> Floats:
    """Mean dose of an activity that decays where it is and deposits its energy there: A E / (lambda m)."""
    return np.asarray(np.asarray(activity, float) * energy_per_decay / (decay_rate * np.asarray(mass, float)))


def mird_activity(dose: float, mass: float, *, energy_per_decay: float, decay_rate: float, lung_shunt: float) -> float:
    """Activity to give for a mean dose, of which the share ``lung_shunt`` goes to the lungs; :func:`mird_dose` back."""
    return dose * mass * decay_rate / (energy_per_decay * (1.0 - lung_shunt))


def partition_doses(
    activity: float,
    *,
    tumour_mass: float,
    liver_mass: float,
    lung_mass: float,
    tumour_to_normal: float,
    lung_shunt: float,
    energy_per_decay: float,
    decay_rate: float,
) -> tuple[float, float, float]:
    """Mean doses of tumour, normal liver (of the territory) and lungs by the partition model.

    Parameters
    ----------
    tumour_to_normal
        Activity per mass of tumour by that of normal liver.

    Notes
    -----
    Ho et al. 1996 (Eur J Nucl Med 23:947), from memory: the activity that stays is shared by mass, the tumour's counted
    ``tumour_to_normal`` times.
    """
    energy = activity * energy_per_decay / decay_rate
    normal = energy * (1.0 - lung_shunt) / (tumour_to_normal * tumour_mass + liver_mass)
    return tumour_to_normal * normal, normal, energy * lung_shunt / lung_mass


def partition_activity(
    dose: float,
    *,
    of_tumour: bool,
    tumour_mass: float,
    liver_mass: float,
    tumour_to_normal: float,
    lung_shunt: float,
    energy_per_decay: float,
    decay_rate: float,
) -> float:
    """Activity that gives the tumour (or the normal liver) a mean dose by the partition model."""
    normal = dose / tumour_to_normal if of_tumour else dose
    energy = normal * (tumour_to_normal * tumour_mass + liver_mass) / (1.0 - lung_shunt)
    return energy * decay_rate / energy_per_decay


def repair_factor(time: float, *, decay_rate: float, repair_rate: float) -> float:
    """Lea-Catcheside factor G of the dose given until a time: 1 for a dose given at once, less when repair keeps up.

    Notes
    -----
    G = (2 / D^2) int_0^T R(t) int_0^t R(s) exp(-mu (t - s)) ds dt with R ~ exp(-lambda t); for T -> infinity it is
    lambda / (lambda + mu) (Dale 1985, Br J Radiol 58:515, from memory; the integral is checked in the tests).
    """
    if time * (decay_rate + repair_rate) < _SHORT:
        return 1.0 - repair_rate * max(time, 0.0) / 3.0
    given = _integral(decay_rate, time) * decay_rate
    return 2.0 * _earlier_with_later(decay_rate, decay_rate, time, repair_rate) / given**2


def joint_repair_factor(
    doses: Sequence[ArrayLike], *, decay_rates: Sequence[float], ages: Sequence[float], repair_rate: float
) -> Floats:
    """Lea-Catcheside factor G (n,) of the dose that several sources have given together; 1 where there is none.

    Parameters
    ----------
    doses
        Of each source when all of it has decayed (n,) [Gy].
    decay_rates, ages
        Of each source: rate [1/s], and time [s] since it was given.

    Notes
    -----
    The integral of :func:`repair_factor` with the sum of the sources' dose rates: damage by one meets damage by another
    that is not yet repaired. Sources given at once are one source; far apart in time each has its own G.
    """
    sources = [(np.asarray(dose, float), rate, age) for dose, rate, age in zip(doses, decay_rates, ages, strict=True)]
    so_far = [dose * decayed_share(age, rate) for dose, rate, age in sources]
    given = np.asarray(np.sum(so_far, axis=0))
    square = np.zeros_like(given)
    for part, (_, rate, age) in zip(so_far, sources, strict=True):
        square += part**2 * repair_factor(age, decay_rate=rate, repair_rate=repair_rate)
    for older, younger in combinations(sorted(sources, key=lambda source: -source[2]), 2):
        square += 2.0 * older[0] * younger[0] * _crossed(older[1:], younger[1:], repair_rate)
    return np.asarray(np.divide(square, given**2, out=np.ones_like(given), where=given**2 > 0.0))


def _crossed(older: tuple[float, float], younger: tuple[float, float], repair_rate: float) -> float:
    """Of two sources (rate, age) of unit dose: int int R1(t) R2(s) exp(-mu |t - s|) ds dt over all times so far."""
    (rate, age), (later_rate, time) = older, younger
    gap, apart = age - time, abs(rate - repair_rate)
    unrepaired = rate * math.exp(-min(rate, repair_rate) * gap) * (_integral(apart, gap) if apart > 0.0 else gap)
    before = unrepaired * later_rate * _integral(later_rate + repair_rate, time)
    return before + math.exp(-rate * gap) * _at_once(rate, later_rate, time, repair_rate)


def _at_once(rate: float, other_rate: float, time: float, repair_rate: float) -> float:
    """The same of two sources that were given together, a time [s] ago."""
    if time * (max(rate, other_rate) + repair_rate) < _SHORT:
        given = rate * _integral(rate, time) * other_rate * _integral(other_rate, time)
        return given * (1.0 - repair_rate * time / 3.0)
    return _earlier_with_later(rate, other_rate, time, repair_rate) + _earlier_with_later(
        other_rate, rate, time, repair_rate
    )


def _earlier_with_later(earlier: float, later: float, time: float, repair_rate: float) -> float:
    """Damage by one source of what another one did before: of unit doses with these decay rates, given together."""
    rate = repair_rate
    if abs(rate - earlier) < _APART * earlier:
        rate = earlier * (1.0 + _APART)
    return earlier * later * (_integral(later + earlier, time) - _integral(later + rate, time)) / (rate - earlier)


def _integral(rate: float, time: float) -> float:
    """int_0^T exp(-rate t) dt."""
    return -math.expm1(-rate * time) / rate


def biologically_effective_dose(dose: ArrayLike, *, alpha_beta: float, repair: ArrayLike) -> Floats:
    """BED = D (1 + G D / (alpha/beta)) with the factor G of :func:`repair_factor`."""
    given = np.asarray(dose, float)
    return np.asarray(given * (1.0 + np.asarray(repair, float) * given / alpha_beta))


def dose_of_effective(effective: float, *, alpha_beta: float, repair: float) -> float:
    """Dose whose BED with the factor G is this one: the inverse of :func:`biologically_effective_dose`."""
    # Written so that nothing cancels where G is small.
    return 2.0 * effective / (1.0 + math.sqrt(1.0 + 4.0 * repair * effective / alpha_beta))


def linear_quadratic_effect(dose: ArrayLike, *, alpha: ArrayLike, alpha_beta: ArrayLike, repair: ArrayLike) -> Floats:
    """Negative logarithm of the surviving share: alpha D + G beta D^2, ``alpha`` in 1/Gy."""
    given = np.asarray(dose, float)
    return np.asarray(alpha * given * (1.0 + repair * given / np.asarray(alpha_beta, float)))


def equivalent_uniform_dose(dose: ArrayLike, weights: ArrayLike, *, alpha: float) -> float:
    """Uniform dose that leaves as many alive: -ln(sum v exp(-alpha D)) / alpha (Niemierko 1997, Med Phys 24:103).

    ``dose`` (n,) is the absorbed or the biologically effective dose of parts with weights (n,); ``alpha`` in 1/Gy.
    """
    exponents = -alpha * np.asarray(dose, float)
    largest = float(exponents.max())
    mean = float(np.average(np.exp(exponents - largest), weights=np.asarray(weights, float)))
    return -(largest + math.log(mean)) / alpha


def logistic_control(dose: ArrayLike, *, half_dose: float, slope: ArrayLike) -> Floats:
    """Probability of control 1 / (1 + (D50 / D)^(4 gamma)), where gamma is the rise per relative dose at D50."""
    given = np.maximum(np.asarray(dose, float), np.finfo(float).tiny)
    return np.asarray(expit(4.0 * np.asarray(slope, float) * (np.log(given) - math.log(half_dose))))
