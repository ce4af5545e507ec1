# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is varied in a scenario: ranges and lists of values at paths, as a grid or a Latin hypercube."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from imagio_sim.errors import InputError, InputErrors
from imagio_sim.plan import Scenario, changed, written
from imagio_sim.plan.paths import place_of
from imagio_sim.units import NUMBER_AND_UNIT, UNIT, registry

MOST_VALUES = 1000
"""Members of one range beyond which a step is taken for a slip."""
_LONGEST_NAME = 80
_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class Interval:
    """Numbers from ``start`` to ``stop`` in ``unit``, in steps or (``step`` is None) anywhere between."""

    start: float
    stop: float
    step: float | None
    unit: str

    @property
    def values(self) -> tuple[str | float, ...]:
        """All members of a stepped interval, both ends included where the steps reach them."""
        assert self.step is not None
        count = math.floor((self.stop - self.start) / self.step * (1.0 + _ROUND_OFF) + _ROUND_OFF) + 1
        return tuple(self.written(self.start + number * self.step) for number in range(count))

    def written(self, number: float) -> str | float:
        """A number as it would stand in a scenario."""
        rounded = float(f"{number:.10g}")
        plain = int(rounded) if rounded.is_integer() else rounded
        return f"{plain} {self.unit}" if self.unit else plain


@dataclass(frozen=True)
class Vary:
    """One path of a scenario and the values it takes."""

    path: str
    choices: Interval | tuple[Any, ...]

    @property
    def values(self) -> tuple[Any, ...]:
        """What a grid takes."""
        return self.choices.values if isinstance(self.choices, Interval) else self.choices

    def at(self, share: float) -> Any:
        """The value at a share in [0, 1) of the way through the choices."""
        if isinstance(self.choices, Interval) and self.choices.step is None:
            return self.choices.written(
                _significant(self.choices.start + share * (self.choices.stop - self.choices.start))
            )
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True)
class Sample:
    """How many members a Latin hypercube has, and the seed that makes it the same every time."""

    count: int
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Variant:
    """A scenario with some values changed: what was changed, and a name that can name a folder."""

    name: str
    changes: Mapping[str, Any]
    scenario: Scenario


def parse_vary(text: str, where: str = "--vary") -> Vary:
    """Read ``PATH=START:STOP:STEP``, ``PATH=START:STOP`` (for sampling) or ``PATH=a,b,c``."""
    path, sign, values = text.partition("=")
    if not sign or not path.strip() or not values.strip():
        raise InputError(
            f"{where} {text}",
            found="no path with values" if not sign else "an empty side",
            allowed="PATH=START:STOP:STEP or PATH=a,b,c",
            remedy="for example plans.A.applicators[0].power=40W:80W:10W",
        )
    return vary_of(path.strip(), values.strip(), f"{where} {path.strip()}")


def vary_of(path: str, given: str | Sequence[Any], where: str) -> Vary:
    """The values of one path: a range or a comma-separated list as text, or a sequence."""
    if not isinstance(given, str):
        return Vary(path, _some(tuple(given), where))
    ends = given.split(":")
    if len(ends) in (2, 3) and all(_is_quantity(end) for end in ends):
        return Vary(path, _interval(ends, given, where))
    return Vary(path, _some(_listed(given, where), where))


def variants(scenario: Scenario, plan_name: str, varied: Sequence[Vary], sample: Sample | None) -> tuple[Variant, ...]:
    """All members for one plan, each checked like a file.

    Only paths that concern the plan are varied: its own, and those outside of ``plans``.

    Raises
    ------
    InputError, InputErrors
        A path does not exist, or a value does not fit; one fault per path.
    """
    concerned = [one for one in varied if _concerns(scenario, one.path, plan_name)]
    _refuse_unfit(scenario, concerned, sample)
    members = _grid(concerned) if sample is None else _latin_hypercube(concerned, sample)
    named: dict[str, Variant] = {}
    for changes in members:
        name = variant_name(changes)
        named[name] = Variant(name, changes, changed(scenario, changes))
    return tuple(named.values())


def member_count(scenario: Scenario, plan_name: str, varied: Sequence[Vary], sample: Sample | None) -> int:
    """How many members :func:`variants` would make."""
    concerned = [one for one in varied if _concerns(scenario, one.path, plan_name)]
    if sample is not None:
        return sample.count if concerned else 1
    return math.prod(len(_extremes(one, sample)) for one in concerned)


def concerned_plans(scenario: Scenario, varied: Sequence[Vary]) -> tuple[str, ...]:
    """Plans that at least one of the paths concerns."""
    return tuple(name for name in scenario.plans if any(_concerns(scenario, one.path, name) for one in varied))


def variant_name(changes: Mapping[str, Any]) -> str:
    """A name for people and folders: the last key of every path and its value, ``power=40_W``."""
    if not changes:
        return "as_written"
    parts = [f"{key}={_slug(value)}" for key, value in zip(short_keys(list(changes)), changes.values(), strict=True)]
    name = ",".join(parts)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 13]}-{hashlib.sha256(repr(sorted(changes.items())).encode()).hexdigest()[:12]}"


def _concerns(scenario: Scenario, path: str, plan_name: str) -> bool:
    place = place_of(written(scenario), path, scenario.origin)
    return place[0] != "plans" or place[1] == plan_name


def _refuse_unfit(scenario: Scenario, varied: Sequence[Vary], sample: Sample | None) -> None:
    """Try every value by itself, so that a range in a wrong unit is one fault and not one per member."""
    faults: list[InputError] = []
    for one in varied:
        try:
            for value in _extremes(one, sample):
                changed(scenario, {one.path: value})
        except InputError as error:
            faults.append(error)
        except InputErrors as error:
            faults.append(error.errors[0])
    if faults:
        raise InputErrors(faults)


def _extremes(one: Vary, sample: Sample | None) -> tuple[Any, ...]:
    if not isinstance(one.choices, Interval) or one.choices.step is not None:
        return one.values
    if sample is None:
        raise InputError(
            f"--vary {one.path}",
            found="a range without a step",
            allowed="START:STOP:STEP for a grid",
            remedy="add a step, or sample the range with --sample N",
        )
    return (one.choices.written(one.choices.start), one.choices.written(one.choices.stop))


def _grid(varied: Sequence[Vary]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*(one.values for one in varied)):
        yield {one.path: value for one, value in zip(varied, values, strict=True)}


def _latin_hypercube(varied: Sequence[Vary], sample: Sample) -> Iterator[dict[str, Any]]:
    from scipy.stats import qmc

    if not varied:
        yield {}
        return
    shares = qmc.LatinHypercube(d=len(varied), seed=sample.seed).random(sample.count)
    for row in shares:
        yield {one.path: one.at(float(share)) for one, share in zip(varied, row, strict=True)}


def _significant(number: float) -> float:
    """Six digits: finer than any device, short enough for a name."""
    return float(f"{number:.6g}")


def _is_quantity(text: str) -> bool:
    found = NUMBER_AND_UNIT.fullmatch(text)
    return found is not None and (not found[2] or UNIT.fullmatch(found[2]) is not None)


def _interval(ends: Sequence[str], given: str, where: str) -> Interval:
    found = [NUMBER_AND_UNIT.fullmatch(end) for end in ends]
    pairs = [(float(match[1]), match[2]) for match in found if match is not None]
    unit = pairs[0][1]
    start, stop, *step = [_in_unit(number, own, unit, given, where) for number, own in pairs]
    one = Interval(start, stop, step[0] if step else None, unit)
    if not _is_walkable(one):
        raise InputError(
            where,
            found=f"the empty range {given}" if math.isfinite(start + stop) else given,
            allowed="START:STOP:STEP whose steps lead from START to STOP",
            remedy="exchange the ends, or change the sign of the step",
        )
    if one.step is not None and (stop - start) / one.step > MOST_VALUES:
        raise InputError(
            where,
            found=f"{(stop - start) / one.step:.0f} values in {given}",
            allowed=f"at most {MOST_VALUES}",
            remedy="a larger step, or --sample N",
        )
    return one


def _is_walkable(one: Interval) -> bool:
    if not math.isfinite(one.start) or not math.isfinite(one.stop):
        return False
    if one.step is None:
        return one.stop > one.start
    return math.isfinite(one.step) and one.step != 0.0 and (one.stop - one.start) / one.step >= 0.0


def _in_unit(number: float, unit: str, wanted: str, given: str, where: str) -> float:
    """A number in the unit of the range's start."""
    import pint

    if unit == wanted:
        return number
    try:
        if not unit or not wanted:
            raise pint.UndefinedUnitError(unit or wanted)
        return float(registry().Quantity(number, unit).to(wanted).magnitude)
    except pint.PintError as error:
        raise InputError(
            where,
            found=f"{given}, whose units differ",
            allowed="START, STOP and STEP in one unit",
            remedy="write the same unit three times",
        ) from error


def _listed(given: str, where: str) -> tuple[Any, ...]:
    try:
        found = yaml.safe_load(f"[{given}]")
    except yaml.YAMLError as error:
        raise InputError(
            where, found=given, allowed="values separated by commas", remedy="points as [x, y, z],[x, y, z]"
        ) from error
    return tuple(_number(value) for value in found)


def _number(value: Any) -> Any:
    """A number that YAML 1.1 takes for text, such as 1e-3, as a number."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value) else value


def _some(values: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not values or any(value is None for value in values):
        raise InputError(where, found="an empty value", allowed="at least one value", remedy="write PATH=a,b,c")
    return values


def short_keys(paths: Sequence[str]) -> list[str]:
    """The last keys of paths, with as many before them as it takes to tell the paths apart."""
    split = [re.findall(r"[^.\[\]]+", path) for path in paths]
    for count in range(1, max(map(len, split), default=0) + 1):
        keys = [".".join(keys[-count:]) for keys in split]
        if len(set(keys)) == len(keys):
            return keys
    return [str(number) for number in range(len(paths))]


def _slug(value: Any) -> str:
    """A value as part of a file name; ``20W`` and ``20 W`` are the same."""
    found = NUMBER_AND_UNIT.fullmatch(value) if isinstance(value, str) else None
    text = f"{found[1]} {found[2]}" if found is not None else str(value)
    return re.sub(r"[^\w.+-]+", "_", text).strip("_")
