# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the module galera_verify in slices, and shows a line of progress between two of them, as galera_wait does."""

from __future__ import annotations

from ansible_collections.dbops.galera.plugins.action.galera_wait import ActionModule as Waiting


class ActionModule(Waiting):
    """The module has the same interface for slices: patience in, reached and phase out."""
