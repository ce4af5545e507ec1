# SPDX-License-Identifier: LGPL-3.0-or-later
"""How names of fields begin that one stage hands to the next."""

from __future__ import annotations

LEVEL = "level/"
"""Level function by a death model that knows nothing of temperature."""
SURVIVAL = "survival/"
"""Share of cells that survived other than temperature in earlier stages, by death model."""
CARRIED = "carried/"
"""Amount per volume that a source hands on, by the source's name and its own."""
