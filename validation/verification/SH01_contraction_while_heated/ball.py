# SPDX-License-Identifier: LGPL-3.0-or-later
"""A ball heated from its middle, as shells that move inwards while the water or the air they lose goes outwards (SH01).

python -m validation.verification.SH01_contraction_while_heated.ball

Shells follow the solid matter. Waves from the middle are absorbed by the water they meet. A shell contracts towards
the length that the table gives for its temperature, with a time constant; what it loses is water at its temperature,
which flows through all shells outside it, at their temperatures, or leaves the tissue. Steam carries latent heat from
shells that boil to those that boil less, by the law of the program (docs/decisions/0004). Inflated lung that gets hot
loses its air, which carries no heat. After the waves are off the ball cools on its own. Explicit in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagio_sim.tissue.constants import load_constants
from imagio_sim.tissue.contraction import contraction_table
from imagio_sim.tissue.death.arrhenius import GAS_CONSTANT
from imagio_sim.tissue.death.library import death_records
from imagio_sim.tissue.library import load_tissue

Floats = NDArray[np.float64]

INNER, OUTER, BOILING = 1.5e-3, 45e-3, 100.0
"""Radii [m] of the antenna and of the ball, and the temperature [degC] at which water boils."""
WATER_HEAT_CAPACITY = 4.18e6
"""[J/(m3 K)]. Source: water at 20 to 60 degC."""
STARTS, POWERS = (20.0, 37.0), ((15.0, 600.0), (27.0, 360.0), (27.0, 960.0), (45.0, 600.0))
"""Of the table: temperatures [degC] before, powers [W] and how long [s]."""
TIME_CONSTANTS, COOLING = (20.0, 60.0, 200.0), 600.0
"""Of the table: time constants of contraction, and of being left alone afterwards [s]."""
COLLAPSE, COLLAPSE_TIME = 60.0, 10.0
"""Temperature [degC] above which inflated lung loses its air, and the time constant [s]: assumed."""
ABSORPTION = {"liver": 80.0, "lung_inflated": 67.0, "lung_deflated": 91.0}
"""Share of the power that moist tissue absorbs per length [1/m]: sigma Z0 / sqrt(eps) of a plane wave of 2.45 GHz, 97
in liver of 37 degC and 75 where both have fallen to 60 %."""


@dataclass(frozen=True)
class Heating:
    """What is done to the ball.

    Attributes
    ----------
    power, duration
        Of the waves [W], and for how long [s].
    contraction
        Factor on the contraction of the table; 0: the tissue stays where it is.
    time_constant
        Of the contraction [s].
    leaves
        Share of the expelled water that leaves the tissue with its heat.
    tissue, collapses
        Of the ball; whether inflated lung loses its air where it gets hot.
    start
        Temperature [degC] of the ball before, and of what lies around it.
    cooling
        How long [s] the ball is left to itself after the power goes off.
    """

    power: float
    duration: float
    contraction: float = 0.0
    time_constant: float = 60.0
    leaves: float = 0.0
    tissue: str = "liver"
    collapses: bool = False
    start: float = 20.0
    cooling: float = 0.0

    @property
    def airless(self) -> str:
        """The tissue without its air."""
        return "lung_deflated" if self.tissue == "lung_inflated" else self.tissue


@dataclass(frozen=True, eq=False)
class Outcome:
    """Radius of what died [mm] in space at the end, and of the same tissue before.

    ``length_ratio`` is that of its contraction if all of it comes after the heat, by the highest temperature of each
    shell, ``balance`` is heat found over heat given.
    """

    in_space_mm: float
    before_mm: float
    length_ratio: float
    balance: float


class Ball:
    """The shells and their state."""

    def __init__(self, heating: Heating, shells: int) -> None:
        own, tissue, constants = load_tissue(heating.tissue), load_tissue(heating.airless), load_constants()
        self.heating, self.latent_heat = heating, constants["latent_heat"].value * constants["water_density"].value
        self.conductivities = tissue.value("thermal_conductivity"), own.value("thermal_conductivity")
        self.absorptions = ABSORPTION[heating.airless], ABSORPTION[heating.tissue]
        self.before = np.linspace(INNER, OUTER, shells + 1)
        whole = np.diff(4.0 / 3.0 * np.pi * self.before**3)
        self.volume = whole * own.value("density") / tissue.value("density")
        self.air, self.air_left = whole - self.volume, np.ones(shells)
        water = tissue.value("water_content")
        self.solid_capacity = (tissue.value("volumetric_heat_capacity") - water * WATER_HEAT_CAPACITY) * self.volume
        self.solid, self.water = (1.0 - water) * self.volume, water * self.volume
        self.first_water, self.edges = self.water.copy(), self.before.copy()
        self.contracted, self.damage = np.zeros(shells), np.zeros(shells)
        self.steam_diffusivity = constants["boiling_water_diffusivity"].value
        self.heat = (self.solid_capacity + self.water * WATER_HEAT_CAPACITY) * heating.start
        self.hottest, self.power = np.full(shells, heating.start), heating.power
        self.first_heat, self.given, self.gone = float(self.heat.sum()), 0.0, 0.0

    @cached_property
    def _rate(self) -> tuple[float, float]:
        law = death_records()["arrhenius_hepg2"].parameters
        return law["frequency_factor"].value, law["activation_energy"].value

    @cached_property
    def _swiftest(self) -> float:
        """What the square of a width is multiplied with for a stable step [s/m2], with a margin."""
        least = float((self.solid_capacity / (self.volume + self.air)).min()) + 0.5e6
        return least / max(self.conductivities)

    def state(self) -> tuple[Floats, Floats]:
        """Temperature [degC] and share of the water that is liquid, per shell."""
        capacity = self.solid_capacity + self.water * WATER_HEAT_CAPACITY
        over = np.maximum(self.heat - BOILING * capacity, 0.0)
        liquid = np.maximum(1.0 - over / (self.water * self.latent_heat), 0.0)
        beyond = np.maximum(over - self.water * self.latent_heat, 0.0)
        return np.where(over > 0.0, BOILING, self.heat / capacity) + beyond / capacity, liquid

    def advance(self, left: float) -> float:
        """One step of at most ``left`` [s]; its length [s]."""
        temperature, liquid = self.state()
        self.hottest = np.maximum(self.hottest, temperature)
        duration = min(0.3 * float(np.diff(self.edges).min()) ** 2 * self._swiftest, 0.5, left)
        if self.heating.contraction > 0.0:
            self._contract(temperature, liquid, duration)
        if self.heating.collapses:
            self.air_left *= np.where(temperature > COLLAPSE, np.exp(-duration / COLLAPSE_TIME), 1.0)
        volume = np.concatenate([[0.0], np.cumsum(self.solid + self.water + self.air * self.air_left)])
        self.edges = np.cbrt(INNER**3 + 3.0 * volume / (4.0 * np.pi))
        self._heat(temperature, liquid, duration)
        factor, energy = self._rate
        self.damage += duration * factor * np.exp(-energy / (GAS_CONSTANT * (temperature + 273.15)))
        return duration

    def _contract(self, temperature: Floats, liquid: Floats, duration: float) -> None:
        """Water leaves the shells for those outside them, or for good, and takes its heat along."""
        heating = self.heating
        goal = heating.contraction * contraction_table().linear(temperature)
        eased = self.contracted + (goal - self.contracted) * (1.0 - np.exp(-duration / heating.time_constant))
        contracted = np.maximum(self.contracted, eased)
        wanted = self.volume * ((1.0 - self.contracted) ** 3 - (1.0 - contracted) ** 3)
        lost = np.minimum(wanted, np.maximum(self.water * liquid - 0.02 * self.first_water, 0.0))
        held = WATER_HEAT_CAPACITY * np.minimum(temperature, BOILING)
        outward = np.cumsum(lost) * (1.0 - heating.leaves)
        inward = np.concatenate([[0.0], (outward * held)[:-1]])
        self.heat += inward - outward * held - heating.leaves * lost * held
        self.gone += float(heating.leaves * (lost @ held) + outward[-1] * held[-1])
        self.water, self.contracted = self.water - lost, contracted

    def _heat(self, temperature: Floats, liquid: Floats, duration: float) -> None:
        width, middle = np.diff(self.edges), 0.5 * (self.edges[1:] + self.edges[:-1])
        outside = (self.heating.start - temperature[-1]) / (0.5 * width[-1])
        steepness = np.append(np.diff(temperature) / np.diff(middle), outside)
        airless, own = self.conductivities
        resistance = 1.0 / (airless + (own - airless) * self.air_left)
        conductivity = np.append(2.0 / (resistance[1:] + resistance[:-1]), 1.0 / resistance[-1])
        density = -conductivity * steepness + np.append(self._steam(liquid, middle), 0.0)
        flow = np.append(0.0, 4.0 * np.pi * self.edges[1:] ** 2 * density)
        moist = self.water * liquid / self.first_water * self.volume / (self.solid + self.water)
        dense, airy = self.absorptions
        passing = np.exp(-np.append(0.0, np.cumsum((dense + (airy - dense) * self.air_left) * moist * width)))
        absorbed = self.power * -np.diff(passing)
        self.heat += duration * (absorbed - np.diff(flow))
        self.given += duration * float(absorbed.sum())
        self.gone += duration * float(flow[-1])

    def _steam(self, liquid: Floats, middle: Floats) -> Floats:
        """Latent heat that steam carries outwards between shells [W/m2]: -D L grad(1 - moisture)."""
        latent = self.latent_heat * self.water / (self.solid + self.water + self.air * self.air_left)
        carried = self.steam_diffusivity * 0.5 * (latent[1:] + latent[:-1])
        return np.asarray(carried * np.diff(liquid) / np.diff(middle))

    def outcome(self) -> Outcome:
        """What the heating left."""
        last = int(np.flatnonzero(self.damage >= 1.0)[-1])
        near, far = np.log(self.damage[last : last + 2])
        share, volume = near / (near - far), self.volume[self.damage >= 1.0]
        after = (1.0 - contraction_table().linear(self.hottest[self.damage >= 1.0])) ** 3
        in_space, before = (
            1e3 * float(np.interp(last + share, *_middles(edges))) for edges in (self.edges, self.before)
        )
        return Outcome(
            in_space,
            before,
            length_ratio=float(np.cbrt(volume @ after / volume.sum())),
            balance=(float(self.heat.sum()) - self.first_heat + self.gone) / self.given,
        )


def _middles(edges: NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    numbers = np.asarray(np.arange(len(edges) - 1.0), np.float64)
    return numbers, np.asarray(0.5 * (edges[1:] + edges[:-1]), np.float64)


def burned(heating: Heating, *, shells: int = 60) -> Outcome:
    """Heat a ball, and let it cool."""
    ball = Ball(heating, shells)
    for power, left in ((heating.power, heating.duration), (0.0, heating.cooling)):
        ball.power = power
        while left > 1e-9:
            left -= ball.advance(left)
    return ball.outcome()


def shown_share(still: Outcome, moving: Outcome) -> float:
    """Which share of the contraction the zone in space shows, beside one that was solved in tissue that stays."""
    return (1.0 - moving.in_space_mm / still.in_space_mm) / (1.0 - still.length_ratio)


def cells(*, cooling: float) -> Iterator[Heating]:
    """The balls of the table, in tissue that stays where it is."""
    for start in STARTS:
        for power, duration in POWERS:
            yield Heating(power, duration, start=start, cooling=cooling)


def moving(still: Heating, *, leaves: float, shells: int = 60) -> tuple[Outcome, ...]:
    """A ball of the table that contracts, with every time constant."""
    return tuple(
        burned(replace(still, contraction=1.0, time_constant=constant, leaves=leaves), shells=shells)
        for constant in TIME_CONSTANTS
    )


def _range(numbers: Iterable[float]) -> str:
    found = [f"{number:.2f}" for number in sorted(numbers)]
    return f"{found[0]} to {found[-1]}".replace("-", "−")


def _row(hot: Heating, cold: Heating, leaves: float) -> str:
    """A line of README.md: sizes after cooling, the share when the power goes off and after cooling."""
    still, drawn = burned(cold), moving(cold, leaves=leaves)
    shown_hot = _range(shown_share(burned(hot), one) for one in moving(hot, leaves=leaves))
    sizes = [_range(getattr(one, name) / still.in_space_mm for one in drawn) for name in ("in_space_mm", "before_mm")]
    first = f"{cold.start:g} °C, {cold.power:g} W, {cold.duration / 60.0:g} min | {still.in_space_mm:.1f}"
    shown = _range(shown_share(still, one) for one in drawn)
    return f"| {first} | {'leaves' if leaves else 'stays'} | {' | '.join(sizes)} | {shown_hot} | {shown} |"


def main() -> None:
    """Print the tables of README.md."""
    print("| start, power, time | solved, mm | water | in space, after | before | share, power off | share, cooled |")
    print("|---|---|---|---|---|---|---|")
    for hot, cold in zip(cells(cooling=0.0), cells(cooling=COOLING), strict=True):
        for leaves in (0.0, 1.0):
            print(_row(hot, cold, leaves), flush=True)
    print("| power, time | deflated lung, mm | inflated lung, mm | and collapsing, mm |")
    print("|---|---|---|---|")
    for power, duration in ((30.0, 100.0), (30.0, 300.0), (45.0, 300.0)):
        lungs = (("lung_deflated", False), ("lung_inflated", False), ("lung_inflated", True))
        radii = (burned(Heating(power, duration, tissue=name, collapses=gone)).in_space_mm for name, gone in lungs)
        print(f"| {power:g} W, {duration:g} s | {' | '.join(f'{radius:.1f}' for radius in radii)} |", flush=True)


if __name__ == "__main__":
    main()
