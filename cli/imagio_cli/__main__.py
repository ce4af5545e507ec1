# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m imagio_cli``."""

from imagio_cli.main import main

main()
