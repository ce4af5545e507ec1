# SPDX-License-Identifier: LGPL-3.0-or-later
"""From an infusion of a drug to what acts on the tissue: amounts, the organ, several infusions, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagio_sim.campaign.modalities import chemoembolisation
from imagio_sim.campaign.modalities.chemoembolisation import INTERSTITIUM, drug_constants, plasma_kinetics, sources
from imagio_sim.campaign.modalities.embolisation import closures
from imagio_sim.errors import ImagioError, InputError
from imagio_sim.pharmacy.drugs import QUANTITIES, Drug, load_drug
from imagio_sim.pharmacy.library import Pharmacy
from imagio_sim.pharmacy.liposomes import load_liposomes
from imagio_sim.pharmacy.particles import load_particles
from imagio_sim.plan import scenario_of, written
from imagio_sim.solve.drug_depots import BeadDepot, EmulsionDepot
from imagio_sim.solve.sources.drug import DrugSpec
from imagio_sim.tissue.library import load_tissue
from imagio_sim.tissue.properties import PROPERTIES, properties_used_by
from tests.campaign.embolised import ALL
from tests.campaign.test_embolisation import inside, setting

CONSTANTS = {"haematocrit": 0.4, "lymph_pressure": 0.0, "drug_necrosis_delay": 1.3e5}
MILLIGRAM = 1e-6 / load_drug("doxorubicin").value("dose_molar_mass")
"""Amount [mol] in a milligram of the dose."""


def beads(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "drug_eluting_beads",
        "organ": ["liver"],
        "particles": "dc_bead_100_300",
        "particle_volume": "2 ml",
        "drug": "doxorubicin",
        "drug_mass": "75 mg",
        "occlusion": "90 %",
        "territory": ALL,
        **changes,
    }


def emulsion(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "oil_emulsion",
        "organ": ["liver"],
        "drug": "doxorubicin",
        "drug_mass": "50 mg",
        "oil": "lipiodol",
        "oil_volume": "10 ml",
        "occlusion": "80 %",
        "territory": ALL,
        **changes,
    }


def given(folder: Path, *infusions: dict[str, Any], **where: Any) -> tuple[DrugSpec, ...]:
    made = setting(folder, {"infusions": list(infusions), "wait": "1 h"}, **where)
    made = type(made)(made.scenario, made.plan_name, made.stage, made.geometry, CONSTANTS)
    specs = sources(made)
    assert all(isinstance(one, DrugSpec) for one in specs)
    return specs  # type: ignore[return-value]


def test_beads_bring_their_dose_and_their_sites(tmp_path: Path) -> None:
    (spec,) = given(tmp_path, beads())
    (depot,) = spec.depots
    assert isinstance(depot, BeadDepot)
    loading = load_particles("dc_bead_100_300").loading("doxorubicin")
    assert depot.given == pytest.approx(75.0 * MILLIGRAM)
    assert depot.capacity == pytest.approx(2.0 * loading.value("capacity") * MILLIGRAM)
    assert depot.given < depot.capacity
    assert depot.unbound_share == loading.value("unbound_share") > 0.0
    assert depot.density.min() >= 0.0


def test_beads_that_release_by_diffusion_have_a_linear_isotherm_and_another_rate(tmp_path: Path) -> None:
    (ions,), (diffusing,) = (given(tmp_path, beads(release=law))[0].depots for law in ("ion_exchange", "diffusion"))
    assert isinstance(ions, BeadDepot)
    assert isinstance(diffusing, BeadDepot)
    assert diffusing.given == ions.given
    assert diffusing.half_saturation > 1e3 * ions.half_saturation
    assert diffusing.exchange_rate < ions.exchange_rate


def test_beads_that_release_by_diffusion_have_a_rate_and_sites_of_their_own(tmp_path: Path) -> None:
    ((exchanging,), (diffusing,)) = (
        given(tmp_path, beads(release=release))[0].depots for release in ("ion_exchange", "diffusion")
    )
    assert isinstance(exchanging, BeadDepot)
    assert isinstance(diffusing, BeadDepot)
    assert diffusing.given == exchanging.given
    assert diffusing.half_saturation > 1e3 * exchanging.half_saturation
    assert diffusing.exchange_rate != exchanging.exchange_rate


def test_an_emulsion_brings_its_dose_in_oil(tmp_path: Path) -> None:
    (spec,) = given(tmp_path, emulsion())
    (depot,) = spec.depots
    assert isinstance(depot, EmulsionDepot)
    assert depot.given == pytest.approx(50.0 * MILLIGRAM)
    assert 0.0 < depot.burst_share < 1.0


def test_infusions_of_one_drug_share_a_source_and_other_drugs_have_their_own(tmp_path: Path) -> None:
    specs = given(
        tmp_path,
        beads(name="first"),
        emulsion(name="second"),
        beads(name="third", drug="idarubicin", drug_mass="10 mg"),
    )
    assert [(spec.drug, [depot.name for depot in spec.depots]) for spec in specs] == [
        ("doxorubicin", ["first", "second"]),
        ("idarubicin", ["third"]),
    ]


def test_an_earlier_infusion_brings_nothing_again(tmp_path: Path) -> None:
    made = setting(tmp_path, {"infusions": [beads()], "wait": "1 h"}, {"wait": "1 h"}, stage=1)
    (spec,) = sources(type(made)(made.scenario, made.plan_name, 1, made.geometry, CONSTANTS))
    assert isinstance(spec, DrugSpec)
    assert [depot.given for depot in spec.depots] == [0.0]


def test_what_is_not_the_organ_holds_no_fluid_and_closed_vessels_filter_less(tmp_path: Path) -> None:
    mix = (0.25, 0.0, 0.75)
    (spec,) = given(tmp_path, beads(occlusion="90 %"), mix=mix)
    (weak,) = given(tmp_path, beads(occlusion="10 %"), mix=mix)
    cells = inside(setting(tmp_path, {"infusions": [beads()], "wait": "1 h"}))
    liver = load_tissue("liver").value
    assert spec.tissue.fluid[cells] == pytest.approx(0.75 * liver("interstitial_fraction"))
    assert spec.tissue.share[cells] == pytest.approx(0.75)
    assert (spec.tissue.filtration[cells] < weak.tissue.filtration[cells]).all()
    assert spec.tissue.filtration_pressure[cells] == pytest.approx(liver("filtration_pressure"))


@pytest.mark.parametrize("missing", ["free_diffusivity", "cell_uptake_maximum", "efflux_half_saturation"])
def test_a_drug_without_a_needed_constant_is_refused_with_its_name(missing: str) -> None:
    known = load_drug("doxorubicin")
    poor = Drug("doxorubicin", known.title, {name: value for name, value in known.values.items() if name != missing})
    with pytest.raises(InputError, match=f"no value for '{missing}'"):
        drug_constants(poor)
    assert missing in QUANTITIES


def test_a_drug_of_unknown_plasma_kinetics_is_refused() -> None:
    known = load_drug("doxorubicin")
    rest = {name: value for name, value in known.values.items() if name != "plasma_clearance"}
    with pytest.raises(InputError, match="no value for 'plasma_clearance'"):
        plasma_kinetics(Drug("doxorubicin", known.title, rest))


def test_values_of_the_pharmacy_that_a_scenario_gives_reach_the_source(tmp_path: Path) -> None:
    made = setting(tmp_path, {"infusions": [beads(), emulsion(particles="gelatin_pledgets")], "wait": "1 h"})

    def value(number: str) -> dict[str, str]:
        return {"value": number, "source": "a test"}

    values = {
        "doxorubicin": {"plasma_volume": value("20 l"), "free_diffusivity": value("1e-10 m^2/s")},
        "dc_bead_100_300": {"exchange_rate_doxorubicin": value("1e-5 1/s"), "diameter": value("250 um")},
        "lipiodol": {"release_rate_doxorubicin": value("1e-4 1/s"), "washout_rate_normal": value("2e-6 1/s")},
        "gelatin_pledgets": {"occlusion_time": value("3 days")},
    }
    data = {**written(made.scenario), "pharmacy_values": values}
    changed = replace(made, scenario=scenario_of(data, base=tmp_path, where="given"), constants=CONSTANTS)
    (spec,) = sources(changed)
    assert isinstance(spec, DrugSpec)
    bead, oil = spec.depots
    assert isinstance(bead, BeadDepot)
    assert isinstance(oil, EmulsionDepot)
    assert spec.body.plasma_volume == pytest.approx(0.02)
    assert spec.exchange.free_diffusivity == pytest.approx(1e-10)
    assert (bead.exchange_rate, oil.release_rate) == pytest.approx((1e-5, 1e-4))
    ratio = load_particles("dc_bead_100_300").loading("doxorubicin").value("diameter_ratio")
    assert bead.radius == pytest.approx(0.5 * ratio * 250e-6)
    assert oil.washout_rate.max() == pytest.approx(2e-6)
    first, second = closures(changed)
    assert (first.lasting, second.lasting) == (1e11, 3.0 * 86400.0)


def test_the_body_of_a_drug_is_that_of_the_liposomes_of_the_same_plan(tmp_path: Path) -> None:
    drip = {"kind": "liposomes", "formulation": "pegylated", "drug_mass": "50 mg", "infusion_time": "30 min"}
    (usual,), (heavy,) = given(tmp_path, beads(), drip), given(tmp_path, beads(), {**drip, "body_mass": "142 kg"})
    reference = load_liposomes("pegylated").value("reference_body_mass")
    assert usual.body.plasma_volume == load_drug("doxorubicin").value("plasma_volume")
    for name in ("plasma_volume", "clearance", "peripheral_volumes", "peripheral_flows"):
        scaled = np.array(getattr(usual.body, name)) * 142.0 / reference
        assert np.array(getattr(heavy.body, name)) == pytest.approx(scaled)


def test_a_drug_whose_effect_on_cells_nobody_knows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = load_drug("doxorubicin")
    monkeypatch.setattr(chemoembolisation, "_drug_of", lambda active: "unheard")
    monkeypatch.setattr(Pharmacy, "drug", lambda _, name: Drug(name, known.title, known.values))
    with pytest.raises(InputError, match="unheard"):
        given(tmp_path, beads())


def test_an_organ_whose_interstitium_nobody_knows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chemoembolisation, "fed_tissues", lambda anatomy, infusion: frozenset({"fat", "liver"}))
    with pytest.raises(InputError, match=r"tissue 'fat'.*'interstitial_fraction'"):
        given(tmp_path, beads(), mix=(0.2, 0.0, 0.8))


def test_too_much_drug_for_the_oil_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImagioError, match=r"drug_mass: expected at most 250 mg"):
        given(tmp_path, emulsion(drug_mass="300 mg"))


def test_what_is_asked_of_a_tissue_is_declared_for_this_modality() -> None:
    assert set(INTERSTITIUM) <= properties_used_by(["chemoembolisation"])
    assert not set(INTERSTITIUM) & properties_used_by(["radiofrequency"])
    for name in INTERSTITIUM:
        assert "hcc" in [tissue for tissue in ("liver", "hcc") if name in load_tissue(tissue).values]
        assert PROPERTIES[name].meaning


def test_the_density_of_beads_holds_all_of_them_in_the_region(tmp_path: Path) -> None:
    made = setting(tmp_path, {"infusions": [beads(territory={"sphere": SMALL})], "wait": "1 h"})
    (active,) = made.infusions("chemoembolisation")
    assert active.delivered is not None
    density = made.cell_density(active.delivered)
    points = made.geometry.domain.points_mm[made.geometry.domain.cells] * 1e-3
    volume = np.abs(np.linalg.det(points[:, 1:] - points[:, :1])) / 6.0
    assert float(density @ volume) == pytest.approx(1.0, rel=1e-6)


SMALL = {"centre": [20, 20, 18], "diameter": "1 cm"}
