# SPDX-License-Identifier: LGPL-3.0-or-later
"""Focused ultrasound on its way into the patient: transducer, waves, and their heat on the mesh."""
