"""The running API against its own OpenAPI document, with everything schemathesis thinks of.

`FUZZ_EXAMPLES` says how many examples per operation; `make fuzz` asks for many.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.people import Person
from tests.end_to_end.product import Product

pytestmark = pytest.mark.xdist_group("end_to_end")

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
DECISION_PLANE = ("decisions", "beacons")
# API Gateway's HTTP APIs answer 404, not 405, to a method that a path does not have.
NOT_OURS = "unsupported_method"
# Rules between fields (a flight's order, a status that follows another) are not in the schema,
# so data that fits the schema may still be refused, with 409 or 422.
RULES_BETWEEN_FIELDS = "positive_data_acceptance"
# Ad requests and beacons come from devices that nobody can mend: what is malformed is ignored.
MALFORMED_IS_IGNORED = "negative_data_rejection"


def fuzz(product: Product, person: Person, folder: Path, *options: str) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{product.base_url}/api/openapi.json"),
        *("--header", f"Authorization: {person.api.headers['authorization']}"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--continue-on-failure"),
        *("--warnings", "off", "--no-color", "--generation-database", "none"),
        *options,
    ]
    found = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=1800, check=False
    )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert "Tested:" in found.stdout


def test_the_control_plane_keeps_to_its_document(
    product: Product, owner: Person, tmp_path: Path
) -> None:
    fuzz(
        product,
        owner,
        tmp_path,
        *("--exclude-checks", f"{NOT_OURS},{RULES_BETWEEN_FIELDS}"),
        *(part for tag in DECISION_PLANE for part in ("--exclude-tag", tag)),
        *("--exclude-path", "/api/docs"),
        # They end the session by which all the others are asked.
        *("--exclude-path", "/api/v1/auth/logout"),
        *("--exclude-path", "/api/v1/auth/password"),
    )


def test_the_decision_plane_keeps_to_its_document(
    product: Product, owner: Person, tmp_path: Path
) -> None:
    fuzz(
        product,
        owner,
        tmp_path,
        *("--exclude-checks", f"{NOT_OURS},{RULES_BETWEEN_FIELDS},{MALFORMED_IS_IGNORED}"),
        *(part for tag in DECISION_PLANE for part in ("--include-tag", tag)),
    )
