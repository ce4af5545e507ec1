# SPDX-License-Identifier: LGPL-3.0-or-later
"""The data of contraction by heat."""

from dataclasses import replace

import pytest

from imagio_sim.errors import InputError
from imagio_sim.tissue.contraction import ContractionTable, contraction_table


@pytest.mark.parametrize("end", ["low", "high"])
def test_a_value_without_its_range_is_refused(end: str) -> None:
    table = contraction_table()
    values = (*table.values[:2], replace(table.values[2], **{end: None}), *table.values[3:])
    with pytest.raises(InputError, match=r"contraction.yaml: 65 degC: expected values with their range"):
        ContractionTable(table.tissue, table.temperatures, values, table.shown, table.collapse)


@pytest.mark.parametrize("end", ["low", "high"])
def test_a_shown_share_without_its_range_is_refused(end: str) -> None:
    table = contraction_table()
    with pytest.raises(InputError, match=r"contraction.yaml: shown_share: expected values with their range"):
        replace(table, shown=replace(table.shown, **{end: None}))


@pytest.mark.parametrize("name", ["length_ratio", "onset", "shown"])
def test_figures_of_the_collapse_need_a_range(name: str) -> None:
    collapse = contraction_table().collapse
    with pytest.raises(InputError, match=f"contraction.yaml: collapse: {name}: expected values with their range"):
        replace(collapse, **{name: replace(getattr(collapse, name), low=None)})


def test_the_table_says_what_was_measured() -> None:
    table = contraction_table()
    assert table.tissue == "liver"
    assert list(table.temperatures) == sorted(table.temperatures)
    assert [value.evidence for value in table.values].count("memory") == 1
