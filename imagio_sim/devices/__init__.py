# SPDX-License-Identifier: LGPL-3.0-or-later
"""Applicators as data: geometry, cooling, generator and its control."""

from imagio_sim.devices.applicator import PlacedApplicator, Rod, Section, placement
from imagio_sim.devices.device import Device
from imagio_sim.devices.library import device_names, load_device, sources

__all__ = ["Device", "PlacedApplicator", "Rod", "Section", "device_names", "load_device", "placement", "sources"]
