# SPDX-License-Identifier: LGPL-3.0-or-later
"""How sure one plan per modality is."""
