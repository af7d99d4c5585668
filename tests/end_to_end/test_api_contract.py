"""The running API against its own OpenAPI document, with everything schemathesis thinks of.

All its checks are on; `schemathesis.toml` says which answers are right where the schema cannot say
it, and why. `FUZZ_EXAMPLES` says how many examples per operation; `make fuzz` asks for many.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.people import Person
from tests.end_to_end.product import Product
from tests.end_to_end.tenants import PASSWORD, Tenant
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")

HERE = Path(__file__).resolve().parent
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
IS_LONG = EXAMPLES >= 100
WALKS_S = 600 if IS_LONG else 20
"""For how long the links are walked."""
DECISION_PLANE = ("decisions", "beacons")
WITHOUT_LINKS = ("beacons", "auth", "audit", "platform")
# They end the session by which the others are asked.
END_SESSIONS = ("/api/v1/auth/logout", "/api/v1/auth/password")
_SINGLE_REQUESTS = ("--phases", "examples,coverage,fuzzing")
FEWEST_LINKS = 8
"""How many of the links a short run follows at least, on a busy machine too."""


def fuzz(product: Product, folder: Path, *options: str, **environment: str) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{product.base_url}/api/openapi.json"),
        *("--max-examples", str(EXAMPLES), "--continue-on-failure"),
        *("--warnings", "off", "--no-color", "--generation-database", "none"),
        *options,
    ]
    found = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert "Tested:" in found.stdout


def signed_in(person: Person) -> tuple[str, str]:
    return "--header", f"Authorization: {person.api.headers['authorization']}"


def many(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for value in values for part in (option, value))


def declared_links(product: Product, person: Person) -> set[str]:
    document = person.api.get(f"{product.base_url}/api/openapi.json").json()
    return {
        name
        for operations in document["paths"].values()
        for operation in operations.values()
        for response in operation["responses"].values()
        for name in response.get("links", {})
    }


def followed_links(report: Path) -> Counter[str]:
    """How often each link was followed, by its name, from an answer that told the id."""
    followed: Counter[str] = Counter()
    for line in report.read_text("utf-8").splitlines():
        scenario: dict[str, Any] = json.loads(line).get("ScenarioFinished", {})
        for case in scenario.get("recorder", {}).get("cases", {}).values():
            if case.get("is_transition_applied") and not case["transition"]["is_inferred"]:
                # `GET /a -> [200] name -> GET /a/{id}`
                followed[case["transition"]["id"].split(" -> ")[1].partition("] ")[2]] += 1
    return followed


def test_the_control_plane_keeps_to_its_document(
    product: Product, owner: Person, tmp_path: Path
) -> None:
    fuzz(
        product,
        tmp_path,
        *signed_in(owner),
        *_SINGLE_REQUESTS,
        *many("--exclude-tag", DECISION_PLANE),
        *many("--exclude-path", END_SESSIONS),
    )


def test_what_ends_a_session_keeps_to_the_document(
    product: Product, tenant: Tenant, tmp_path: Path
) -> None:
    fuzz(
        product,
        tmp_path,
        *_SINGLE_REQUESTS,
        *many("--include-path", END_SESSIONS),
        SCHEMATHESIS_HOOKS="tests.end_to_end.fuzz_sessions",
        FUZZ_BASE_URL=product.base_url,
        FUZZ_EMAIL=tenant.email("owner"),
        FUZZ_PASSWORD=PASSWORD,
    )


def test_walks_along_the_links_keep_to_the_document(
    product: Product, owner: Person, video: Video, tmp_path: Path
) -> None:
    owner.register(owner.create_campaign(), video)
    report = tmp_path / "report.ndjson"
    fuzz(
        product,
        tmp_path,
        *signed_in(owner),
        *("--phases", "stateful", "--max-time", str(WALKS_S)),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
        *many("--exclude-tag", WITHOUT_LINKS),
        SCHEMATHESIS_HOOKS="tests.end_to_end.fuzz_walks",
    )
    followed, declared = followed_links(report), declared_links(product, owner)
    assert set(followed) <= declared
    assert len(followed) >= (len(declared) if IS_LONG else FEWEST_LINKS), followed


def test_the_decision_plane_keeps_to_its_document(
    product: Product, owner: Person, tmp_path: Path
) -> None:
    fuzz(
        product,
        tmp_path,
        *signed_in(owner),
        *_SINGLE_REQUESTS,
        *many("--include-tag", DECISION_PLANE),
    )
