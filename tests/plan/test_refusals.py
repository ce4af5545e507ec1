# SPDX-License-Identifier: LGPL-3.0-or-later
"""Everything a scenario may get wrong, each with the place, what was found, what is allowed and what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagio_sim.errors import ImagioError, InputError, InputErrors
from imagio_sim.plan import load_scenario

Refuse = Callable[[dict[str, Any]], tuple[InputError, ...]]

NEEDLE = {"device": "cooled_17g_3cm", "entry": [110, 20, 30], "tip": [5, 20, 30]}
SECOND = {"device": "cooled_17g_3cm", "entry": [110, 50, 30], "tip": [5, 50, 30]}
PROGRAM = {"mode": "constant_power", "power": "60 W", "duration": "12 min"}
A = "plans.A"


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        # units
        ({f"{A}.program.power": 60}, f"{A}.program.power", "without a unit"),
        ({f"{A}.program.power": "60"}, f"{A}.program.power", "without a unit"),
        ({f"{A}.program.power": "60 min"}, f"{A}.program.power", "which is no power"),
        ({f"{A}.program.power": "-60 W"}, f"{A}.program.power", "-60 W"),
        ({f"{A}.program.power": "nan W"}, f"{A}.program.power", "nan W"),
        ({f"{A}.program.duration": "0 s"}, f"{A}.program.duration", "0 s"),
        ({f"{A}.program.duration": "3 days"}, f"{A}.program.duration", "86400 s"),
        ({f"{A}.program.cooling_phase": "-1 s"}, f"{A}.program.cooling_phase", "-1 s"),
        ({"target.sphere.diameter": "3 Mm"}, "target.sphere.diameter", "3 Mm"),
        ({"patient.body_temperature": "43 degC min"}, "patient.body_temperature", "no temperature"),
        ({"patient.body_temperature": "98 degC"}, "patient.body_temperature", "45 degC"),
        ({"expected_run_time": 60}, "expected_run_time", "without a unit"),
        # keys and names
        ({f"{A}.program.powr": "60 W"}, f"{A}.program.powr", "did you mean 'power'?"),
        ({f"{A}.aplicators": []}, f"{A}.aplicators", "did you mean 'applicators'?"),
        ({"patiant": {}}, "patiant", "did you mean 'patient'?"),
        ({"patient.labels[0].nmes": {}}, "patient.labels[0].nmes", "did you mean 'names'?"),
        ({"target.sphere.center": [0, 0, 0]}, "target.sphere.center", "did you mean 'centre'?"),
        ({"constraints[0].at_leest": "1 %"}, "constraints[0].at_leest", "did you mean 'at_least'?"),
        ({"constraints[0].quantity": "target_covrage"}, "constraints[0]", "did you mean 'target_coverage'?"),
        ({"constraints[0].quantity": ...}, "constraints[0]", "no quantity"),
        ({f"{A}.program.mode": "constant_pwr"}, f"{A}.program", "did you mean 'constant_power'?"),
        ({f"{A}.program.mode": ...}, f"{A}.program", "no mode"),
        (
            {f"{A}.applicators[0].device": "cooled_17g_3cn"},
            f"{A}.applicators[0].device",
            "did you mean 'cooled_17g_3cm'?",
        ),
        ({"patient.outside": "muscel"}, "patient.outside", "did you mean 'muscle'?"),
        ({"patient.outside": "cut"}, "patient.outside", "cut with a boundary"),
        ({"patient.outside": {"cut": "open"}}, "patient.outside.cut", "insulated"),
        ({"patient.tissues": {"liver": "lver"}}, "patient.tissues.liver", "did you mean 'liver'?"),
        ({"patient.unlabelled": {"by_h": []}}, "patient.unlabelled", "one of by_hu"),
        ({"target": {"cube": {}}}, "target", "with one of label, sphere, ellipsoid"),
        (
            {"tissue_values": {"liver": {"perfusion": {"value": "1 1/s", "source": "me"}}}},
            "tissue_values.liver.perfusion",
            "did you mean 'perfusion_rate'?",
        ),
        ({"tissue_values": {"livr": {}}}, "tissue_values.livr", "did you mean 'liver'?"),
        ({"patient.organ_pack": "livr"}, "patient.organ_pack", "did you mean 'liver'?"),
        ({"frame": "RPI"}, "frame", "one of RAS, LPS"),
        ({"ground": "romote"}, "ground", "did you mean 'remote'?"),
        ({"solver": {"resolution": "fin"}}, "solver.resolution", "did you mean 'fine'?"),
        ({"schema": 2}, "schema", "one of 1"),
        ({"name": "a b"}, "name", "name a folder"),
        ({"plans": {"A/B": {"wait": "1 min"}}}, "plans.A/B", "name a folder"),
        ({"question": ...}, "question", "add question"),
        ({"plans": {}}, "plans", "at least 1"),
        ({"plans": {"A": {"stages": []}}}, "plans.A.stages", "at least 1"),
        # tissue values
        (
            {"tissue_values.liver.perfusion_rate.value": "0.0064 W"},
            "tissue_values.liver.perfusion_rate.value",
            "no perfusion_rate",
        ),
        (
            {"tissue_values.liver.perfusion_rate.value": 0.0064},
            "tissue_values.liver.perfusion_rate.value",
            "without a unit",
        ),
        ({"tissue_values.liver.perfusion_rate.value": "64 1/s"}, "tissue_values.liver.perfusion_rate.value", "0.2 1/s"),
        (
            {"tissue_values.liver.perfusion_rate.spread": "-1 1/s"},
            "tissue_values.liver.perfusion_rate.spread",
            "-1 1/s",
        ),
        ({"tissue_values.liver.perfusion_rate.source": ...}, "tissue_values.liver.perfusion_rate.source", "add source"),
        # values of the pharmacy and of the death models
        ({"pharmacy_values": {"doxorubicine": {}}}, "pharmacy_values.doxorubicine", "did you mean 'doxorubicin'?"),
        (
            {"pharmacy_values": {"doxorubicin": {"plasma_clearence": {"value": "1 l/min", "source": "me"}}}},
            "pharmacy_values.doxorubicin.plasma_clearence",
            "did you mean 'plasma_clearance'?",
        ),
        (
            {"pharmacy_values": {"doxorubicin": {"dose_molar_mass": {"value": "0.6 kg/mol", "source": "me"}}}},
            "pharmacy_values.doxorubicin.dose_molar_mass",
            "that may be given",
        ),
        (
            {"pharmacy_values": {"doxorubicin": {"plasma_clearance": {"value": "1 l", "source": "me"}}}},
            "pharmacy_values.doxorubicin.plasma_clearance.value",
            "no plasma_clearance",
        ),
        ({"death_values": {"drug_exposur": {}}}, "death_values.drug_exposur", "did you mean 'drug_exposure'?"),
        (
            {"death_values": {"drug_exposure": {"steepnes": {"value": 2.0, "source": "me"}}}},
            "death_values.drug_exposure.steepnes",
            "did you mean 'steepness'?",
        ),
        (
            {"death_values": {"drug_exposure": {"dead_survival": {"value": 1.0, "source": "me"}}}},
            "death_values.drug_exposure.dead_survival.value",
            "0.999",
        ),
        # patient
        ({"patient.labels": [], "patient.outside": {"cut": "skin"}}, "patient.labels", "homogeneous phantom"),
        ({"patient.image": ...}, "patient.unlabelled", "by_hu without an image"),
        ({"patient.labels[0].name": "liver"}, "patient.labels[0].names", "both name and names"),
        ({"patient.unlabelled.by_hu[1].below": "0 HU"}, "patient.unlabelled.by_hu[1].below", "end with a rule"),
        (
            {"patient.unlabelled.by_hu": [{"tissue": "air"}, {"tissue": "fat"}]},
            "patient.unlabelled.by_hu[0].below",
            "no limit",
        ),
        (
            {
                "patient.unlabelled.by_hu": [
                    {"below": "0 HU", "tissue": "air"},
                    {"below": "-9 HU", "tissue": "air"},
                    {"tissue": "fat"},
                ]
            },
            "patient.unlabelled.by_hu[1].below",
            "-9 HU",
        ),
        # structures and constraints
        (
            {"critical_structures": [{"label": "a"}, {"labels": ["b"], "name": "a"}]},
            "critical_structures[1]",
            "second time",
        ),
        ({"critical_structures": [{}]}, "critical_structures[0]", "neither of label and labels"),
        (
            {"critical_structures": [{"label": "a", "labels": ["a", "b"]}]},
            "critical_structures[0]",
            "both of label and labels",
        ),
        ({"constraints[0].at_least": ...}, "constraints[0]", "neither of at_least and at_most"),
        ({"constraints[0].at_most": "100 %"}, "constraints[0]", "both of at_least and at_most"),
        ({"constraints[0].warn": "98 %"}, "constraints[0].warn", "a value above at_least"),
        ({"constraints[0].structure": "gallbladder"}, "constraints[0].structure", "plan as a whole"),
        (
            {"constraints": [{"name": "a", "quantity": "distance", "at_least": "5 mm"}]},
            "constraints[0].structure",
            "the name of a critical structure",
        ),
        (
            {"constraints": [{"name": "a", "quantity": "distance", "at_least": "5 mm", "structure": "galbladder"}]},
            "constraints[0].structure",
            "did you mean 'gallbladder'?",
        ),
        (
            {
                "constraints": [
                    {"name": "a", "quantity": "long_axis", "at_least": "5 mm"},
                    {"name": "a", "quantity": "short_axis", "at_least": "5 mm"},
                ]
            },
            "constraints[1].name",
            "second time",
        ),
        # applicators
        ({f"{A}.applicators[0].tip": [110, 20, 30]}, f"{A}.applicators[0].tip", "the same point as entry"),
        ({f"{A}.applicators[0].tip": [1, 2]}, f"{A}.applicators[0].tip[2]", "too short"),
        ({f"{A}.applicators[0].tip": [1, 2, float("nan")]}, f"{A}.applicators[0].tip[2]", "finite"),
        ({f"{A}.applicators[0].tip": [1, 2, 1e9]}, f"{A}.applicators[0].tip[2]", "3000"),
        ({f"{A}.applicators[0].tip": ...}, f"{A}.applicators[0].tip", "add tip"),
        ({f"{A}.applicators[0].entry": ..., f"{A}.applicators[0].tip": ...}, f"{A}.applicators[0]", "no place"),
        ({f"{A}.applicators[0].markup": "a.mrk.json"}, f"{A}.applicators[0]", "both a markup and coordinates"),
        (
            {f"{A}.applicators[0]": {"device": "cooled_17g_3cm", "markup": "a.mrk.json"}},
            f"{A}.applicators[0].markup",
            "no such file",
        ),
        ({f"{A}.applicators[0].deployment": "3 cm"}, f"{A}.applicators[0].deployment", "nothing to deploy"),
        (
            {f"{A}.applicators[0].device": "starburst_xl", f"{A}.applicators[0].deployment": "9 cm"},
            f"{A}.applicators[0].deployment",
            "20 mm to 50 mm",
        ),
        ({f"{A}.applicators[0].start": "-5 s"}, f"{A}.applicators[0].start", "-5 s"),
        ({f"{A}.applicators": [NEEDLE, NEEDLE]}, f"{A}.applicators[1]", "do not touch"),
        (
            {f"{A}.applicators": [NEEDLE, {**NEEDLE, "entry": [20, 110, 30], "tip": [20, -50, 30]}]},
            f"{A}.applicators[1]",
            "do not touch",
        ),
        (
            {f"{A}.applicators": [{**NEEDLE, "name": "n"}, {**SECOND, "name": "n"}]},
            f"{A}.applicators[1].name",
            "second time",
        ),
        # programs and generators
        ({f"{A}.program": ...}, f"{A}.applicators[0].program", "add program"),
        ({f"{A}.applicators": []}, f"{A}.program", "without an applicator"),
        ({"plans": {"A": {"name": "nothing"}}}, "plans.A", "neither applicators nor a wait"),
        ({f"{A}.program.power": "300 W"}, f"{A}.program.power", "at most 200 W"),
        (
            {f"{A}.program": {"mode": "constant_voltage", "voltage": "300 V", "duration": "1 min"}},
            f"{A}.program.voltage",
            "at most 253 V",
        ),
        (
            {f"{A}.program": {"mode": "constant_current", "current": "2500 mA", "duration": "1 min"}},
            f"{A}.program.current",
            "at most 2 A",
        ),
        (
            {f"{A}.program": {"mode": "temperature_control", "target_temperature": "105 degC", "duration": "1 min"}},
            f"{A}.program.mode",
            "one of constant_power",
        ),
        (
            {
                f"{A}.program": {
                    "mode": "impedance_control",
                    "duration": "1 min",
                    "initial_power": "80 W",
                    "max_power": "60 W",
                }
            },
            f"{A}.program.initial_power",
            "at most max_power",
        ),
        (
            {f"{A}.program": {"mode": "impedance_control", "duration": "1 min", "resume_fraction": 1.5}},
            f"{A}.program.resume_fraction",
            "less than or equal to 1",
        ),
        ({f"{A}.program.modality": "microwave"}, f"{A}.program.modality", "radiofrequency"),
        ({f"{A}.program.modality": "cryo"}, f"{A}.program", "mode"),
        # pairs
        (
            {f"{A}.applicators[0].return_electrode": "other"},
            f"{A}.applicators[0].return_electrode",
            "another applicator",
        ),
        (
            {f"{A}.applicators": [{**NEEDLE, "return_electrode": "b"}, {**SECOND, "name": "b", "program": PROGRAM}]},
            f"{A}.applicators[0].return_electrode",
            "its own program",
        ),
        (
            {
                f"{A}.applicators": [
                    {**NEEDLE, "return_electrode": "b"},
                    {**SECOND, "name": "b", "device": "bipolar_15g_2x2cm"},
                ]
            },
            f"{A}.applicators[0].return_electrode",
            "bipolar by itself",
        ),
        (
            {
                f"{A}.applicators": [
                    {**NEEDLE, "name": "a", "return_electrode": "b"},
                    {**SECOND, "name": "b", "return_electrode": "c"},
                    {**NEEDLE, "name": "c", "entry": [110, 80, 30], "tip": [5, 80, 30]},
                ]
            },
            f"{A}.applicators[0].return_electrode",
            "a return electrode itself",
        ),
        (
            {
                f"{A}.applicators": [
                    {**NEEDLE, "return_electrode": "b"},
                    {**SECOND, "name": "b"},
                    {**NEEDLE, "entry": [110, 80, 30], "tip": [5, 80, 30], "return_electrode": "b"},
                ]
            },
            f"{A}.applicators[2].return_electrode",
            "for the second time",
        ),
        # stages
        (
            {"plans.A": {"stages": [{"name": "s", "wait": "1 h"}, {"name": "s", "wait": "1 h"}]}},
            "plans.A.stages[1].name",
            "second time",
        ),
        (
            {"plans.A": {"stages": [{"wait": "1 h"}, {"wait": "1 h", "start": "1 min"}]}},
            "plans.A.stages[1].start",
            "3600 s or later",
        ),
        ({"plans.A": {"stages": [{"wait": "-1 h"}]}}, "plans.A.stages[0].wait", "-1 h"),
    ],
)
def test_it_is_refused_at_its_place_with_a_reason(
    changes: dict[str, Any], where: str, says: str, refusals: Refuse
) -> None:
    errors = refusals(changes)
    assert len(errors) == 1, [str(error) for error in errors]
    assert errors[0].where == f"small.yaml: {where}"
    assert says in str(errors[0])
    assert "\n" not in str(errors[0])


def test_all_faults_of_a_file_are_reported_together(refusals: Refuse) -> None:
    errors = refusals(
        {
            f"{A}.program.power": "-60 W",
            "patient.outside": "muscel",
            "patiant": {},
            "plans.B": {"applicators": [NEEDLE, NEEDLE], "program": PROGRAM},
            "plans.C": {"applicators": [{**NEEDLE, "tip": [110, 20, 30]}], "program": {**PROGRAM, "power": "300 W"}},
        }
    )
    assert {error.where.removeprefix("small.yaml: ") for error in errors} == {
        "plans.A.program.power",
        "patient.outside",
        "patiant",
        "plans.B.applicators[1]",
        "plans.C.applicators[0].tip",
    }


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("name: a\nname: b\n", "line 2", "key 'name' given twice, first in line 1"),
        ("plans:\n  A: {}\n  A: {}\n", "line 3", "key 'A' given twice"),
        ("plans: [a\n", "line 2", "but got '<stream end>'"),
        ("a: b: c\n", "line 1", "mapping values are not allowed"),
        ("\t- a\n", "line 1", "cannot start any token"),
        ("a: !!python/object:os.system 1\n", "line 1", "could not determine a constructor"),
        ("a: \x00\n", "", "special characters"),
        ("{[1]: 2}\n", "line 1", "unhashable"),
    ],
)
def test_broken_yaml_is_one_line_with_its_line_number(text: str, where: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as refusal:
        load_scenario(file)
    assert where in refusal.value.where
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_a_file_that_holds_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text(text)
    with pytest.raises(InputError, match="a mapping with schema"):
        load_scenario(tmp_path / "list.yaml")


def test_a_missing_file_a_folder_and_an_image_are_refused(tmp_path: Path) -> None:
    (tmp_path / "image.nii.gz").write_bytes(b"\x1f\x8b\x08\xff\xfe")
    for path, says in (
        (tmp_path / "no.yaml", "no such file"),
        (tmp_path, "directory"),
        (tmp_path / "image.nii.gz", "UTF-8"),
    ):
        with pytest.raises(InputError, match=says):
            load_scenario(path)


def test_an_error_names_the_file_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("schema: 1\n")
    with pytest.raises(InputErrors) as refusal:
        load_scenario(tmp_path / "x.yaml")
    assert str(refusal.value).startswith(f"{tmp_path / 'x.yaml'}: name: ")


def test_an_unknown_plan_is_refused_with_the_nearest(scenario: Callable[..., Any]) -> None:
    with pytest.raises(ImagioError, match="one of A"):
        scenario().plan("B")
