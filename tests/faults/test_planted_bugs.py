"""A test of the test: with a bug planted in a copy of the product, the suite fails.

Each copy runs the same examples every time, and stops at the first that fails.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = "layers/common/python/ctv_ads"
_COPIED = ("functions", "layers/common/python", "local", "tests", "pyproject.toml")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "cases", "end_to_end", "cdk")
_WITHIN_S = 400
IS_LONG = "FAULT_EXAMPLES" in os.environ


@dataclass(frozen=True, slots=True)
class Edit:
    path: str
    right: str
    wrong: str


_EVENTS = f"{PRODUCT}/adapters/postgres/ad_events.py"
_BILLING = f"{PRODUCT}/migrations/0040_lighter_billing.up.sql"
OFTEN = {
    "a message is acknowledged although its transaction did not commit": [
        Edit(
            "functions/impressions/consumer.py",
            "    batch = beacon_ledger().record(beacons)\n",
            "    try:\n        batch = beacon_ledger().record(beacons)\n"
            "    except Exception:\n        return {}\n",
        )
    ],
    "a repeat is billed and counted again, though it is stored once": [
        Edit(
            _EVENTS,
            "            repeats.append((pair, before))\n",
            "            fresh.append(pair)\n",
        ),
        # The primary key alone would stop this bug.
        Edit(
            _EVENTS,
            "    with connection.cursor().copy(_COPY) as copy:\n",
            "    rows = ask_stored(connection, [(0, one) for one, _ in events])\n"
            "    names = ('day', 'decision_id', 'slot', 'event')\n"
            "    stored = {tuple(row[name] for name in names) for row in rows}\n"
            "    new = {key_of(one): (one, micros) for one, micros in events}\n"
            "    events = [new[key] for key in new if key not in stored]\n"
            "    with connection.cursor().copy(_COPY) as copy:\n",
        ),
    ],
    "what comes late is paid out of what others reserved": [
        Edit(_BILLING, "CASE WHEN r.in_time THEN 0 ELSE (", "CASE WHEN true THEN 0 ELSE (")
    ],
}
SELDOM = {
    "what is stored is taken for new": [
        Edit(_EVENTS, "        for row in stored\n", "        for row in stored if False\n")
    ],
    "tokens are handed out that nobody reserved": [
        Edit(
            f"{PRODUCT}/adapters/postgres/token_buckets.py",
            "            _open(connection, opened, decisions, now)\n",
            "",
        )
    ],
    "decisions do not look at what is left of their tokens": [
        Edit(
            f"{PRODUCT}/adapters/valkey/pod_rules.lua",
            "remaining(i, t) < t.spends then return NO_TOKENS",
            "remaining(i, t) < 0 then return NO_TOKENS",
        )
    ],
}
BUGS = OFTEN | SELDOM if IS_LONG else OFTEN


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_planted_bug_is_found(bug: Sequence[Edit], tmp_path: Path) -> None:
    found = _run_suite(_copy(tmp_path / "product", bug))
    assert found.returncode == 1, found.stdout[-3000:]
    assert "1 failed" in found.stdout, found.stdout[-3000:]


@pytest.mark.skipif(not IS_LONG, reason="the suite itself passes; make faults runs this too")
def test_without_a_bug_the_same_examples_pass(tmp_path: Path) -> None:
    found = _run_suite(_copy(tmp_path / "product", ()))
    assert found.returncode == 0, found.stdout[-3000:]


def _run_suite(copy: Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy / "layers/common/python"),
        "FAULTS_FIXED": "1",
        "FAULT_EXAMPLES": "40",
    }
    suite = "tests/faults/test_money_under_fault.py"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", suite],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )


def _copy(copy: Path, bug: Sequence[Edit]) -> Path:
    for name in _COPIED:
        source, target = ROOT / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=_LEFT_OUT)
        else:
            shutil.copy(source, target)
    for edit in bug:
        planted = copy / edit.path
        text = planted.read_text()
        assert edit.right in text, f"{edit.path} no longer says what the bug would change"
        planted.write_text(text.replace(edit.right, edit.wrong))
    return copy
