# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is left in space of a zone whose tissue contracts while it is heated."""
