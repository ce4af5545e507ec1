# SPDX-License-Identifier: LGPL-3.0-or-later
"""Devices by modality, one file each; a new modality joins the table below."""

from collections.abc import Mapping

from imagio_sim.devices.device import Device
from imagio_sim.devices.modalities.radiofrequency import RadiofrequencyDevice

DEVICES: Mapping[str, type[Device]] = {"radiofrequency": RadiofrequencyDevice}
"""The kind of device of each modality."""
