# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drugs, particles and oils of the pharmacy."""

import pytest

from imagio_sim.errors import InputError
from imagio_sim.pharmacy import drugs, oils, particles
from imagio_sim.pharmacy.drugs import Drug, drug_names, load_drug
from imagio_sim.pharmacy.oils import load_oil, oil_names
from imagio_sim.pharmacy.particles import Particles, load_particles, particle_names
from imagio_sim.pharmacy.records import Quantities, Values, read_values
from imagio_sim.physics.bead import equilibrium_load
from imagio_sim.tissue.value import Value, load_sources


def _tables() -> list[tuple[str, Values, Quantities]]:
    tables = [(f"drug {name}", load_drug(name).values, drugs.QUANTITIES) for name in drug_names()]
    for name in particle_names():
        tables.append((f"particles {name}", load_particles(name).values, particles.QUANTITIES))
        for drug, loading in load_particles(name).drugs.items():
            tables.append((f"{drug} in {name}", loading.values, particles.LOADING_QUANTITIES))
    for name in oil_names():
        tables.append((f"oil {name}", load_oil(name).values, oils.QUANTITIES))
        for drug, emulsion in load_oil(name).drugs.items():
            tables.append((f"{drug} in {name}", emulsion.values, oils.EMULSION_QUANTITIES))
    return tables


@pytest.mark.parametrize(("name", "values", "quantities"), _tables(), ids=[name for name, *_ in _tables()])
def test_every_data_file_is_complete_and_every_number_has_source_and_spread(
    name: str, values: Values, quantities: Quantities
) -> None:
    assert set(values) == set(quantities)
    for key, value in values.items():
        assert value.source in load_sources(), key
        assert value.has_spread, key
        assert value.unit == quantities[key].unit, key


@pytest.mark.parametrize(("name", "values", "quantities"), _tables(), ids=[name for name, *_ in _tables()])
def test_what_is_from_memory_or_assumed_is_wide_or_says_why(name: str, values: Values, quantities: Quantities) -> None:
    for key, value in values.items():
        if value.evidence == "assumed":
            assert value.note, key
        if value.evidence == "memory" and key != "molar_mass":
            assert value.low is not None
            assert value.high is not None
            assert value.high - value.low >= 0.05 * abs(value.value), key


def test_the_pharmacy_holds_what_the_program_promises() -> None:
    assert set(drug_names()) >= {"doxorubicin", "idarubicin"}
    promised = "dc_bead_70_150 dc_bead_100_300 lifepearl_200 hepasphere_30_60 tandem_100 bland_100_300 gelatin_pledgets"
    assert set(particle_names()) == set(promised.split())
    assert oil_names() == ("lipiodol",)


def test_every_drug_that_something_binds_is_in_the_pharmacy() -> None:
    bound = {drug for name in particle_names() for drug in load_particles(name).drugs}
    bound |= {drug for name in oil_names() for drug in load_oil(name).drugs}
    assert bound <= set(drug_names())


@pytest.mark.parametrize(
    ("load", "name", "nearest"),
    [
        (load_drug, "doxorubicine", "doxorubicin"),
        (load_particles, "dc_beads_100_300", "dc_bead_100_300"),
        (load_oil, "lipidol", "lipiodol"),
    ],
)
def test_an_unknown_name_offers_the_nearest(load, name: str, nearest: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=f"did you mean '{nearest}'"):
        load(name)


def test_a_dose_is_counted_as_the_salt_and_turned_into_mol_of_the_drug() -> None:
    drug = load_drug("doxorubicin")
    assert drug.amount_of(57.998) == pytest.approx(1e-4)
    assert drug.dose_of(drug.amount_of(75.0)) == pytest.approx(75.0)


def test_a_constant_that_a_drug_lacks_is_named_and_has_no_default() -> None:
    values = {key: value for key, value in load_drug("doxorubicin").values.items() if key != "free_diffusivity"}
    with pytest.raises(InputError, match=r"drug 'mine'.*no value for 'free_diffusivity'.*interstitium"):
        Drug("mine", "Mine", values).value("free_diffusivity")


def test_a_misspelt_quantity_of_a_drug_offers_the_nearest() -> None:
    value = load_drug("doxorubicin").values["free_diffusivity"]
    with pytest.raises(InputError, match="did you mean 'free_diffusivity'"):
        Drug("mine", "Mine", {"free_difusivity": value})


@pytest.mark.parametrize(("number", "unit"), [(-1e-10, "m2/s"), (1.0, "m2/s"), (1e-10, "cm2/s")])
def test_a_value_of_another_unit_or_where_nothing_real_lies_is_refused(number: float, unit: str) -> None:
    value = Value(number, unit, None, None, None, "typing error", "given")
    with pytest.raises(InputError, match=r"free_diffusivity.*1e-14 to 3e-09 m2/s"):
        Drug("mine", "Mine", {"free_diffusivity": value})


@pytest.mark.parametrize("change", [{"source": "nowhere"}, {"low": None, "high": None}])
def test_a_number_of_a_data_file_without_known_source_or_spread_is_refused(change: dict[str, object]) -> None:
    record = {"value": 0.5, "unit": "kg/mol", "low": 0.4, "high": 0.6, "source": "memory", "evidence": "memory"}
    with pytest.raises(InputError, match="complete the data file"):
        read_values({"molar_mass": record | change}, drugs.QUANTITIES, where="drugs/mine.yaml")


def test_beads_hold_what_is_usually_prescribed() -> None:
    for name in particle_names():
        for loading in load_particles(name).drugs.values():
            assert loading.value("usual_load") <= loading.value("capacity"), (name, loading.drug)


def test_beads_and_oil_hold_so_much_and_not_more() -> None:
    beads, oil = load_particles("dc_bead_100_300"), load_oil("lipiodol")
    assert beads.largest_dose_mg("doxorubicin", 2.0) == pytest.approx(90.0)
    assert beads.smallest_volume_ml("doxorubicin", 150.0) == pytest.approx(10.0 / 3.0)
    assert oil.largest_dose_mg("doxorubicin", 2.0) == pytest.approx(50.0)


def test_a_drug_that_particles_do_not_bind_is_refused() -> None:
    with pytest.raises(InputError, match="these particles bind none"):
        load_particles("bland_100_300").loading("doxorubicin")
    with pytest.raises(InputError, match="one of doxorubicin, idarubicin"):
        load_particles("tandem_100").loading("paclitaxel")
    with pytest.raises(InputError, match="one of doxorubicin, idarubicin"):
        load_oil("lipiodol").emulsion("paclitaxel")


def test_a_spread_of_diameters_makes_the_mean_bead_larger_and_fewer() -> None:
    beads = load_particles("dc_bead_100_300")
    sharp = Particles(
        beads.name, beads.title, {**beads.values, "diameter": load_particles("lifepearl_200").values["diameter"]}, {}
    )
    assert beads.mean_volume > sharp.mean_volume > 4.18e-12
    assert 1e5 < beads.number_in(1.0) < sharp.number_in(1.0)


def test_doxorubicin_makes_beads_smaller() -> None:
    for name in ("dc_bead_100_300", "lifepearl_200", "hepasphere_30_60", "tandem_100"):
        beads = load_particles(name)
        assert beads.loaded_diameter("doxorubicin") < beads.loaded_diameter(None)


def test_diffusion_alone_is_an_exchange_whose_isotherm_is_the_partition() -> None:
    beads = load_particles("dc_bead_100_300")
    loading, exchange = beads.loading("doxorubicin"), beads.exchange("doxorubicin", "diffusion")
    held = equilibrium_load(0.3, capacity=exchange.capacity, half_saturation=exchange.half_saturation)
    bead_share = beads.value("packing") * loading.value("diameter_ratio") ** 3
    assert held == pytest.approx(0.3 * loading.value("partition") * bead_share, rel=1e-3)
    assert exchange.rate == pytest.approx(15.0 * loading.value("bead_diffusivity") / 80e-6**2)


def test_ion_exchange_has_the_constants_of_the_data_file() -> None:
    beads = load_particles("dc_bead_100_300")
    loading, exchange = beads.loading("doxorubicin"), beads.exchange("doxorubicin", "ion_exchange")
    assert exchange.capacity == loading.capacity
    assert exchange.rate == loading.value("exchange_rate")


def test_both_drugs_find_the_same_number_of_sites() -> None:
    for name in particle_names():
        capacities = [loading.capacity for loading in load_particles(name).drugs.values()]
        assert not capacities or max(capacities) < 1.01 * min(capacities)
