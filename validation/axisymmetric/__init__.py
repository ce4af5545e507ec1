# SPDX-License-Identifier: LGPL-3.0-or-later
"""Phantoms in the half plane of radius and height and in space."""
