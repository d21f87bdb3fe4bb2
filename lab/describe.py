#!/usr/bin/env python3
"""Prints what the lab's scripts need to know of a lab, a line each: first host's address, VIP, port, node image."""

import pathlib
import sys

import yaml

inventory = pathlib.Path(__file__).parents[1] / ".lab" / sys.argv[1] / "inventory"
groups = yaml.safe_load((inventory / "hosts.yml").read_text())
variables = yaml.safe_load((inventory / "group_vars/all/lab.yml").read_text())
print(next(iter(groups["galera"]["hosts"].values()))["ansible_host"])
print(variables["galera_vip"])
print(6033 if groups["proxysql"]["hosts"] else 3306)
print(variables["mariadb_image"])
