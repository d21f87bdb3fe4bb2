"""Makes ansible_collections.dbops.galera importable from this checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

subprocess.run([ROOT / "tests/link-collection.sh"], check=True)
sys.path.insert(0, str(ROOT / ".ansible/collections"))
