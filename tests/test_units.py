# SPDX-License-Identifier: LGPL-3.0-or-later
"""Quantities as text: what is read, what is refused, and the way back."""

import contextlib
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from imagio_sim import units
from imagio_sim.errors import InputError
from imagio_sim.units import Power, QuantityKind, parse_quantity

KINDS = [kind for kind in vars(units).values() if isinstance(kind, QuantityKind)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("60 W", units.POWER, 60.0),
        ("60W", units.POWER, 60.0),
        ("0.06 kW", units.POWER, 60.0),
        ("12 min", units.DURATION, 720.0),
        ("2 weeks", units.WAIT, 14 * 86400.0),
        ("3.2 cm", units.LENGTH_MM, 32.0),
        ("1e1 mm", units.LENGTH_MM, 10.0),
        ("1200 mA", units.CURRENT, 1.2),
        ("37 degC", units.TEMPERATURE, 37.0),
        ("310.15 K", units.TEMPERATURE, 37.0),
        ("98.6 degF", units.TEMPERATURE, 37.0),
        ("240 CEM43", units.THERMAL_DOSE, 240.0),
        ("95 %", units.FRACTION, 0.95),
        ("-300 HU", units.HOUNSFIELD, -300.0),
        ("10 W/min", units.POWER_RAMP, 10.0 / 60.0),
        ("3366 W/(m2 K)", units.HEAT_TRANSFER_COEFFICIENT, 3366.0),
        ("5 cm^3", units.VOLUME_ML, 5.0),
        ("5 cm**3", units.VOLUME_ML, 5.0),
        ("5 cm3", units.VOLUME_ML, 5.0),
        ("37 °C", units.TEMPERATURE, 37.0),
        ("3.366 kW/m^2/K", units.HEAT_TRANSFER_COEFFICIENT, 3366.0),
        ("3366 W·m^-2·K^-1", units.HEAT_TRANSFER_COEFFICIENT, 3366.0),
    ],
)
def test_text_with_a_unit_becomes_a_number_in_the_stated_unit(text: str, kind: QuantityKind, value: float) -> None:
    assert parse_quantity(text, kind, "here") == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize(
    ("given", "kind", "found"),
    [
        (60, units.POWER, "60 without a unit"),
        (60.0, units.POWER, "60.0 without a unit"),
        ("60", units.POWER, "'60' without a unit"),
        (True, units.FRACTION, "True without a unit"),
        (None, units.POWER, "None"),
        ("12 min", units.POWER, "'12 min', which is no power"),
        ("12 foo", units.POWER, "'foo' is no known unit"),
        ("12 W extra words", units.POWER, "is no known unit"),
        ("sixty watt", units.POWER, "'sixty watt'"),
        ("nan W", units.POWER, "'nan W'"),
        ("inf W", units.POWER, "'inf W'"),
        ("-60 W", units.POWER, "'-60 W'"),
        ("600 W", units.POWER, "'600 W'"),
        ("0 min", units.DURATION, "'0 min'"),
        ("3 Mm", units.LENGTH_MM, "'3 Mm'"),
        ("37 C", units.TEMPERATURE, "'37 C', which is no temperature"),
        ("43 degC min", units.TEMPERATURE, "'43 degC min'"),
        ("43 degC min", units.THERMAL_DOSE, "'43 degC min'"),
        ("43 min", units.THERMAL_DOSE, "'43 min'"),
        ("95", units.POWER, "'95' without a unit"),
        (95, units.FRACTION, "95"),
        ("1 W; import os", units.POWER, "is no known unit"),
    ],
)
def test_what_is_no_plausible_quantity_is_refused_with_value_range_and_example(
    given: object, kind: QuantityKind, found: str
) -> None:
    with pytest.raises(InputError) as refusal:
        parse_quantity(given, kind, "file.yaml: plans.A.power")
    assert found in refusal.value.found
    assert refusal.value.where == "file.yaml: plans.A.power"
    assert kind.allowed == refusal.value.allowed
    assert kind.example in refusal.value.remedy or kind.unit in refusal.value.remedy


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_example_in_an_error_message_is_itself_accepted(kind: QuantityKind) -> None:
    assert kind.low <= kind.read(kind.example) <= kind.high


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(share=st.floats(0.0, 1.0))
def test_a_value_written_as_text_is_read_back_exactly(kind: QuantityKind, share: float) -> None:
    value = min(kind.low + share * (kind.high - kind.low), kind.high)
    assert kind.read(kind.text(value) if kind.unit else value) == value


@settings(max_examples=500, deadline=None)
@given(unit=st.one_of(st.text(max_size=12), st.text("Wkms/*^()0123456789. %°-", max_size=12)))
def test_any_text_behind_a_number_is_read_or_refused_in_words(unit: str) -> None:
    with contextlib.suppress(units.MisfitError):
        assert 0.0 <= units.POWER.read(f"5{unit}") <= 500.0


def test_a_kind_can_be_narrowed_and_then_refuses_what_it_accepted() -> None:
    assert units.POWER.read("0 W") == 0.0
    with pytest.raises(units.MisfitError, match=r"from 1 W to 200 W"):
        units.POWER.within(1.0, 200.0).read("0 W")


class Device(BaseModel):
    power: Power


def test_a_field_reads_text_holds_a_float_and_writes_text() -> None:
    device = Device.model_validate({"power": "0.06 kW"})
    assert device.power == 60.0
    assert device.model_dump() == {"power": "60 W"}
    assert device.model_dump_json() == '{"power":"60 W"}'
    with pytest.raises(ValidationError, match="without a unit"):
        Device.model_validate({"power": 60.0})


def test_the_json_schema_describes_text_with_an_example() -> None:
    schema = TypeAdapter(Power).json_schema()
    assert schema["type"] == "string"
    assert schema["examples"] == ["60 W"]
    assert "500 W" in schema["description"]


def test_pint_is_not_loaded_until_a_unit_must_be_converted() -> None:
    code = "import sys, imagio_sim.units as u; u.POWER.read('60 W'); sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_absolute_temperatures_respect_the_offset() -> None:
    assert not math.isclose(units.TEMPERATURE.read("37 degC"), units.TEMPERATURE.read("100 degF"), abs_tol=0.5)
    assert units.TEMPERATURE.read("273.15 K") == 0.0
