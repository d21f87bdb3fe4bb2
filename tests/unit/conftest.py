"""Makes ansible_collections.dbops.galera importable from this checkout, and the program of the role backup."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parents[2]

subprocess.run([ROOT / "tests/link-collection.sh"], check=True)
sys.path[:0] = [str(ROOT / ".ansible/collections"), str(ROOT), str(ROOT / "roles/backup/files")]

# The same examples every time, however busy the machine: a red build is to mean a changed program.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")
