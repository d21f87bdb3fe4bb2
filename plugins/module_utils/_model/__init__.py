# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception family of the galera modules."""

from __future__ import annotations


class GaleraError(Exception):
    """Something an operator has to know: what happened, on which node, and what to do next, in sentences."""
