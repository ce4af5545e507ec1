# SPDX-License-Identifier: LGPL-3.0-or-later
"""What vessels of different width take of a radio-frequency zone beside them."""
