# SPDX-License-Identifier: LGPL-3.0-or-later
"""Scenario files in and out: YAML to a checked :class:`Scenario` and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import TaggedUnionSchema

from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan.axisymmetry import axisymmetry_faults
from imagio_sim.plan.device_values import CONTEXT, devices_given
from imagio_sim.plan.fault_reports import errors_of, path_text
from imagio_sim.plan.geometry_checks import geometry_faults
from imagio_sim.plan.model import Fault
from imagio_sim.plan.paths import place_of, put
from imagio_sim.plan.scenario import Scenario
from imagio_sim.plan.stages import Plan


class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys, which would otherwise drop the first one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused below, with its line
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} given twice, first in line {seen[key]}", key_node.start_mark
                )
            seen[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep)


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario file and check it; every fault found is reported, with its path inside the file.

    Raises
    ------
    InputError, InputErrors
        The file is missing, is no YAML, or does not describe a scenario.
    """
    path = Path(path)
    return scenario_of(parse_yaml(_text_of(path), str(path)), base=path.parent, where=str(path))


def scenario_of(data: Mapping[str, Any], *, base: Path, where: str) -> Scenario:
    """A checked scenario from parsed data.

    Parameters
    ----------
    data
        What the file holds.
    base
        Folder that relative file names start from.
    where
        Name of the file, for errors.
    """
    try:
        scenario = Scenario.model_validate(data, context={"base": base, "where": where} | _devices(data))
    except ValidationError as error:
        raise InputErrors(
            [*errors_of(error, data, where), *_located(_faults_of_valid_plans(data, base), data, where)]
        ) from error
    faults = [
        fault.below("plans", name)
        for name, plan in scenario.plans.items()
        for fault in geometry_faults(plan, scenario.frame, base)
    ]
    faults = faults or list(axisymmetry_faults(scenario))
    if faults:
        raise InputErrors(_located(faults, data, where))
    return scenario


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """A copy with other values, checked like a file.

    Parameters
    ----------
    changes
        Path as errors write it (``plans.A.applicators[0].power``) to what would stand there in the file
        (``"50 W"``); see :mod:`imagio_sim.plan.paths`.
    """
    data = written(scenario)
    for path, value in changes.items():
        put(data, place_of(data, path, scenario.origin), value)
    return scenario_of(data, base=scenario.base, where=scenario.origin)


def written(scenario: Scenario) -> dict[str, Any]:
    """The scenario as plain data that :func:`scenario_of` reads back to an equal one."""
    data: dict[str, Any] = yaml.safe_load(yaml_text(scenario))
    return data


def yaml_text(scenario: Scenario) -> str:
    """The scenario as YAML."""
    return yaml.safe_dump(scenario.model_dump(by_alias=True, exclude_none=True), sort_keys=False, allow_unicode=True)


class _AnyVariant(GenerateJsonSchema):
    """Variants as ``anyOf``: programs of several modalities share a mode, and the device tells them apart."""

    def tagged_union_schema(self, schema: TaggedUnionSchema) -> JsonSchemaValue:
        made = super().tagged_union_schema(schema)
        return {"anyOf" if name == "oneOf" else name: value for name, value in made.items()}


def json_schema() -> dict[str, Any]:
    """JSON Schema of a scenario file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Scenario.model_json_schema(by_alias=True, schema_generator=_AnyVariant),
    }


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """A YAML mapping; syntax errors and duplicate keys are reported with their line."""
    try:
        data = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _yaml_error(error, where) from error
    if not isinstance(data, dict):
        raise InputError(
            where,
            found=f"{type(data).__name__} at the top",
            allowed="a mapping with schema, name, patient ...",
            remedy="see the files in scenarios/",
        )
    return data


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            str(path),
            found=(error.strerror or "an unreadable file").lower(),
            allowed="a scenario file",
            remedy="check the path",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            str(path),
            found="bytes that are no UTF-8 text",
            allowed="a YAML file",
            remedy="give the scenario, not an image",
        ) from error


def _yaml_error(error: yaml.YAMLError, where: str) -> InputError:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return InputError(where, found="no YAML", allowed="a YAML file", remedy=" ".join(str(error).split()))
    line = error.problem_mark.line + 1
    return InputError(
        f"{where}: line {line}", found=error.problem or "an error", allowed="valid YAML", remedy="mend this line"
    )


def _faults_of_valid_plans(data: Mapping[str, Any], base: Path) -> list[Fault]:
    """Geometry faults of the plans that can be read although something else in the file cannot."""
    plans, frame = data.get("plans"), data.get("frame")
    if not isinstance(plans, dict) or frame not in ("RAS", "LPS"):
        return []
    found: list[Fault] = []
    for name, given in plans.items():
        try:
            plan = Plan.model_validate(given, context=_devices(data))
        except ValidationError:
            continue
        found += [fault.below("plans", name) for fault in geometry_faults(plan, frame, base)]
    return found


def _devices(data: Mapping[str, Any]) -> dict[str, Any]:
    """What plans have to know of the file that they stand in."""
    return {CONTEXT: devices_given(data.get("device_values"))}


def _located(faults: list[Fault], data: Mapping[str, Any], where: str) -> list[InputError]:
    return [fault.misfit.at(f"{where}: {path_text(fault.path, data, keep_last=True)}") for fault in faults]
