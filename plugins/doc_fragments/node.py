# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that look at one node have in common."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  node:
    description: Name of the node, which is the name of its container on this host.
    type: str
    required: true
  socket:
    description: The server's Unix socket, as a path on this host.
    type: path
    required: true
  defaults_file:
    description:
      - Option file on this host whose C([client]) section has the account to log in with.
      - Without it, V(root) logs in with unix_socket authentication, which takes no password.
    type: path
requirements:
  - docker (Python) 5.0.3 or later
  - PyMySQL 1.0.2 or later
"""
