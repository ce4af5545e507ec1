# SPDX-License-Identifier: LGPL-3.0-or-later
"""Plans with other values: what is varied, run, compared and ranked."""
