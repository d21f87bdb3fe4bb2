# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules for ProxySQL log in."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_host:
    description:
      - Address of the admin interface.
      - Without this option the environment variable E(PROXYSQL_LOGIN_HOST) counts.
    type: str
    default: 127.0.0.1
  login_port:
    description:
      - Port of the admin interface.
      - Without this option the environment variable E(PROXYSQL_LOGIN_PORT) counts.
    type: int
    default: 6032
  login_user:
    description:
      - User of the admin interface. ProxySQL lets a user named C(admin) in from the local host only.
      - Without this option the environment variable E(PROXYSQL_LOGIN_USER) counts.
    type: str
  login_password:
    description:
      - Password of O(login_user).
      - Without this option the environment variable E(PROXYSQL_LOGIN_PASSWORD) counts. Other processes may see it
        there; prefer O(login_file).
    type: str
  login_file:
    description:
      - An option file on the managed host, with C(user) and C(password) in the section C([client]).
      - With O(login_password) too, this file is used when that password is refused. So a password can be changed by
        giving the new one as O(login_password) and among the variables, while the file still holds the old one.
      - Without this option the environment variable E(PROXYSQL_LOGIN_FILE) counts.
    type: path
  login_ca_cert:
    description:
      - Certificates in PEM form, on the managed host, one of which signed the admin interface's.
      - With this option the connection is encrypted and the server verified; a server without TLS is refused.
      - Without this option the environment variable E(PROXYSQL_LOGIN_CA_CERT) counts.
    type: path
  login_check_hostname:
    description: Whether the certificate must name O(login_host). The one that ProxySQL makes for itself names no host.
    type: bool
    default: true
  timeout:
    description: How long to wait for an answer, in seconds.
    type: int
    default: 10
  wait:
    description: How long to wait for the admin interface to come up, in seconds.
    type: int
    default: 0
requirements:
  - PyMySQL
  - Python's own module sqlite3 with JSON functions, as Debian, Ubuntu and RHEL have it
"""
