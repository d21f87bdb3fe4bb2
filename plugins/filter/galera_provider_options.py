# Copyright (c) 2026, dbops.galera contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: galera_provider_options
short_description: Write options of the Galera provider as one value
version_added: 0.1.0
author:
  - dbops.galera contributors (@dbops)
description:
  - Names are compared without regard to case. Booleans are C(yes) and C(no); a number of seconds gets the form that
    the provider reads, such as C(PT5S).
options:
  _input:
    description: Dictionaries of options; of an option that several have, the last counts.
    type: list
    elements: dict
    required: true
seealso:
  - name: Galera parameters
    description: The options.
    link: https://galeracluster.com/library/documentation/galera-parameters.html
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ [{'gcache.size': '512M'}, own] | dbops.galera.galera_provider_options }}"
  vars:
    own: {gcache.size: 2G, gmcast.time_wait: 5}
"""

RETURN = r"""
_value:
  description: The options, in the order of their names.
  type: str
  sample: gcache.size=2G;gmcast.time_wait=PT5S
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dbops.galera.plugins.module_utils._model.settings import provider_options


def options(sources: Sequence[Mapping[str, Any]]) -> str:
    # What is no mapping is refused where the option file is written.
    found = provider_options(*(source for source in sources if isinstance(source, Mapping)))
    return ";".join(f"{name}={value}" for name, value in sorted(found.items()))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"galera_provider_options": options}
