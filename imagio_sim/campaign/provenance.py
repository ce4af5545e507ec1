# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a result rests on: versions of the programs, and every tissue constant with its source."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib import metadata
from typing import Any

import imagio_sim
from imagio_sim.devices.constants import GIVEN
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from imagio_sim.plan import Scenario, assignments, resolved_plan
from imagio_sim.tissue import source_text
from imagio_sim.tissue.constants import constants_used_by
from imagio_sim.tissue.contraction import contraction_table
from imagio_sim.tissue.death import death_records
from imagio_sim.tissue.dielectric import band_of, load_model
from imagio_sim.tissue.properties import properties_used_by
from imagio_sim.tissue.value import Value
from imagio_sim.view.report import MEMORY, Constant

PACKAGES = ("numpy", "scipy", "pyvista", "meshio", "nibabel", "SimpleITK", "highdicom", "h5py")


def versions() -> dict[str, str]:
    """Versions of everything that takes part in a result."""
    import dolfinx
    from petsc4py import PETSc

    found = {"imagio-sim": imagio_sim.__version__, "python": platform.python_version()}
    found |= {"dolfinx": dolfinx.__version__, "petsc": ".".join(map(str, PETSc.Sys.getVersion()))}
    for package in PACKAGES:
        found[package] = metadata.version(package)
    return found


def tissue_record(scenario: Scenario, plan_name: str, names: Iterable[str]) -> dict[str, Any]:
    """Every value that a plan uses of the named tissues, of laws, death models and contraction, with its source."""
    modalities, agents = scenario.plan(plan_name).modalities, scenario.plan(plan_name).agents
    properties, constants = properties_used_by(modalities), constants_used_by(modalities)
    table = contraction_table()
    return {
        "patient": {"body_temperature": written(scenario.patient.body_temperature_value)},
        "tissues": {
            name: {key: written(value) for key, value in scenario.tissue(name).values.items() if key in properties}
            for name in names
        },
        "laws": {name: written(value) for name, value in scenario.law_constants().items() if name in constants},
        "dielectric_laws": {name: written(value) for name, value in _dielectric_laws(scenario, plan_name).items()},
        "death_models": {
            name: {key: written(value) for key, value in scenario.death_model_values(name).items()}
            for name, record in death_records().items()
            if record.agent in agents
        },
        "contraction": {
            "share shown": written(table.shown),
            f"length ratio of {table.collapse.tissue} without air": written(table.collapse.length_ratio),
            "temperature at which it loses its air": written(table.collapse.onset),
            "share of that shown": written(table.collapse.shown),
            **{
                f"of {table.tissue} at {temperature:g} degC": written(value)
                for temperature, value in zip(table.temperatures, table.values, strict=True)
            },
        },
    }


def constants_used(scenario: Scenario, plan_name: str, tissues: Iterable[str]) -> Iterator[Constant]:
    """Every constant that a plan uses, of the patient, the tissues, the laws, the death models and the devices."""
    record = tissue_record(scenario, plan_name, tissues)
    owners = {"patient": record["patient"], **record["tissues"], "laws": record["laws"]}
    owners |= {"dielectric laws": record["dielectric_laws"], **record["death_models"]}
    owners |= {"contraction": record["contraction"]}
    for owner, values in owners.items():
        for quantity, entry in values.items():
            yield Constant(owner, quantity, **entry)
    resolved = resolved_plan(scenario, plan_name)
    for device, data in resolved["devices"].items():
        yield from _of_device(device, "", data, resolved["sources"])
    entries = {
        str(getattr(entry, "name", part)): entry
        for stage in scenario.plan(plan_name).stages
        for infusion in stage.infusions
        for part, entry in infusion.library_entries(scenario.pharmacy).items()
    }
    for owner, entry in entries.items():
        yield from (Constant(owner, path, **written(value)) for path, value in sourced_values(entry))
    agents = frozenset(scenario.plan(plan_name).agents)
    for chosen in scenario.solver.interactions:
        if agents.issuperset(chosen.between):
            yield Constant(" and ".join(chosen.between), "strength of interaction", **written(chosen.sourced))


def sourced_values(entry: Any, path: str = "") -> Iterator[tuple[str, Value]]:
    """Every sourced value inside a dataclass of the pharmacy, with its path in words."""
    if isinstance(entry, Value):
        yield path, entry
        return
    inside: Iterable[tuple[str, Any]] = ()
    if is_dataclass(entry):
        inside = [(field.name, getattr(entry, field.name)) for field in fields(entry)]
    elif isinstance(entry, Mapping):
        inside = entry.items()
    elif isinstance(entry, list | tuple):
        inside = ((str(number), item) for number, item in enumerate(entry, start=1))
    for name, item in inside:
        yield from sourced_values(item, f"{path} {name}".strip())


def _dielectric_laws(scenario: Scenario, plan_name: str) -> dict[str, Value]:
    """How permittivity and conductivity follow temperature, at the frequencies of the plan's antennas."""
    stages = range(len(scenario.plan(plan_name).stages))
    devices = [one.device for stage in stages for one in assignments(scenario, plan_name, stage)]
    frequencies = {device.antenna.frequency.value for device in devices if isinstance(device, MicrowaveDevice)}
    bands = sorted({band_of(frequency, where=scenario.origin) for frequency in frequencies})
    boiling, chosen = scenario.law_constants()["vaporisation_start"].value, scenario.solver.dielectric_model
    models = {band: load_model(band, chosen, highest=boiling) for band in bands}
    return {f"{band} {name}": value for band, model in models.items() for name, value in model.values.items()}


def _of_device(device: str, path: str, data: Any, sources: Mapping[str, Mapping[str, str]]) -> Iterator[Constant]:
    """Every figure of a device file that carries a source."""
    if not isinstance(data, dict):
        return
    if "source" in data and "value" in data:
        reference = sources.get(data["source"], {}).get("reference", data["source"])
        yield Constant(
            owner=device,
            quantity=path,
            value=str(data["value"]),
            spread=str(data.get("spread", "")),
            source=reference,
            evidence=str(data.get("evidence", "")),
            origin="scenario" if data.get("evidence") == GIVEN else "library",
        )
        return
    for key, value in data.items():
        yield from _of_device(device, f"{path} {key}".strip(), value, sources)


def from_memory(constants: Iterable[Constant]) -> list[str]:
    """Owner and quantity of the constants that nobody has checked, sorted."""
    return sorted(f"{one.owner}: {one.quantity}" for one in constants if one.evidence == MEMORY)


def written(value: Value) -> dict[str, str]:
    """A sourced value for people and files."""
    spread = f"sd {value.sd:g}" if value.sd is not None else ""
    if value.low is not None and value.high is not None:
        spread = f"{value.low:g} to {value.high:g}"
    return {
        "value": f"{value.value:g} {value.unit}",
        "spread": spread,
        "source": source_text(value),
        "evidence": value.evidence,
        "origin": value.origin or "library",
    }
