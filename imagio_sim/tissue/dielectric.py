# SPDX-License-Identifier: LGPL-3.0-or-later
"""Permittivity and conductivity of tissue at the frequencies of microwave ablation, and how they follow temperature.

A tissue's value at 37 degC comes from the library (or from the user), its course with temperature from one of the
models in ``dielectric.yaml``, all measured in liver and divided by their value at 37 degC. That other tissues follow
the course of liver is an assumption; inflated lung, whose air goes where the liver's water goes, follows it least.
All courses are reversible: tissue that has dried up and cooled counts as wet again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from types import MappingProxyType
from typing import Any

from imagio_sim.errors import InputError
from imagio_sim.tissue.arithmetic import NUMPY, Arithmetic, Operand
from imagio_sim.tissue.laws import REFERENCE_TEMPERATURE
from imagio_sim.tissue.library import Tissue
from imagio_sim.tissue.value import Value, read_data_file, read_value

BANDS: Mapping[str, float] = MappingProxyType({"915_mhz": 915e6, "2450_mhz": 2450e6})
"""Frequencies [Hz] for which the library has values, by the ending of the property's name."""

# Models made of slopes; the first also follows the water.
_LINEAR = ("drying", "linear")
# A generator at 2.45 GHz may be off by this share.
_SAME_FREQUENCY = 0.01


@dataclass(frozen=True)
class StaticCourse:
    """A value that stays what it is at 37 degC."""

    @property
    def half_lost(self) -> float:
        """Temperature [degC] at which half of what water contributes is lost: never."""
        return inf

    def relative(self, temperature: Operand, moisture: Operand, xp: Arithmetic) -> Operand:
        """Value divided by that at 37 degC."""
        return 1.0 + 0.0 * temperature


@dataclass(frozen=True)
class LinearCourse:
    """A value that changes by ``slope`` [1/K] of itself up to ``highest`` [degC]; with the water where it ``dries``."""

    slope: float
    highest: float
    dries: bool

    @property
    def half_lost(self) -> float:
        """Temperature [degC] at which half of what water contributes is lost, or where that begins: it is narrow."""
        return self.highest if self.dries else inf

    def relative(self, temperature: Operand, moisture: Operand, xp: Arithmetic) -> Operand:
        """Value divided by that at 37 degC. Source: Chin and Sherar 2001; the loss of water is this library's."""
        wet = 1.0 + self.slope * (xp.minimum(temperature, self.highest) - REFERENCE_TEMPERATURE)
        return wet * moisture if self.dries else wet


@dataclass(frozen=True)
class SigmoidCourse:
    """A value that falls from ``floor + span`` to ``floor`` around the temperature ``shift / rate`` [degC]."""

    floor: float
    span: float
    shift: float
    rate: float

    @property
    def half_lost(self) -> float:
        """Temperature [degC] in the middle of the fall, where half of what water contributes is lost."""
        return self.shift / self.rate

    def value(self, temperature: Operand, xp: Arithmetic) -> Operand:
        """The fitted value itself. Source: Ji and Brace 2011 (doi 10.1088/0031-9155/56/16/011)."""
        return self.floor + self.span * (1.0 - 1.0 / (1.0 + xp.exp(self.shift - self.rate * temperature)))

    def relative(self, temperature: Operand, moisture: Operand, xp: Arithmetic) -> Operand:
        """Value divided by that at 37 degC; the fit contains the loss of water."""
        return self.value(temperature, xp) / self.value(REFERENCE_TEMPERATURE, NUMPY)


Course = StaticCourse | LinearCourse | SigmoidCourse


@dataclass(frozen=True)
class DielectricModel:
    """How both properties follow temperature at one frequency [Hz], and which numbers that takes."""

    name: str
    frequency: float
    permittivity: Course
    conductivity: Course
    dry_permittivity: float
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Dielectric:
    """One tissue at one frequency: values at 37 degC and their courses.

    ``conductivity`` is the effective one [S/m], that of ions and of turning molecules together. The permittivity does
    not fall below ``dry_permittivity``, where it was above.
    """

    tissue: str
    permittivity: float
    conductivity: float
    permittivity_course: Course
    conductivity_course: Course
    dry_permittivity: float

    def at(self, temperature: Operand, moisture: Operand, xp: Arithmetic = NUMPY) -> tuple[Operand, Operand]:
        """Relative permittivity and conductivity [S/m].

        Parameters
        ----------
        temperature
            [degC], any shape.
        moisture
            Share of the water left (``laws.moisture``), of the same shape.
        """
        relative = self.permittivity * self.permittivity_course.relative(temperature, moisture, xp)
        conductivity = self.conductivity * self.conductivity_course.relative(temperature, moisture, xp)
        return xp.maximum(relative, min(self.dry_permittivity, self.permittivity)), conductivity


def band_of(frequency: float, *, where: str) -> str:
    """Name of the band a frequency [Hz] lies in; refuses one without data."""
    for name, centre in BANDS.items():
        if abs(frequency - centre) <= _SAME_FREQUENCY * centre:
            return name
    raise InputError(
        where,
        found=f"a frequency of {frequency / 1e6:g} MHz",
        allowed="915 MHz or 2450 MHz, for which there are tissue data",
        remedy="choose an antenna of one of these frequencies",
    )


def model_names(band: str) -> tuple[str, ...]:
    """Names of the models of a band, the nominal one first."""
    record = _records()[band]
    names = [record["nominal"], *record["sigmoids"], *_LINEAR, "static"]
    return tuple(dict.fromkeys(names))


def load_model(band: str, name: str | None = None, *, highest: float) -> DielectricModel:
    """A model of a band, the nominal one when no name is given (KeyError for one that is not in ``model_names``).

    Parameters
    ----------
    highest
        Temperature [degC] at which water boils, where a linear course ends.
    """
    chosen = name or model_names(band)[0]
    values = _values(band, chosen)
    permittivity, conductivity = (_course(chosen, part, values, highest) for part in ("permittivity", "conductivity"))
    dry = values["dry_permittivity"].value
    return DielectricModel(chosen, BANDS[band], permittivity, conductivity, dry, values)


def dielectric(tissue: Tissue, band: str, model: DielectricModel, *, where: str) -> Dielectric:
    """A tissue under a model; refuses a tissue for which nothing is known at that frequency.

    ``where`` names the plan's place that asks, an antenna for example.
    """
    names = f"relative_permittivity_{band}", f"electrical_conductivity_{band}"
    missing = [name for name in names if name not in tissue.values]
    if missing:
        raise InputError(
            where,
            found=f"tissue '{tissue.name}' on the antenna's path has no '{missing[0]}'",
            allowed=f"tissues with data at {BANDS[band] / 1e6:g} MHz",
            remedy=f"give '{missing[0]}' of '{tissue.name}' with its source in the scenario, or choose another antenna",
        )
    permittivity, conductivity = (tissue.value(name) for name in names)
    return Dielectric(
        tissue.name, permittivity, conductivity, model.permittivity, model.conductivity, model.dry_permittivity
    )


def _values(band: str, name: str) -> Mapping[str, Value]:
    """All numbers of a model, by path within it."""
    dry = {"dry_permittivity": read_value(_records()["dry_permittivity"], where="dielectric.yaml: dry_permittivity")}
    if name == "static":
        return MappingProxyType(dry)
    record = _records()[band]
    parts = record["linear"] if name in _LINEAR else record["sigmoids"][name]
    where = f"dielectric.yaml: {band}: {name}"
    found: dict[str, Value] = {}
    for part in ("permittivity", "conductivity"):
        entries = {"slope": parts[part]} if name in _LINEAR else parts[part]
        found |= {f"{part}.{key}": read_value(entry, where=f"{where}: {part}.{key}") for key, entry in entries.items()}
    return MappingProxyType(found | dry)


def _course(name: str, part: str, values: Mapping[str, Value], highest: float) -> Course:
    if name == "static":
        return StaticCourse()
    numbers = {key.removeprefix(f"{part}."): value.value for key, value in values.items() if key.startswith(f"{part}.")}
    if name in _LINEAR:
        return LinearCourse(numbers["slope"], highest, dries=name == "drying")
    return SigmoidCourse(**numbers)


@cache
def _records() -> Mapping[str, Any]:
    return MappingProxyType(read_data_file("dielectric.yaml"))
