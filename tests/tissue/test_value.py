# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values and sources of the data files."""

import math
import re
from pathlib import Path

import pytest

from imagio_sim.errors import InputError
from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.value import Value, load_sources, read_value, source_text

RECORD = {"value": 1.0, "unit": "K", "low": 0.5, "high": 2.0, "source": "itis", "evidence": "read"}


def test_a_record_becomes_a_value_with_its_spread() -> None:
    value = read_value(RECORD | {"percentiles": {5: 0.6, 95: 1.9}}, where="here")
    assert (value.value, value.low, value.high, value.sd) == (1.0, 0.5, 2.0, None)
    assert value.has_spread
    assert value.percentiles == ((5.0, 0.6), (95.0, 1.9))


@pytest.mark.parametrize("field", ["value", "unit", "source", "evidence"])
def test_a_record_without_a_required_field_is_refused(field: str) -> None:
    incomplete = {key: value for key, value in RECORD.items() if key != field}
    with pytest.raises(InputError, match=rf"here.*missing \['{field}'\]"):
        read_value(incomplete, where="here")


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(InputError, match=r"unknown \['hihg'\]"):
        read_value(RECORD | {"hihg": 3.0}, where="here")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": math.nan}, "finite"),
        ({"high": math.inf}, "finite"),
        ({"value": 3.0}, "low <= value <= high"),
        ({"sd": -1.0}, "sd >= 0"),
        ({"evidence": "guessed"}, "read, derived, memory, assumed, given"),
        ({"source": " "}, "no source"),
    ],
)
def test_a_value_that_cannot_be_is_refused(change: dict[str, float | str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_value(RECORD | change, where="here")


def test_the_users_own_source_text_is_kept() -> None:
    value = Value(1.0, "K", None, None, None, "thermocouple of 3 May", "given")
    assert source_text(value) == "thermocouple of 3 May"


def test_a_source_key_is_resolved_to_its_reference() -> None:
    value = Value(1.0, "K", None, None, None, "pennes48", "read")
    assert source_text(value).endswith("doi:10.1152/jappl.1948.1.2.93")


def test_every_constant_has_a_spread_and_a_known_source() -> None:
    for name, value in load_constants().items():
        assert value.has_spread, name
        assert value.source in load_sources(), name


def test_the_bibliography_holds_every_source() -> None:
    bibliography = Path(__file__).parents[2] / "docs" / "references.bib"
    keys = set(re.findall(r"^@\w+\{(\w+),", bibliography.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(load_sources()) - {"memory", "convention"} <= keys
