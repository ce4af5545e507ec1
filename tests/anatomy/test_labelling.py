# SPDX-License-Identifier: LGPL-3.0-or-later
from __future__ import annotations

import pytest

from imagio_sim.anatomy.labelling import ROLES, LabelledTissue, organ_pack, organ_pack_names, pack_data, resolve_tissues
from imagio_sim.errors import InputError, InputErrors
from imagio_sim.tissue import tissue_names

BOTH_SIDES = [
    "kidney",
    "adrenal_gland",
    "lung_lower_lobe",
    "lung_upper_lobe",
    "iliac_artery",
    "iliac_vena",
    "humerus",
    "scapula",
    "clavicula",
    "femur",
    "hip",
    "gluteus_maximus",
    "gluteus_medius",
    "gluteus_minimus",
    "autochthon",
    "iliopsoas",
    "common_carotid_artery",
    "subclavian_artery",
    "brachiocephalic_vein",
    "kidney_cyst",
]
ONE = [
    "spleen",
    "gallbladder",
    "liver",
    "stomach",
    "pancreas",
    "lung_middle_lobe_right",
    "esophagus",
    "trachea",
    "thyroid_gland",
    "small_bowel",
    "duodenum",
    "colon",
    "urinary_bladder",
    "prostate",
    "sacrum",
    "vertebrae_S1",
    "vertebrae_L5",
    "vertebrae_T12",
    "vertebrae_C1",
    "heart",
    "aorta",
    "pulmonary_vein",
    "brachiocephalic_trunk",
    "atrial_appendage_left",
    "superior_vena_cava",
    "inferior_vena_cava",
    "portal_vein_and_splenic_vein",
    "spinal_cord",
    "brain",
    "skull",
    "rib_left_1",
    "rib_right_12",
    "sternum",
    "costal_cartilages",
]
TOTALSEGMENTATOR = [*ONE, *(f"{name}_{side}" for name in BOTH_SIDES for side in ("left", "right"))]


@pytest.mark.parametrize("pack", organ_pack_names())
def test_every_label_of_totalsegmentator_has_a_tissue(pack: str) -> None:
    assert len(resolve_tissues(TOTALSEGMENTATOR, pack=pack, overrides={})) == len(TOTALSEGMENTATOR)


@pytest.mark.parametrize("pack", organ_pack_names())
def test_packs_use_known_tissues_and_roles(pack: str) -> None:
    for pattern in organ_pack(pack).patterns:
        assert pattern.labelled.role in ROLES
        assert pattern.labelled.tissue in tissue_names()
    assert set(pack_data("body")["roles"].values()) <= set(ROLES)


@pytest.mark.parametrize("pack", organ_pack_names())
def test_every_pack_knows_an_organ_and_a_tumour(pack: str) -> None:
    assert {"organ", "tumour"} <= {pattern.labelled.role for pattern in organ_pack(pack).patterns}


@pytest.mark.parametrize(
    ("pack", "label", "tissue", "role"),
    [
        ("liver", "liver", "liver", "organ"),
        ("liver", "Liver Tumor 2", "tumour_liver", "tumour"),
        ("liver", "tumours", "tumour_liver", "tumour"),
        ("liver", "hepatic_veins", "blood", "vessel"),
        ("liver", "biliary_tract", "bile", "bile"),
        ("liver", "liver_cysts", "water", "other"),
        ("liver", "liver_vessels", "blood", "vessel"),
        ("liver", "lung_lower_lobe_right", "lung_inflated", "lung"),
        ("lung", "right lung", "lung_inflated", "organ"),
        ("lung", "lung_nodule", "tumour_lung", "tumour"),
        ("lung", "thoracic vertebral column", "bone_cancellous", "bone"),
        ("lung", "liver", "liver", "other"),
        ("kidney", "kidney_left", "kidney", "organ"),
        ("kidney", "kidney_tumor", "tumour_kidney", "tumour"),
        ("soft_tissue", "GTV_Mass_CT", "soft_tissue_sarcoma", "tumour"),
        ("soft_tissue", "femur_left", "bone_cortical", "bone"),
    ],
)
def test_a_label_becomes_the_tissue_its_pack_means(pack: str, label: str, tissue: str, role: str) -> None:
    assert resolve_tissues([label], pack=pack, overrides={})[label] == LabelledTissue(tissue, role)


def test_an_override_changes_the_tissue_and_keeps_the_role() -> None:
    resolved = resolve_tissues(["liver", "blob"], pack="liver", overrides={"liver": "muscle", "blob": "hcc"})
    assert resolved == {"liver": LabelledTissue("muscle", "organ"), "blob": LabelledTissue("hcc", "tumour")}


def test_the_coded_meaning_is_asked_where_the_name_is_not_known() -> None:
    resolved = resolve_tissues(["Segment_1"], pack="liver", overrides={}, meanings={"Segment_1": "Rib"})
    assert resolved["Segment_1"].role == "bone"


def test_all_labels_without_a_tissue_are_refused_together_with_the_nearest() -> None:
    with pytest.raises(InputErrors) as refusal:
        resolve_tissues(["livr", "liver", "sphere"], pack="liver", overrides={}, where="a.yaml: patient")
    assert len(refusal.value.errors) == 2
    assert "a.yaml: patient: expected a label the pack knows (nearest: 'liver'), got label 'livr'" in str(refusal.value)


def test_a_bare_number_is_never_taken_for_a_tissue() -> None:
    with pytest.raises(InputErrors, match=r"label number 5, which has no name; .*names: \{5: liver\}"):
        resolve_tissues(["unnamed label 5"], pack="liver", overrides={})


def test_an_override_of_a_label_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputErrors, match=r"label 'tumor', which the patient does not have; did you mean 'tumour'\?"):
        resolve_tissues(["liver", "tumour"], pack="liver", overrides={"tumor": "hcc"})


def test_an_unknown_pack_is_refused() -> None:
    with pytest.raises(InputError, match=r"got 'livver'; did you mean 'liver'\?"):
        resolve_tissues(["liver"], pack="livver", overrides={})


def test_without_a_pack_every_label_needs_its_tissue() -> None:
    assert resolve_tissues(["liver"], pack=None, overrides={"liver": "liver"})["liver"].role == "organ"
    with pytest.raises(InputErrors, match="a tissue for each label"):
        resolve_tissues(["liver"], pack=None, overrides={})
