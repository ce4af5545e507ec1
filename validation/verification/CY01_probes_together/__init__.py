# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cryoneedles together against the union of what each does alone."""
