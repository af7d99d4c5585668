"""`python -m local.bench [part …]`: measure, print, and write `build/bench/<part>.json`.

Every part starts the real PostgreSQL and Valkey that it needs, and takes its floors in the same
run. Without a name all are measured, which takes minutes.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.bench import beacon_parts, control_parts, decision_parts

REPORTS = Path(__file__).parents[2] / "build" / "bench"

PARTS: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "imports": decision_parts.imports,
    "documents": decision_parts.documents,
    "index": decision_parts.index,
    "decisions": decision_parts.decisions,
    "loaded": decision_parts.loaded,
    "pods": decision_parts.pods,
    "changes": decision_parts.changes,
    "gateway": decision_parts.gateway,
    "publishing": control_parts.publishing,
    "granting": control_parts.granting,
    "storm": control_parts.storm,
    "collector": beacon_parts.collector,
    "recording": control_parts.recording,
    "visibility": beacon_parts.visibility,
    "control_plane": control_parts.control_plane,
}


def main() -> int:
    """Measure the parts that are named and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    wanted = parser.parse_args().parts or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    machine = {"python": platform.python_version(), "cpus": os.cpu_count()}
    print(f"Python {machine['python']}, {machine['cpus']} CPUs; CPU of the client process only")
    REPORTS.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        started = time.monotonic()
        with TemporaryDirectory(prefix="ctv-bench-") as folder:
            report = machine | PARTS[name](Path(folder))
        (REPORTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        print(f"  ({name}: {time.monotonic() - started:.0f} s, build/bench/{name}.json)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
