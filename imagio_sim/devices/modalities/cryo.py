# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cryoprobes: needles whose wall a gas that expands inside (Joule-Thomson effect) makes cold or warm."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from imagio_sim.devices.device import Device
from imagio_sim.devices.geometry import Straight
from imagio_sim.devices.sourced import DeviceData, Sourced
from imagio_sim.units import Duration, HeatTransferCoefficient, Temperature

FREEZE_THAW = "freeze_thaw"
"""The only mode: phases of freezing and thawing in turn."""


class GasFlow(DeviceData):
    """What the gas inside the active wall does: heat flux h (T - T_gas) through it.

    The gas approaches its ``temperature`` exponentially within ``time_constant`` of being switched on.
    """

    temperature: Sourced[Temperature]
    time_constant: Sourced[Duration]
    heat_transfer_coefficient: Sourced[HeatTransferCoefficient]


class CryoDevice(Device):
    """A cryoprobe. ``thawing`` is None for one that can only be left to thaw by itself."""

    AGENTS: ClassVar[tuple[str, ...]] = ("cold",)

    modality: Literal["cryo"]
    geometry: Straight
    freezing: GasFlow
    thawing: GasFlow | None = None

    @property
    def modes(self) -> tuple[str, ...]:
        """Freezing and thawing in turn."""
        return (FREEZE_THAW,)

    @model_validator(mode="after")
    def _gas_is_cold_and_warm(self) -> Self:
        if self.freezing.temperature.value >= 0.0:
            raise ValueError("the freezing gas is not colder than 0 degC")
        if self.thawing is not None and self.thawing.temperature.value <= 0.0:
            raise ValueError("the thawing gas is not warmer than 0 degC")
        if not any(section.active for section in self.geometry.shaft.sections):
            raise ValueError("no section of the shaft is active")
        return self
