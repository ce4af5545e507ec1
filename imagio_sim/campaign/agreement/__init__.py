# SPDX-License-Identifier: LGPL-3.0-or-later
"""Predicted against measured zones: cases, cohorts, calibration, and a made-up cohort to test them."""
