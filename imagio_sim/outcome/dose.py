# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a dose on voxels means: dose-volume figures of structures, tumour control, and the activity to plan with.

All doses are those when everything has decayed. Volumes and masses are weighted by the share of each voxel that belongs
to a structure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagio_sim.outcome.result import (
    DoseStatistics,
    MakeControlResult,
    PlanningResult,
    StructureDoseResult,
    TumourControlResult,
)
from imagio_sim.physics.radiation import (
    biologically_effective_dose,
    dose_of_effective,
    equivalent_uniform_dose,
    joint_repair_factor,
    logistic_control,
    mird_activity,
    mird_dose,
    partition_activity,
    partition_doses,
    rate_of,
)
from imagio_sim.tissue.value import Value

Floats = NDArray[np.float64]

VOLUME_THRESHOLDS_GY = (10, 20, 30, 40, 50, 60, 70, 80, 100, 120, 150, 190, 205, 250, 300, 400, 500, 600, 800, 1000)
"""Doses for which the share of a structure at or above them is given."""
PLANNED_DOSE_GY = 100.0
"""Dose for which activities are given; they are in proportion to it."""

_FOREVER_S = 1e12


@dataclass(frozen=True, eq=False)
class SourceDose:
    """Dose [Gy] by one source when all of it has decayed, its decay rate [1/s] and when it was given [s]."""

    dose: Floats
    decay_rate: float
    begin: float = 0.0


@dataclass(frozen=True)
class Radiosensitivity:
    """How cells react to a decaying source: alpha [1/Gy] with its range, alpha/beta [Gy], half-time of repair [s]."""

    alpha: Value
    alpha_beta: Value
    repair_half_time: Value

    def effective(self, parts: Sequence[SourceDose]) -> Floats:
        """BED (n,) [Gy] of sources with doses (n,) together, with repair from the first to the last."""
        repair = joint_repair_factor(
            [part.dose for part in parts],
            decay_rates=[part.decay_rate for part in parts],
            ages=[_FOREVER_S - part.begin for part in parts],
            repair_rate=rate_of(self.repair_half_time.value),
        )
        return biologically_effective_dose(summed(parts), alpha_beta=self.alpha_beta.value, repair=repair)

    def uniform(self, effective: float, parts: Sequence[SourceDose], weights: Floats) -> float:
        """Uniform absorbed dose [Gy] of a BED [Gy], given as the sources give the mean of parts with weights (n,)."""
        means = [replace(part, dose=np.asarray(np.average(part.dose, weights=weights))) for part in parts]
        mean, of_mean = float(summed(means)), float(self.effective(means))
        if mean <= 0.0:
            return 0.0
        repair = (of_mean / mean - 1.0) * self.alpha_beta.value / mean
        return dose_of_effective(effective, alpha_beta=self.alpha_beta.value, repair=repair)


def summed(parts: Sequence[SourceDose]) -> Floats:
    """Dose [Gy] of sources together."""
    return np.asarray(np.sum([part.dose for part in parts], axis=0))


@dataclass(frozen=True, eq=False)
class Structure:
    """A part of the patient on voxels: share (i, j, k) that belongs to it, and how it reacts."""

    share: Floats
    sensitivity: Radiosensitivity


@dataclass(frozen=True, eq=False)
class DoseField:
    """Doses (i, j, k) of sources by one method."""

    parts: tuple[SourceDose, ...]

    @property
    def total(self) -> Floats:
        """Their sum (i, j, k) [Gy]."""
        return summed(self.parts)


def structure_dose(
    structure: Structure, density: Floats, voxel_volume_ml: float, fields: Mapping[str, DoseField]
) -> StructureDoseResult:
    """Figures of a structure with voxels of some density (i, j, k) [kg/m3]: ``kernel`` and ``local``."""
    within = structure.share > 0.0
    weight = structure.share[within]
    volume = float(weight.sum()) * voxel_volume_ml
    figures = {
        method: dose_statistics(
            [replace(part, dose=part.dose[within]) for part in field.parts], weight, structure.sensitivity
        )
        for method, field in fields.items()
    }
    mass = float(weight @ density[within]) * voxel_volume_ml * 1e-3
    return {"volume_ml": volume, "mass_g": mass, "kernel": figures["kernel"], "local": figures["local"]}


def dose_statistics(sources: Sequence[SourceDose], weights: Floats, sensitivity: Radiosensitivity) -> DoseStatistics:
    """Figures of sources with doses (n,), on parts of a structure with weights (n,)."""
    total, effective = summed(sources), sensitivity.effective(sources)
    alpha = sensitivity.alpha
    uniform = {
        value: equivalent_uniform_dose(effective, weights, alpha=value)
        for value in {alpha.value, *(end for end in (alpha.low, alpha.high) if end is not None)}
    }
    absorbed = {value: sensitivity.uniform(bed, sources, weights) for value, bed in uniform.items()}
    return {
        "mean_Gy": float(np.average(total, weights=weights)),
        "D95_Gy": dose_of_share(total, weights, 0.95),
        "D70_Gy": dose_of_share(total, weights, 0.70),
        "D50_Gy": dose_of_share(total, weights, 0.50),
        "D5_Gy": dose_of_share(total, weights, 0.05),
        "V_share": {f"{threshold:g}": share_above(total, weights, threshold) for threshold in VOLUME_THRESHOLDS_GY},
        "mean_BED_Gy": float(np.average(effective, weights=weights)),
        "EUBED_Gy": uniform[alpha.value],
        "EUBED_range_Gy": [min(uniform.values()), max(uniform.values())],
        "EUD_Gy": absorbed[alpha.value],
        "EUD_range_Gy": [min(absorbed.values()), max(absorbed.values())],
    }


def dose_of_share(dose: Floats, weights: Floats, share: float) -> float:
    """Largest dose that this share of the volume has at least (D95 for 0.95), linear between parts."""
    order = np.argsort(-dose)
    reached = np.cumsum(weights[order]) - 0.5 * weights[order]
    return float(np.interp(share * weights.sum(), reached, dose[order]))


def share_above(dose: Floats, weights: Floats, threshold: float) -> float:
    """Share of the volume with at least a dose (V100 for 100 Gy)."""
    return float(weights[dose >= threshold].sum() / weights.sum())


@dataclass(frozen=True, eq=False)
class MakeDose:
    """Dose [Gy] of the parts (n,) of a tumour by microspheres of one make, and what is known of its effect.

    Attributes
    ----------
    half_dose, slope
        Mean dose at which half of the tumours are controlled, and the rise of the probability per relative dose there.
    """

    name: str
    dose: Floats
    half_dose: Value
    slope: Value


def tumour_control(makes: Sequence[MakeDose], weights: Floats) -> TumourControlResult:
    """Probability that a tumour is controlled, and its range over the spread of the parameters.

    Parameters
    ----------
    makes
        What each make of microspheres gives to the parts (n,) of the tumour.
    weights
        Volumes of the parts (n,) in any unit.

    Notes
    -----
    All parts have to be controlled, a part v of the tumour with P(D)^v: what has no dose is not, whatever the mean. A
    uniform dose has the probability P of the mean, which is given beside it.

    Doses of several makes count by the dose at which each of them alone controls half: as many of those as D / D50 of
    all makes together (doses of equal effect add up; no study of mixed makes was found). The slope is the mean of
    theirs by what each contributes. Half dose and slope of the result are those at the mean dose.
    """
    means = [float(np.average(make.dose, weights=weights)) for make in makes]
    nominal = [(make.half_dose.value, make.slope.value) for make in makes]
    ends = [
        _control(makes, weights, [(half, steep) for half, steep in zip(chosen[::2], chosen[1::2], strict=True)])
        for chosen in product(*(_range(value) for make in makes for value in (make.half_dose, make.slope)))
    ]
    relative, slope = _relative(means, nominal)
    return {
        "mean_dose_Gy": sum(means),
        "half_dose_Gy": sum(means) / float(relative) if relative > 0.0 else nominal[0][0],
        "slope": float(slope),
        "probability": _control(makes, weights, nominal),
        "range": [min(ends), max(ends)],
        "probability_at_mean_dose": float(logistic_control(relative, half_dose=1.0, slope=slope)),
        "by_make": {make.name: _alone(make, mean, weights) for make, mean in zip(makes, means, strict=True)},
    }


def _alone(make: MakeDose, mean: float, weights: Floats) -> MakeControlResult:
    """What one make would control without the others."""
    half, slope = make.half_dose.value, make.slope.value
    probability = _control([make], weights, [(half, slope)])
    return {"mean_dose_Gy": mean, "half_dose_Gy": half, "slope": slope, "probability": probability}


def _relative(doses: Sequence[ArrayLike], known: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Doses of all makes by those of half control, and the slope there: the mean of the makes' by what each gives."""
    parts = [np.asarray(dose, float) / half for dose, (half, _) in zip(doses, known, strict=True)]
    relative = np.asarray(np.sum(parts, axis=0))
    steep = np.sum([part * slope for part, (_, slope) in zip(parts, known, strict=True)], axis=0)
    slope = np.divide(steep, relative, out=np.full(relative.shape, known[0][1]), where=relative > 0.0)
    return relative, np.asarray(slope)


def _control(makes: Sequence[MakeDose], weights: Floats, known: Sequence[tuple[float, float]]) -> float:
    relative, slope = _relative([make.dose for make in makes], known)
    parts = np.maximum(logistic_control(relative, half_dose=1.0, slope=slope), np.finfo(float).tiny)
    return float(np.exp(np.average(np.log(parts), weights=weights)))


def _range(value: Value) -> tuple[float, ...]:
    return tuple(end for end in (value.low, value.high) if end is not None) or (value.value,)


@dataclass(frozen=True)
class Compartments:
    """What planners divide a treatment into: masses [kg], activity per mass of tumour by that of liver, lung shunt."""

    tumour_mass: float
    liver_mass: float
    lung_mass: float
    tumour_to_normal: float
    lung_shunt: float


def planning(activity: float, parts: Compartments, *, energy_per_decay: float, decay_rate: float) -> PlanningResult:
    """The activity [Bq] as planners see it: mean doses by MIRD and partition, and activities for 100 Gy of each."""
    decay = {"energy_per_decay": energy_per_decay, "decay_rate": decay_rate}
    treated = parts.tumour_mass + parts.liver_mass
    shared = {
        "tumour_mass": parts.tumour_mass,
        "liver_mass": parts.liver_mass,
        "tumour_to_normal": parts.tumour_to_normal,
        "lung_shunt": parts.lung_shunt,
        **decay,
    }
    tumour, liver, lungs = partition_doses(activity, lung_mass=parts.lung_mass, **shared)
    has_tumour = parts.tumour_mass > 0.0
    wanted = partition_activity(PLANNED_DOSE_GY, of_tumour=True, **shared) if has_tumour else None
    return {
        "perfused_mass_kg": treated,
        "tumour_mass_kg": parts.tumour_mass,
        "tumour_to_normal": parts.tumour_to_normal,
        "lung_shunt": parts.lung_shunt,
        "MIRD_mean_dose_Gy": float(mird_dose(activity * (1.0 - parts.lung_shunt), treated, **decay)),
        "partition_tumour_dose_Gy": tumour if has_tumour else None,
        "partition_liver_dose_Gy": liver,
        "partition_lung_dose_Gy": lungs,
        "MIRD_GBq_per_100_Gy": mird_activity(PLANNED_DOSE_GY, treated, lung_shunt=parts.lung_shunt, **decay) * 1e-9,
        "partition_GBq_per_100_Gy_of_tumour": None if wanted is None else wanted * 1e-9,
        "partition_GBq_per_100_Gy_of_liver": partition_activity(PLANNED_DOSE_GY, of_tumour=False, **shared) * 1e-9,
    }
