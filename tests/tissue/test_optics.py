# SPDX-License-Identifier: LGPL-3.0-or-later
"""Optical properties of the tissues."""

import pytest

from imagio_sim.errors import InputError
from imagio_sim.tissue import Value, load_tissue, tissue_names
from imagio_sim.tissue.properties import LASER_WAVELENGTHS_NM, PROPERTIES, optical_property
from imagio_sim.tissue.value import read_data_file

LIQUIDS = {"water", "saline", "dextrose", "bile"}
NAMES = ("optical_absorption", "reduced_scattering")


def test_only_tissues_of_the_library_have_optics() -> None:
    assert set(read_data_file("optics.yaml")) <= set(tissue_names())


@pytest.mark.parametrize("tissue", sorted(read_data_file("optics.yaml")))
def test_a_tissue_with_optics_has_them_native_and_coagulated_at_every_wavelength(tissue: str) -> None:
    needed = {
        optical_property(name, wavelength_nm=wavelength, coagulated=coagulated)
        for name in NAMES
        for wavelength in LASER_WAVELENGTHS_NM
        for coagulated in (False, True)
    }
    assert needed <= set(PROPERTIES)
    assert needed == {name for name in load_tissue(tissue).values if name.endswith("_nm")}


@pytest.mark.parametrize("wavelength", LASER_WAVELENGTHS_NM)
@pytest.mark.parametrize("tissue", ["liver", "tumour_liver", "hcc", "muscle", "kidney", "blood"])
def test_coagulated_tissue_scatters_more(tissue: str, wavelength: int) -> None:
    native, coagulated = (
        load_tissue(tissue).value(optical_property("reduced_scattering", wavelength_nm=wavelength, coagulated=state))
        for state in (False, True)
    )
    assert coagulated > 1.5 * native


def test_light_goes_farther_in_a_metastasis_than_in_liver() -> None:
    absorption = optical_property("optical_absorption", wavelength_nm=1064, coagulated=False)
    assert load_tissue("tumour_liver").value(absorption) < load_tissue("liver").value(absorption)


def test_a_liquid_does_not_coagulate() -> None:
    for tissue in LIQUIDS & set(tissue_names()):
        for name in NAMES:
            native, cooked = (
                load_tissue(tissue).value(optical_property(name, wavelength_nm=980, coagulated=state))
                for state in (False, True)
            )
            assert native == cooked


def test_a_tissue_without_optics_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"tissue 'air'.*no value for 'optical_absorption_1064_nm'"):
        load_tissue("air").value("optical_absorption_1064_nm")


def test_a_planner_may_give_measured_optics() -> None:
    measured = Value(35.0, "1/m", 20.0, 50.0, None, "biopsy of this patient", "given")
    liver = load_tissue("liver", {"optical_absorption_1064_nm": measured})
    assert liver.value("optical_absorption_1064_nm") == 35.0
