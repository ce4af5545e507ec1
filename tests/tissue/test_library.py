# SPDX-License-Identifier: LGPL-3.0-or-later
"""The tissue library."""

from dataclasses import replace

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.tissue import Tissue, Value, load_sources, load_tissue, property_table, tissue_names
from imagio_sim.tissue.library import _library_value
from imagio_sim.tissue.properties import PROPERTIES

NEEDED_FOR_RADIOFREQUENCY = (
    "density",
    "specific_heat_capacity",
    "thermal_conductivity",
    "thermal_conductivity_slope",
    "perfusion_rate",
    "electrical_conductivity",
    "electrical_conductivity_slope",
    "water_content",
    "metabolic_heat",
)


@pytest.mark.parametrize("name", tissue_names())
def test_every_tissue_holds_what_radiofrequency_needs(name: str) -> None:
    assert set(NEEDED_FOR_RADIOFREQUENCY) <= set(load_tissue(name).values)


@pytest.mark.parametrize("name", tissue_names())
def test_every_value_has_spread_source_and_its_propertys_unit(name: str) -> None:
    for key, value in load_tissue(name).values.items():
        assert value.has_spread, key
        assert value.source in load_sources(), key
        assert value.unit == PROPERTIES[key].unit, key


def test_a_value_from_memory_has_a_wide_spread() -> None:
    for name in tissue_names():
        for key, value in load_tissue(name).values.items():
            if value.evidence != "memory" or value.value == 0.0:
                continue
            assert value.low is not None, (name, key)
            assert value.high is not None, (name, key)
            assert value.high - value.low >= 0.05 * abs(value.value), (name, key)


@pytest.mark.parametrize("name", tissue_names())
def test_what_is_assumed_says_why(name: str) -> None:
    for key, value in load_tissue(name).values.items():
        assert value.evidence != "assumed" or value.note, key


@pytest.mark.parametrize("name", tissue_names())
def test_every_tissue_absorbs_microwaves_and_sound(name: str) -> None:
    needed = {"sound_speed", "acoustic_attenuation_500_khz", "acoustic_attenuation_exponent"}
    for frequency in ("915", "2450"):
        needed |= {f"relative_permittivity_{frequency}_mhz", f"electrical_conductivity_{frequency}_mhz"}
    assert needed <= set(load_tissue(name).values)


def test_saline_conducts_far_better_than_liver_and_dextrose_far_worse() -> None:
    liver, saline, dextrose = (
        load_tissue(name).value("electrical_conductivity") for name in ("liver", "saline", "dextrose")
    )
    assert saline > 5.0 * liver
    assert dextrose < 0.1 * liver


def test_the_library_holds_the_tissues_the_program_promises() -> None:
    promised = "liver tumour_liver hcc lung_inflated lung_deflated tumour_lung kidney tumour_kidney muscle fat"
    promised += " bone_cortical bone_cancellous blood skin soft_tissue_sarcoma bile spleen pancreas bowel soft_tissue"
    assert set(tissue_names()) == {*promised.split(), "air", "water", "saline", "dextrose"}


def test_only_the_generic_tissue_is_marked_generic() -> None:
    assert [name for name in tissue_names() if load_tissue(name).generic] == ["soft_tissue"]


def test_an_unknown_tissue_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'tumour_liver'"):
        load_tissue("tumor_liver")


def test_a_missing_property_names_tissue_and_property() -> None:
    bare = Tissue("mine", {})
    with pytest.raises(InputError, match=r"tissue 'mine'.*no value for 'density'"):
        bare.value("density")


def test_a_misspelt_property_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'perfusion_rate'"):
        load_tissue("liver").value("perfusion_rte")


def test_an_override_replaces_one_value_and_keeps_its_own_source() -> None:
    measured = Value(0.008, "1/s", None, None, 0.002, "perfusion CT of this patient", "given")
    changed = load_tissue("liver", {"perfusion_rate": measured})
    assert changed.values["perfusion_rate"] is measured
    assert changed.values["density"] == load_tissue("liver").values["density"]
    assert load_tissue("liver").value("perfusion_rate") != 0.008


@pytest.mark.parametrize(("number", "unit"), [(-0.1, "1/s"), (5.0, "1/s"), (0.01, "mL/min")])
def test_an_implausible_override_is_refused(number: float, unit: str) -> None:
    value = Value(number, unit, None, None, None, "typing error", "given")
    with pytest.raises(InputError, match=r"tissue 'liver': perfusion_rate.*0 to 0.2 1/s"):
        load_tissue("liver", {"perfusion_rate": value})


def test_an_override_of_an_unknown_property_is_refused() -> None:
    value = Value(1.0, "1", None, None, None, "typing error", "given")
    with pytest.raises(InputError, match="did you mean 'density'"):
        load_tissue("liver", {"densty": value})


@pytest.mark.parametrize("change", [{"source": "nowhere"}, {"low": None, "high": None, "sd": None}])
def test_a_library_value_without_known_source_or_spread_is_refused(change: dict[str, object]) -> None:
    record = {"value": 1000, "unit": "kg/m3", "low": 900, "high": 1100, "source": "itis", "evidence": "read"}
    with pytest.raises(InputError, match=r"liver\.yaml: density"):
        _library_value("liver", "density", record | change)


def test_the_table_has_one_entry_per_tissue_in_order() -> None:
    table = property_table(["fat", "liver"], ["density", "volumetric_heat_capacity"])
    np.testing.assert_allclose(table["density"], [911.0, 1079.0])
    np.testing.assert_allclose(table["volumetric_heat_capacity"], [911.0 * 2348.0, 1079.0 * 3540.0])


def test_the_table_takes_changed_tissues_too() -> None:
    liver = load_tissue("liver")
    denser = replace(liver.values["density"], value=1100.0, note="", source="balance", evidence="given")
    table = property_table([liver, load_tissue("liver", {"density": denser})], ["density"])
    np.testing.assert_allclose(table["density"], [1079.0, 1100.0])


def test_no_tissue_property_equals_the_known_typing_errors_of_public_data() -> None:
    assert load_tissue("kidney").value("perfusion_rate") > 0.03
    assert load_tissue("kidney").value("thermal_conductivity") > 0.45
    assert load_tissue("liver").value("electrical_conductivity") > 0.122
