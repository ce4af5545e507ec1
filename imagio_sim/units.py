# SPDX-License-Identifier: LGPL-3.0-or-later
"""Quantities at the border: text with a unit outside, a float in one stated unit inside.

A :class:`QuantityKind` says what a number means: its name, the unit it has inside the library and the plausible range.
The annotated types (``Power``, ``LengthMm``, ...) put a kind on a field of a pydantic model: the field reads
``"60 W"``, holds ``60.0`` and is written back as ``"60 W"``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from imagio_sim.errors import InputError

if TYPE_CHECKING:
    from pint import UnitRegistry

NUMBER_AND_UNIT = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|nan|inf(?:inity)?))\s*(.*?)\s*", re.IGNORECASE
)
"""A number and what follows it; whether that is a unit is for the kind to say."""

_FACTOR = r"°?[^\W\d_]{1,20}(?:(?:\^|\*\*)?-?[1-9])?"
_PRODUCT = rf"{_FACTOR}(?:\s*[ *·]\s*{_FACTOR})*"
UNIT = re.compile(rf"%|(?:1|{_PRODUCT})(?:\s*/\s*(?:{_FACTOR}|\(\s*{_PRODUCT}\s*\)))*")
"""Powers of units, multiplied and divided: what may be handed to pint, which would evaluate any expression."""


@dataclass(frozen=True)
class Misfit:
    """Why a value does not fit: what was found, what is allowed and what to do about it."""

    found: str
    allowed: str
    remedy: str

    def at(self, where: str) -> InputError:
        """The same as an error of the file and path ``where``."""
        return InputError(where, found=self.found, allowed=self.allowed, remedy=self.remedy)

    def raised_in_validation(self) -> PydanticCustomError:
        """The same as an error that pydantic collects; ``context`` keeps the three parts."""
        context = {"found": self.found, "allowed": self.allowed, "remedy": self.remedy}
        return PydanticCustomError("misfit", "expected {allowed}, got {found}; {remedy}", context)


class MisfitError(Exception):
    """Carries a :class:`Misfit` from where a quantity is read to where its place in the file is known."""

    def __init__(self, misfit: Misfit) -> None:
        self.misfit = misfit
        super().__init__(f"expected {misfit.allowed}, got {misfit.found}; {misfit.remedy}")


@dataclass(frozen=True)
class QuantityKind:
    """What a number means.

    Parameters
    ----------
    name
        In words, as errors say it.
    unit
        The unit inside the library, in pint's spelling; empty for a pure number.
    low, high
        Plausible range in ``unit``, both ends allowed.
    example
        How it is written in a file.
    own_unit
        The unit is a convention of the field (CEM43) that no unit system knows: only its own text is accepted.
    """

    name: str
    unit: str
    low: float
    high: float
    example: str
    own_unit: bool = False

    def within(self, low: float, high: float, example: str = "") -> QuantityKind:
        """The same kind over a narrower or wider range."""
        return replace(self, low=low, high=high, example=example or self.example)

    def text(self, value: float) -> str:
        """The value with its unit, such that :meth:`read` gives exactly the same float."""
        number = str(int(value)) if value.is_integer() and abs(value) < 1e9 else repr(value)
        return f"{number} {self.unit}".strip()

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"{self.name} from {self.text(self.low)} to {self.text(self.high)}"

    def read(self, given: object) -> float:
        """The value in ``unit``; raises :class:`MisfitError`."""
        if not isinstance(given, str):
            return self._in_range(self._bare_number(given), repr(given))
        found = NUMBER_AND_UNIT.fullmatch(given)
        if found is None:
            raise MisfitError(self._misfit(repr(given), f"write a number and a unit, for example {self.example!r}"))
        return self._in_range(self._converted(float(found[1]), found[2], given), repr(given))

    def _bare_number(self, given: object) -> float:
        if self.unit or isinstance(given, bool) or not isinstance(given, int | float):
            raise MisfitError(
                self._misfit(f"{given!r} without a unit", f"write the unit, for example {self.example!r}")
            )
        return float(given)

    def _converted(self, number: float, unit: str, given: str) -> float:
        if unit == self.unit or not math.isfinite(number):
            return number
        if self.own_unit:
            raise MisfitError(self._misfit(repr(given), f"its unit is {self.unit}, for example {self.example!r}"))
        if not unit:
            raise MisfitError(
                self._misfit(f"{given!r} without a unit", f"write the unit, for example {self.example!r}")
            )
        if UNIT.fullmatch(unit) is None:
            raise self._unknown_unit(unit, given)
        return self._converted_by_pint(number, unit, given)

    def _unknown_unit(self, unit: str, given: str) -> MisfitError:
        return MisfitError(
            self._misfit(f"{given!r}, of which {unit!r} is no known unit", f"for example {self.example!r}")
        )

    def _converted_by_pint(self, number: float, unit: str, given: str) -> float:
        import pint

        try:
            value = (
                registry().Quantity(number, _with_powers(unit)).to(_with_powers(self.unit) or "dimensionless").magnitude
            )
        except pint.DimensionalityError as error:
            raise MisfitError(
                self._misfit(f"{given!r}, which is no {self.name}", f"for example {self.example!r}")
            ) from error
        except (pint.PintError, AttributeError, ValueError) as error:
            raise self._unknown_unit(unit, given) from error
        return float(f"{float(value):.12g}")

    def _in_range(self, value: float, given: str) -> float:
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise MisfitError(self._misfit(given, f"for example {self.example!r}"))
        return value

    def _misfit(self, found: str, remedy: str) -> Misfit:
        return Misfit(found, self.allowed, remedy)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        serialise = core_schema.plain_serializer_function_ser_schema(
            self._serialised, return_schema=core_schema.any_schema()
        )
        return core_schema.no_info_plain_validator_function(self._validated, serialization=serialise)

    def _serialised(self, value: float) -> str | float:
        return self.text(value) if self.unit else value

    def _validated(self, given: object) -> float:
        try:
            return self.read(given)
        except MisfitError as error:
            raise error.misfit.raised_in_validation() from error

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        number = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"
        text = {"type": "string", "description": self.allowed, "pattern": number + r"\S.*$", "examples": [self.example]}
        if self.unit:
            return text
        return {
            "anyOf": [{"type": "number", "minimum": self.low, "maximum": self.high}, text],
            "description": self.allowed,
        }


def _with_powers(unit: str) -> str:
    """``W/(m2 K)`` as pint reads it: ``W/(m^2 K)``."""
    return re.sub(r"(?<=[A-Za-z])(?=\d)", "^", unit)


@cache
def registry() -> UnitRegistry[Any]:
    """The library's own pint registry (created on first use, because pint is slow to load)."""
    import pint

    return pint.UnitRegistry()


def parse_quantity(text: object, kind: QuantityKind, where: str) -> float:
    """A quantity given as text, in the kind's unit.

    Parameters
    ----------
    text
        For example ``"60 W"``; a bare number is refused where a unit belongs.
    kind
        What it must be.
    where
        File and path inside it, for the error.
    """
    try:
        return kind.read(text)
    except MisfitError as error:
        raise error.misfit.at(where) from error


POWER = QuantityKind("power", "W", 0.0, 500.0, "60 W")
VOLTAGE = QuantityKind("voltage", "V", 0.0, 5000.0, "40 V")
CURRENT = QuantityKind("current", "A", 0.0, 100.0, "1200 mA")
RESISTANCE = QuantityKind("resistance", "ohm", 0.0, 1e5, "20 ohm")
SURFACE_RESISTANCE = QuantityKind("surface resistance", "ohm", 0.0, 10.0, "0.013 ohm")
POWER_RAMP = QuantityKind("rate of power", "W/s", 0.0, 100.0, "10 W/min")
ANGLE = QuantityKind("angle", "deg", -360.0, 360.0, "90 deg")
FREQUENCY = QuantityKind("frequency", "Hz", 1.0, 1e12, "480 kHz")
WAVELENGTH_NM = QuantityKind("wavelength", "nm", 400.0, 2500.0, "1064 nm")
RATE = QuantityKind("rate", "Hz", 0.01, 1000.0, "1.5 Hz")
PULSE_WIDTH = QuantityKind("pulse width", "s", 1e-7, 0.05, "90 us")
FIELD_STRENGTH = QuantityKind("field strength", "V/m", 1e3, 1e6, "1500 V/cm")
DURATION = QuantityKind("duration", "s", 0.1, 86400.0, "12 min")
DELAY = QuantityKind("time", "s", 0.0, 86400.0, "30 s")
WAIT = QuantityKind("waiting time", "s", 0.0, 365 * 86400.0, "30 min")
LENGTH_MM = QuantityKind("length", "mm", 0.0, 500.0, "3.2 cm")
SIGNED_LENGTH_MM = QuantityKind("length", "mm", -500.0, 500.0, "5 mm")
PLACEMENT_MM = QuantityKind("error of placement", "mm", 0.0, 20.0, "2.5 mm")
FLOW = QuantityKind("blood flow", "mm^3/s", 1e-3, 2e5, "60 ml/min")
VELOCITY = QuantityKind("mean velocity", "mm/s", 0.1, 3000.0, "12 cm/s")
VOLUME_ML = QuantityKind("volume", "ml", 0.0, 20000.0, "5 ml")
TEMPERATURE = QuantityKind("temperature", "degC", -200.0, 200.0, "37 degC")
TEMPERATURE_DIFFERENCE = QuantityKind("temperature difference", "K", 0.0, 100.0, "0.1 K")
THERMAL_DOSE = QuantityKind("thermal dose", "CEM43", 0.0, 1e15, "240 CEM43", own_unit=True)
DRUG_MASS_MG = QuantityKind("drug mass", "mg", 1e-3, 2000.0, "75 mg")
PARTICLE_VOLUME_ML = QuantityKind("volume", "ml", 0.01, 60.0, "2 ml")
ABSORBED_DOSE = QuantityKind("absorbed dose", "Gy", 0.0, 10000.0, "205 Gy")
CONCENTRATION_UMOL = QuantityKind("concentration", "umol/l", 0.0, 1e6, "1.5 umol/l")
INTERACTION = QuantityKind("strength of an interaction", "", -2.0, 20.0, "1.5")
ACTIVITY_GBQ = QuantityKind("activity", "GBq", 1e-3, 50.0, "2.5 GBq")
RATIO = QuantityKind("ratio", "", 1e-6, 1e6, "3")
FRACTION = QuantityKind("fraction", "", 0.0, 1.0, "95 %")
HOUNSFIELD = QuantityKind("CT number", "HU", -1100.0, 4000.0, "-300 HU", own_unit=True)
HEAT_TRANSFER_COEFFICIENT = QuantityKind("heat transfer coefficient", "W/(m^2 K)", 0.0, 1e6, "3366 W/(m^2 K)")
TEMPERATURE_GAIN = QuantityKind("gain of power per temperature", "W/K", 0.0, 100.0, "0.025 W/K")

Power = Annotated[float, POWER]
Voltage = Annotated[float, VOLTAGE]
Current = Annotated[float, CURRENT]
Resistance = Annotated[float, RESISTANCE]
SurfaceResistance = Annotated[float, SURFACE_RESISTANCE]
PowerRamp = Annotated[float, POWER_RAMP]
Angle = Annotated[float, ANGLE]
Frequency = Annotated[float, FREQUENCY]
WavelengthNm = Annotated[float, WAVELENGTH_NM]
Rate = Annotated[float, RATE]
PulseWidth = Annotated[float, PULSE_WIDTH]
FieldStrength = Annotated[float, FIELD_STRENGTH]
Duration = Annotated[float, DURATION]
Delay = Annotated[float, DELAY]
Wait = Annotated[float, WAIT]
LengthMm = Annotated[float, LENGTH_MM]
SignedLengthMm = Annotated[float, SIGNED_LENGTH_MM]
Flow = Annotated[float, FLOW]
Velocity = Annotated[float, VELOCITY]
VolumeMl = Annotated[float, VOLUME_ML]
DrugMass = Annotated[float, DRUG_MASS_MG]
ParticleVolume = Annotated[float, PARTICLE_VOLUME_ML]
AbsorbedDose = Annotated[float, ABSORBED_DOSE]
ConcentrationUmol = Annotated[float, CONCENTRATION_UMOL]
InteractionStrength = Annotated[float, INTERACTION]
Activity = Annotated[float, ACTIVITY_GBQ]
Temperature = Annotated[float, TEMPERATURE]
TemperatureDifference = Annotated[float, TEMPERATURE_DIFFERENCE]
ThermalDose = Annotated[float, THERMAL_DOSE]
Fraction = Annotated[float, FRACTION]
HounsfieldUnits = Annotated[float, HOUNSFIELD]
HeatTransferCoefficient = Annotated[float, HEAT_TRANSFER_COEFFICIENT]
TemperatureGain = Annotated[float, TEMPERATURE_GAIN]
