# SPDX-License-Identifier: LGPL-3.0-or-later
"""Liposomes of the pharmacy."""

from typing import Any

import pytest

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.drugs import drug_names
from imagio_sim.pharmacy.liposomes import QUANTITIES, TABLES, liposome_names, load_liposomes, read_table
from imagio_sim.tissue.value import load_sources

ROW = {"value": 0.1, "unit": "1/s", "low": 0.05, "high": 0.2, "source": "asemani18", "evidence": "read"}


@pytest.mark.parametrize("name", liposome_names())
def test_every_formulation_is_complete_and_every_number_has_source_and_spread(name: str) -> None:
    found = load_liposomes(name)
    assert found.drug in drug_names()
    assert set(found.values) == set(QUANTITIES)
    tables = {"release_rate": found.release_rate, "vessel_permeability": found.vessel_permeability}
    assert set(tables) == set(TABLES)
    for value in (*found.values.values(), *(value for table in tables.values() for value in table.values)):
        assert value.source in load_sources()
        assert value.has_spread
        assert value.evidence not in ("memory", "assumed") or value.note


def test_lysolipid_liposomes_empty_within_seconds_and_pegylated_ones_do_not() -> None:
    fast, slow = (load_liposomes(name).release_rate for name in ("thermodox", "pegylated"))
    assert fast.numbers[-1] > 0.3
    assert slow.numbers[-1] < 1e-4
    assert fast.numbers[0] * 3600.0 < 0.06
    assert [name for name in liposome_names() if not load_liposomes(name).is_thermosensitive] == ["pegylated"]


def test_an_unknown_formulation_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'thermodox'"):
        load_liposomes("termodox")


def test_a_constant_that_is_missing_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match="no value for 'melting_point'"):
        load_liposomes("thermodox").value("melting_point")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{**ROW, "temperature": 37}],
        [{**ROW, "temperature": 41}, {**ROW, "temperature": 40}],
        [{**ROW, "temperature": 37}, {**ROW, "value": 0.06, "temperature": 40}],
    ],
    ids=["none", "one", "temperatures fall", "rate falls"],
)
def test_a_table_that_does_not_rise_is_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="two or more rows"):
        read_table(rows, "release_rate", where="own.yaml")


def test_a_rate_of_another_unit_is_refused() -> None:
    rows = [{**ROW, "unit": "1/min", "temperature": 37}, {**ROW, "temperature": 40}]
    with pytest.raises(InputError, match=r"1/min.*1/s|1/s.*1/min"):
        read_table(rows, "release_rate", where="own.yaml")
