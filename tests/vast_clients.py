"""Third parties' VAST and VMAP clients, run by Node: `tests/clients`."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "clients"
_MODULES = FOLDER / "node_modules"


@dataclass(frozen=True, slots=True)
class Question:
    """Which client reads what: `vast-client`, `vmap` or `iab-vast-parser`.

    `behind` is the VAST that every wrapper leads to.
    """

    client: str
    document: str
    behind: str = ""


def ask(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return what each client understood, from one run of Node for all."""
    assert _MODULES.is_dir(), "the clients are not installed: make clients"
    lines = "\n".join(json.dumps(asdict(item)) for item in questions)
    run = subprocess.run(
        ["node", "read.mjs"],
        cwd=FOLDER,
        input=lines,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(questions)
    return answers
