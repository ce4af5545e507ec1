# SPDX-License-Identifier: LGPL-3.0-or-later
"""Devices by modality, one file each; a new modality joins the table below."""

from collections.abc import Mapping

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.cryo import CryoDevice
from imagio_sim.devices.modalities.electroporation import ElectroporationDevice
from imagio_sim.devices.modalities.laser import LaserDevice
from imagio_sim.devices.modalities.microwave import MicrowaveDevice
from imagio_sim.devices.modalities.radiofrequency import RadiofrequencyDevice
from imagio_sim.devices.modalities.ultrasound import UltrasoundDevice

DEVICES: Mapping[str, type[Device]] = {
    "cryo": CryoDevice,
    "laser": LaserDevice,
    "microwave": MicrowaveDevice,
    "radiofrequency": RadiofrequencyDevice,
    "electroporation": ElectroporationDevice,
    "ultrasound": UltrasoundDevice,
}
"""The kind of device of each modality."""
