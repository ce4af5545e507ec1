# SPDX-License-Identifier: LGPL-3.0-or-later
"""Laser fibres: diffuse light of all fibres in tissue that scatters more the more of it is coagulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from imagio_sim.physics.laser import diffusion_holds, effective_attenuation
from imagio_sim.solve.death import DeathTracker
from imagio_sim.solve.discretisation import Floats
from imagio_sim.solve.light import BEAM, Beam, Diffuser, LightProblem, Opening, Optics, Rays, UnitLight
from imagio_sim.solve.sources.source import OFF, SAME_TIME, Deposit, HeatSource, Setting, Surroundings
from imagio_sim.tissue.death import death_model

LASER = "laser"
"""What the heat of all fibres together is booked under."""
REGION = "boundary"
# Light is solved anew when the rate at which it decays has changed by this share, on average over where it is absorbed.
_REFRESH = 0.01
# Shares of the light, and of the absorbed power, from which on a planner is warned.
_MUCH_LOST, _MUCH_BEYOND = 0.01, 0.1


@dataclass(frozen=True, eq=False)
class Fibre:
    """One fibre: the surface it shines through, or the rays of its beam, and when it is on.

    Attributes
    ----------
    surface
        Of its diffuser, by the name in the mesh; None for a bare fibre.
    rays
        Of a bare fibre.
    power
        That leaves it while it is on [W].
    pulses
        Begin and end [s] of the stage of every time it is on.
    """

    name: str
    surface: str | None
    rays: Rays | None
    power: float
    pulses: tuple[tuple[float, float], ...]

    def power_at(self, time: float) -> float:
        """What leaves it in a step that begins at ``time`` [W]."""
        on = any(begin - SAME_TIME <= time < end - SAME_TIME for begin, end in self.pulses)
        return self.power if on else 0.0

    def next_event(self, time: float) -> float:
        """When it is switched next."""
        return min((event for pulse in self.pulses for event in pulse if event > time + SAME_TIME), default=inf)


@dataclass(frozen=True)
class LightLoss:
    """A surface of the mesh that keeps a share of the diffuse light that meets it."""

    surface: str
    share: float


@dataclass(frozen=True, eq=False)
class LaserSpec:
    """Fibres, where light is lost, and the tissue's optics per cell (m,) [1/m], native and coagulated.

    ``coagulation_model`` is the death model whose dead fraction is the share that has coagulated.
    """

    fibres: tuple[Fibre, ...]
    losses: tuple[LightLoss, ...]
    absorption: Floats
    reduced_scattering: Floats
    coagulated_absorption: Floats
    coagulated_reduced_scattering: Floats
    coagulation_model: str

    def source(self, surroundings: Surroundings) -> LaserSource:
        """The source on this rank's part of the mesh."""
        return LaserSource(self, surroundings)


PARTS: tuple[type, ...] = (Rays, Fibre, LightLoss, LaserSpec)


@dataclass(frozen=True, eq=False)
class _Lit:
    """Light, and the dead fraction (count,) it was solved for."""

    dead: Floats
    light: UnitLight


class LaserSource(HeatSource):
    """Light and coagulation, and what the fibres gave in the last step."""

    name = LASER

    def __init__(self, spec: LaserSpec, surroundings: Surroundings) -> None:
        self.spec, self._space, self._operators = spec, surroundings.space, surroundings.operators
        own = self._space.input_cell
        self._native = Optics(spec.absorption[own], spec.reduced_scattering[own])
        self._coagulated = Optics(spec.coagulated_absorption[own], spec.coagulated_reduced_scattering[own])
        self._problem = self._light_problem(surroundings)
        self._coagulation = DeathTracker(
            [death_model(spec.coagulation_model, surroundings.case.death_parameters)],
            [spec.coagulation_model],
            self._space.count,
        )
        self._take_initial_state(surroundings)
        self._lit: _Lit | None = None
        self._tentative: _Lit | None = None
        none = np.zeros(len(spec.fibres))
        self._powers: Floats = none
        self._emitted: Floats = none.copy()
        self._absorbed: Floats = none.copy()
        self._lost: dict[str, float] = {}
        self._beyond = 0.0

    def _take_initial_state(self, surroundings: Surroundings) -> None:
        initial = surroundings.case.initial_state
        fields = {name: values[..., self._space.input_node] for name, values in initial.items()}
        body = np.full(self._space.count, surroundings.case.body_temperature)
        self._temperature: Floats = fields.get("temperature", body)
        if f"death/{self.spec.coagulation_model}" in fields:
            self._coagulation.restore(fields)

    def _light_problem(self, surroundings: Surroundings) -> LightProblem:
        space, surfaces = surroundings.space, surroundings.case.domain.surfaces
        openings = [
            Opening(loss.surface, space.facets_of(surfaces[loss.surface]), loss.share) for loss in self.spec.losses
        ]
        fibres: list[Diffuser | Beam] = []
        for fibre in self.spec.fibres:
            if fibre.rays is not None:
                fibres.append(Beam(self._operators, fibre.rays))
            elif fibre.surface is not None:
                fibres.append(Diffuser(self._operators, space.facets_of(surfaces[fibre.surface])))
        tolerance = surroundings.case.numerics.linear_tolerance
        return LightProblem(self._operators, fibres, openings, tolerance=tolerance)

    def settings(self, time: float) -> tuple[Setting, ...]:
        """The power of every fibre."""
        powers = [fibre.power_at(time) for fibre in self.spec.fibres]
        return tuple(("power", power) if power > 0.0 else OFF for power in powers)

    def next_event(self, time: float) -> float:
        """When the next fibre is switched."""
        return min((fibre.next_event(time) for fibre in self.spec.fibres), default=inf)

    def deposit(self, time: float, duration: float, middle: Floats) -> Deposit:
        """Absorbed light, in tissue as coagulated as it is expected in the middle of the step."""
        self._powers = np.array([fibre.power_at(time) for fibre in self.spec.fibres])
        self._tentative = self._lit
        if not self._powers.any():
            return Deposit(np.zeros(self._space.cell_count))
        dead = self._coagulation.expected_dead_fraction(self._temperature, middle, 0.5 * duration)
        if self._lit is None or self._changed(self._lit, dead) > _REFRESH:
            self._tentative = _Lit(dead, self._problem.solve(self._optics(dead)))
        assert self._tentative is not None
        return Deposit(np.asarray(self._powers @ self._tentative.light.heat))

    def _optics(self, dead: Floats) -> Optics:
        """Optics where a share (count,) has coagulated."""
        return self._native.mixed(self._coagulated, self._operators.cell_mean(dead))

    def _changed(self, lit: _Lit, dead: Floats) -> float:
        """Relative change of the rate of decay since the light was solved, on average over the absorbed power."""
        before, now = _decay(self._optics(lit.dead)), _decay(self._optics(dead))
        power = (self._powers @ lit.light.heat) * self._operators.cell_volume
        total = self._space.total(float(power.sum()))
        changed = self._space.total(float(power @ np.abs(now / before - 1.0)))
        return changed / total if total > 0.0 else inf

    def accept(self, duration: float, start: Floats, end: Floats, taken: float) -> None:
        """Let tissue coagulate, and keep the books of the light."""
        self._coagulation.advance(start, end, duration)
        self._temperature, self._lit = end, self._tentative
        if self._lit is None or not self._powers.any():
            return
        given = duration * self._powers
        self._emitted += given
        self._absorbed += given * self._lit.light.absorbed
        for path, shares in self._lit.light.lost.items():
            self._lost[path] = self._lost.get(path, 0.0) + float(given @ shares)
        optics = self._optics(self._lit.dead)
        beyond = ~diffusion_holds(absorption=optics.absorption, reduced_scattering=optics.reduced_scattering)
        power = (given @ self._lit.light.heat) * self._operators.cell_volume
        self._beyond += self._space.total(float(power[beyond].sum()))

    def row(self) -> dict[str, float]:
        """Power that leaves every fibre."""
        return {
            f"{fibre.name}.power_W": float(power) for fibre, power in zip(self.spec.fibres, self._powers, strict=True)
        }

    def fields(self) -> dict[str, Floats]:
        """Fluence rate of the diffuse light in the last step."""
        dark = np.zeros(self._space.count)
        return {
            "fluence_rate_W_per_m2": dark if self._lit is None else np.asarray(self._powers @ self._lit.light.fluence)
        }

    def checkpoint_fields(self) -> dict[str, Floats]:
        """How far tissue has coagulated, and the light it was solved for."""
        fields = {**self._coagulation.fields(), "temperature": self._temperature}
        if self._lit is not None:
            fields |= {"lit": self._lit.dead, "fluence": self._lit.light.fluence}
        return fields

    def take_checkpoint_fields(self, fields: Mapping[str, Floats]) -> None:
        """Go on from the same; the light is solved again from where it was."""
        self._coagulation.restore(fields)
        self._temperature = fields["temperature"]
        if "lit" in fields:
            self._problem.begin_from(fields["fluence"])
            self._lit = _Lit(fields["lit"], self._problem.solve(self._optics(fields["lit"])))

    def state(self) -> dict[str, Any]:
        """The books."""
        return {
            "powers": self._powers.tolist(),
            "emitted": self._emitted.tolist(),
            "absorbed": self._absorbed.tolist(),
            "lost": dict(self._lost),
            "beyond": self._beyond,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._powers, self._emitted = np.array(state["powers"]), np.array(state["emitted"])
        self._absorbed, self._lost, self._beyond = np.array(state["absorbed"]), dict(state["lost"]), state["beyond"]

    def statistics(self) -> dict[str, int]:
        """Of the light's solver."""
        return {"light_solves": self._problem.solver.solves, "light_iterations": self._problem.solver.iterations}

    def facts(self) -> dict[str, Any]:
        """Where the light of every fibre went."""
        emitted, absorbed = float(self._emitted.sum()), float(self._absorbed.sum())
        lost = sum(self._lost.values())
        return {
            "emitted_J": {fibre.name: float(own) for fibre, own in zip(self.spec.fibres, self._emitted, strict=True)},
            "absorbed_J": absorbed,
            "lost_J": dict(self._lost),
            "balance_error": abs(emitted - absorbed - lost) / emitted if emitted > 0.0 else 0.0,
            "absorbed_beyond_validity_J": self._beyond,
        }

    def warnings(self) -> list[str]:
        """Light that leaves the region, or tissue that scatters too little for the diffusion approximation."""
        emitted, absorbed = float(self._emitted.sum()), float(self._absorbed.sum())
        found = []
        gone = sum(energy for path, energy in self._lost.items() if path in (REGION, BEAM))
        if emitted > 0.0 and gone > _MUCH_LOST * emitted:
            found.append(f"laser: {gone / emitted:.1%} of the light leaves the region")
        if absorbed > 0.0 and self._beyond > _MUCH_BEYOND * absorbed:
            share = self._beyond / absorbed
            found.append(f"laser: {share:.0%} of the light is absorbed where tissue scatters too little for diffusion")
        return found


def _decay(optics: Optics) -> Floats:
    return np.asarray(effective_attenuation(absorption=optics.absorption, reduced_scattering=optics.reduced_scattering))
