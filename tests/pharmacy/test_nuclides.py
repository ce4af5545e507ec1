# SPDX-License-Identifier: LGPL-3.0-or-later
"""Radionuclides and microspheres of the pharmacy."""

import numpy as np
import pytest

from imagio_sim.errors import InputError
from imagio_sim.pharmacy.microspheres import load_microspheres, microsphere_names
from imagio_sim.pharmacy.nuclides import _emission, load_nuclide, nuclide_names


def test_the_pharmacy_holds_yttrium_and_holmium_and_what_carries_them() -> None:
    assert set(nuclide_names()) >= {"y90", "ho166"}
    assert set(microsphere_names()) >= {"sir_spheres", "therasphere", "quiremspheres"}


@pytest.mark.parametrize("name", nuclide_names())
def test_spectrum_and_lines_carry_the_energy_of_the_electrons(name: str) -> None:
    nuclide = load_nuclide(name)
    spectrum = np.trapezoid(
        np.array(nuclide.spectrum.energy_MeV) * nuclide.spectrum.number, nuclide.spectrum.energy_MeV
    )
    carried = float(spectrum) + float(np.dot(nuclide.lines.energy_MeV, nuclide.lines.number))
    assert carried == pytest.approx(nuclide.value("electron_energy"), rel=0.005)


@pytest.mark.parametrize("name", nuclide_names())
def test_a_decay_gives_about_one_beta(name: str) -> None:
    spectrum = load_nuclide(name).spectrum
    assert float(np.trapezoid(spectrum.number, spectrum.energy_MeV)) == pytest.approx(1.0, rel=0.005)


@pytest.mark.parametrize("name", microsphere_names())
def test_microspheres_name_their_nuclide_and_have_spreads(name: str) -> None:
    spheres = load_microspheres(name)
    assert spheres.nuclide.name in nuclide_names()
    assert all(value.has_spread for value in spheres.values.values())


def test_resin_takes_many_more_spheres_than_glass_for_the_same_activity() -> None:
    resin, glass = (load_microspheres(name).number(1e9) for name in ("sir_spheres", "therasphere"))
    assert resin == pytest.approx(2e7)
    assert resin > 10.0 * glass


def test_an_unknown_nuclide_or_microsphere_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'y90'"):
        load_nuclide("y91")
    with pytest.raises(InputError, match="did you mean 'therasphere'"):
        load_microspheres("theraspheres")


@pytest.mark.parametrize(
    "record",
    [
        {"energy_MeV": [0.0, 1.0], "number": [1.0], "source": "icrp107"},
        {"energy_MeV": [1.0, 0.5], "number": [1.0, 1.0], "source": "icrp107"},
        {"energy_MeV": [0.0, 1.0], "number": [1.0, -1.0], "source": "icrp107"},
        {"energy_MeV": [0.0, 1.0], "number": [1.0, 1.0], "source": "nobody"},
    ],
    ids=["lengths", "order", "negative", "source"],
)
def test_a_table_that_is_none_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"nuclides/x\.yaml"):
        _emission(record, "number", "nuclides/x.yaml: spectrum")
