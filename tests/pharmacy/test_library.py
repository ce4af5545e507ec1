# SPDX-License-Identifier: LGPL-3.0-or-later
"""The pharmacy with given values: every value can be given, changes what it should, and nothing else."""

from dataclasses import replace

import pytest

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.library import FIXED, LIBRARY, Pharmacy, entry_names, values_of, values_used
from imagio_sim.pharmacy.records import record_names
from imagio_sim.tissue.value import Value

FOLDERS = ("drugs", "particles", "oils", "liposomes", "microspheres")


def given(value: float, unit: str) -> Value:
    return Value(value, unit, None, None, None, "a test", "given", origin="scenario")


def test_no_two_entries_of_the_pharmacy_share_a_name() -> None:
    names = [name for folder in FOLDERS for name in record_names(folder)]
    assert len(names) == len(set(names))
    assert tuple(sorted(names)) == entry_names()


@pytest.mark.parametrize("name", entry_names())
def test_every_value_of_an_entry_can_be_given_alone(name: str) -> None:
    library = values_of(LIBRARY.entry(name))
    assert library
    for key, known in library.items():
        one = replace(known.value, origin="scenario")
        changed = values_of(Pharmacy({name: {key: one}}).entry(name))
        assert changed[key].value is one
        assert {other for other in library if changed[other].value != library[other].value} == {key}


def test_what_defines_amounts_cannot_be_given() -> None:
    assert not FIXED & set(values_of(LIBRARY.drug("doxorubicin")))
    assert "molar_mass" in LIBRARY.drug("doxorubicin").values


def test_a_given_value_of_a_carrier_and_a_drug_changes_what_the_carrier_does_with_that_drug_only() -> None:
    slower = Pharmacy({"dc_bead_100_300": {"exchange_rate_doxorubicin": given(1e-7, "1/s")}})
    beads = slower.particles("dc_bead_100_300")
    assert beads.exchange("doxorubicin", "ion_exchange").rate == 1e-7
    nominal = LIBRARY.particles("dc_bead_100_300")
    assert {drug for drug in nominal.drugs if beads.drugs[drug].values != nominal.drugs[drug].values} == {"doxorubicin"}


def test_given_rows_must_leave_a_table_rising() -> None:
    assert Pharmacy({"thermodox": {"release_rate_row_1": given(1e-4, "1/s")}}).liposomes("thermodox")
    with pytest.raises(InputError, match="do not fall"):
        Pharmacy({"thermodox": {"release_rate_row_1": given(50.0, "1/s")}}).liposomes("thermodox")


def test_results_rest_on_values_of_the_drug_that_is_given() -> None:
    used = values_used(LIBRARY.particles("dc_bead_100_300"), "doxorubicin")
    assert "half_saturation_doxorubicin" in used
    assert not any(key.endswith("idarubicin") or key.startswith("usual_load") for key in used)
    assert all(known.value.has_spread for known in used.values())
