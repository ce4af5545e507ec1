# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the sources of a run say of themselves, as tables in the words of the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagio_sim.outcome.comparison import MISSING
from imagio_sim.outcome.result import Result

Facts = Mapping[str, Any]

# Ending of a key: unit shown, factor into it, digits. Longer endings first: `_V_per_m` also ends like a length.
_UNITS = {
    "_V_per_m": ("V/cm", 0.01, 0),
    "_degC": ("°C", 1.0, 1),
    "_MPa": ("MPa", 1.0, 2),
    "_ohm": ("Ω", 1.0, 1),
    "_mm": ("mm", 1.0, 1),
    "_Hz": ("Hz", 1.0, 2),
    "_us": ("µs", 1.0, 0),
    "_J": ("J", 1.0, 0),
    "_W": ("W", 1.0, 1),
    "_V": ("V", 1.0, 0),
    "_A": ("A", 1.0, 1),
    "_K": ("K", 1.0, 3),
    "_s": ("s", 1.0, 1),
}


@dataclass(frozen=True)
class FactTable:
    """A table of text: names of its columns, and rows as long as these."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class _Column:
    """A quantity of every row: its words, where to find it, and how to write it (else by the ending of its key)."""

    words: str
    key: str
    text: Callable[[Any], str] | None = None

    def value(self, facts: Facts) -> str:
        return (self.text or (lambda value: quantity(self.key, value)))(facts.get(self.key))


def source_tables(result: Result) -> list[FactTable]:
    """Tables of all sources in the order of the stages; a source without anything to tell has none."""
    stages = result.get("solver", {}).get("sources", [])
    return [
        FactTable(f"{table.title}, stage {number + 1}" if len(stages) > 1 else table.title, table.columns, table.rows)
        for number, sources in enumerate(stages)
        for name, facts in sources.items()
        if (kind := name.partition(".")[0]) in _TABLES
        for table in _TABLES[kind](name, facts)
        if table.rows
    ]


def heat_table(result: Result) -> FactTable | None:
    """What gave heat to tissue or took it in every stage; None where this was not recorded."""
    stages = [_given(stage) for stage in result.get("solver", {}).get("energy_by_stage", [])]
    rows = [
        (_heat_path(name), *(quantity("_J", stage.get(name)) for stage in stages))
        for name in dict.fromkeys(name for stage in stages for name in stage)
    ]
    columns = ["heat into tissue"] if len(stages) == 1 else [f"in stage {number + 1}" for number in range(len(stages))]
    return FactTable("Heat into tissue and out of it", ("by", *columns), rows) if rows else None


def _given(energy: Facts) -> dict[str, float]:
    """Energies [J] of a stage that tissue was given, negative where it lost them, without those that are zero."""
    lost = {name: -energy for name, energy in energy["lost_by_path_J"].items()}
    return {name: energy for name, energy in {**energy["source_by_name_J"], **lost}.items() if energy != 0.0}


def quantity(key: str, value: float | None) -> str:
    """A number with the unit that its key ends in."""
    if value is None:
        return MISSING
    for ending, (unit, factor, digits) in _UNITS.items():
        if key.endswith(ending):
            return f"{number(value * factor, digits)} {unit}"
    return f"{value:g}".replace("-", "−")


def number(value: float | None, digits: int = 1) -> str:
    """Text with a true minus sign, which zero has none of; a dash for what is missing."""
    return MISSING if value is None else f"{value:z.{digits}f}".replace("-", "−")


def plain_words(key: str) -> str:
    """A key without its unit, readable."""
    ending = next((ending for ending in _UNITS if key.endswith(ending)), "")
    return key.removesuffix(ending).replace("_", " ")


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{number(100.0 * share)} %"


def _heat_path(name: str) -> str:
    words = {"boundary": "tissue beyond the region", "room": "air of the room", "beam": "where the beam leaves"}.get(
        name, name
    )
    return words.translate(str.maketrans("/._", "   "))


def _rows(columns: Sequence[_Column], entries: Mapping[str, Facts]) -> list[tuple[str, ...]]:
    return [(name, *(column.value(facts) for column in columns)) for name, facts in entries.items()]


def _table(title: str, of: str, columns: Sequence[_Column], entries: Mapping[str, Facts]) -> FactTable:
    return FactTable(title, (of, *(column.words for column in columns)), _rows(columns, entries))


def _listed(title: str, columns: Sequence[_Column], facts: Facts) -> FactTable:
    """One quantity per row, those that are there."""
    rows = [(column.words, column.value(facts)) for column in columns if column.key in facts]
    return FactTable(title, ("quantity", "value"), rows)


_GENERATOR = (
    _Column("impedance roll-offs", "pulses", lambda count: quantity("", count)),
    _Column("impedance baseline", "baseline", lambda value: quantity("_ohm", value)),
    _Column("impedance at the end", "impedance", lambda value: quantity("_ohm", value)),
    _Column("power at the end", "power", lambda value: quantity("_W", value)),
    _Column("sensor at the end", "temperature", lambda value: quantity("_degC", value)),
)


def _radiofrequency(_: str, facts: Facts) -> Iterator[FactTable]:
    states = {state["name"]: state for state in facts["controllers"]}
    known = [column for column in _GENERATOR if any(column.key in state for state in states.values())]
    if known:
        yield _table("Radiofrequency generators", "generator", known, states)


def _part_of(whole: str, key: str, facts: Facts) -> str:
    """An energy, and its share of the whole."""
    return f"{quantity(key, facts[key])} ({_percent(facts[key] / facts[whole] if facts[whole] else None)})"


_ANTENNA = {
    "tissue_J": "deposited in tissue",
    "reflected_J": "reflected",
    "cable_J": "lost in the cable",
    "antenna_J": "lost in the antenna",
    "beyond_region_J": "beyond the region",
}


def _microwave(_: str, facts: Facts) -> Iterator[FactTable]:
    antennas = {name: entry for name, entry in facts.items() if isinstance(entry, Mapping)}
    books = [
        (name, quantity("_J", entry["generator_J"]), *(_part_of("generator_J", key, entry) for key in _ANTENNA))
        for name, entry in antennas.items()
    ]
    yield FactTable("Microwave power book", ("antenna", "from the generator", *_ANTENNA.values()), books)
    quality = (
        _Column("reflected amplitude at the end", "reflection", _percent),
        _Column("variation of permittivity from side to side", "azimuthal_variation", _percent),
        _Column("field and heat mesh differ by", "transfer_mismatch", _percent),
        _Column("field solutions", "field_solves"),
    )
    yield _table("Microwave fields", "antenna", quality, antennas)


def _cryo(_: str, facts: Facts) -> Iterator[FactTable]:
    columns = (
        _Column("coldest wall", "coldest_wall_degC"),
        _Column("largest heat taken from tissue", "largest_heat_taken_W"),
    )
    yield _table("Cryoprobes", "probe", columns, facts)


def _electroporation(_: str, facts: Facts) -> Iterator[FactTable]:
    columns = (
        _Column("voltage", "voltage_V"),
        _Column("pulse width", "pulse_width_s", lambda width: quantity("_us", 1e6 * width)),
        _Column("pulses planned", "pulses_planned"),
        _Column("pulses given", "pulses_given"),
        _Column("first current", "first_current_A"),
        _Column("largest current", "largest_current_A"),
        _Column("limit of the generator", "generator_limit_A"),
        _Column("energy", "energy_J"),
        _Column("stopped by the generator", "stopped_by_generator", lambda stopped: "yes" if stopped else "no"),
    )
    pairs = {pair["name"]: {**pair, "generator_limit_A": facts["generator_limit_A"]} for pair in facts["pairs"]}
    yield _table("Electrode pairs", "pair", columns, pairs)
    whole = (
        _Column("largest field anywhere", "largest_field_V_per_m"),
        _Column("repetition rate", "repetition_rate_Hz"),
        _Column("conductivity kept between pulses", "conductivity_memory", _percent),
        _Column("tissue under several pairs", "several_pairs", str),
        _Column("model of death that decides", "deciding_model", str),
    )
    yield _listed("Electric field of the pulses", whole, facts)


def _laser(_: str, facts: Facts) -> Iterator[FactTable]:
    ways = {
        **{f"emitted by {name}": energy for name, energy in facts["emitted_J"].items()},
        "absorbed in tissue": facts["absorbed_J"],
        **{f"lost to {_heat_path(path)}": energy for path, energy in facts["lost_J"].items()},
        "absorbed where light does not diffuse": facts["absorbed_beyond_validity_J"],
    }
    emitted = sum(facts["emitted_J"].values())
    rows = [
        (way, quantity("_J", energy), _percent(energy / emitted if emitted else None)) for way, energy in ways.items()
    ]
    rows.append(("error of this balance", MISSING, _percent(facts["balance_error"])))
    yield FactTable("Laser light", ("light", "energy", "share of the light"), rows)


def _ultrasound(name: str, facts: Facts) -> Iterator[FactTable]:
    who = name.partition(".")[2].replace("_", " ")
    columns = (
        _Column("radiated", "radiated_J"),
        _Column("absorbed in tissue", "absorbed_J"),
        _Column("skin, highest temperature", "skin_peak_temperature_degC"),
        _Column("bone, highest temperature", "bone_peak_temperature_degC"),
    )
    whole = _listed(f"Ultrasound of {who}", columns, facts)
    limits = [
        (f"highest pressure at which linear acoustics holds in {tissue.replace('_', ' ')}", quantity("_MPa", limit))
        for tissue, limit in facts["pressure_limit_MPa"].items()
    ]
    yield FactTable(whole.title, whole.columns, [*whole.rows, *limits])
    foci = {str(number + 1): _focus(focus) for number, focus in enumerate(facts["foci"])}
    yield _table(f"Foci of {who}", "focus", _FOCUS, foci)


_FOCUS = (
    _Column("position (LPS)", "position_mm", lambda place: f"{', '.join(number(x) for x in place)} mm"),
    _Column("highest power", "highest_power_W"),
    _Column("focal pressure", "focal_pressure_MPa"),
    _Column("off the planned point", "shift_mm"),
    _Column("absorbed", "absorbed", _percent),
    _Column("reflected", "reflected", _percent),
    _Column("to bone", "bone", _percent),
    _Column("to gas", "gas", _percent),
    _Column("passed through", "transmitted", _percent),
)


def _focus(focus: Facts) -> Facts:
    """One focus with the shares of its radiated power beside its other facts."""
    share = focus["share"]
    shares = {"reflected": share["reflected"], "transmitted": share["transmitted"], **share["lost"]}
    return {**focus, **shares, "absorbed": sum(share["absorbed"].values())}


_TABLES: Mapping[str, Callable[[str, Facts], Iterator[FactTable]]] = {
    "radiofrequency": _radiofrequency,
    "microwave": _microwave,
    "cryo": _cryo,
    "electroporation": _electroporation,
    "laser": _laser,
    "ultrasound": _ultrasound,
}
