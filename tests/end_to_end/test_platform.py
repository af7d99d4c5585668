"""What the product tells of itself: health, and its own documentation."""

import json
import re
import shutil
import subprocess

import httpx
import pytest

from functions.manifest import FUNCTIONS
from tests.end_to_end.product import Product, eventually

pytestmark = pytest.mark.xdist_group("end_to_end")

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def test_health_tells_status_and_latency_of_each_dependency(product: Product) -> None:
    answer = httpx.get(f"{product.base_url}/health")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    health = answer.json()
    assert health["status"] == "up"
    assert set(health["dependencies"]) == {"postgresql", "valkey", "s3", "sqs"}
    for dependency in health["dependencies"].values():
        assert dependency["status"] == "up"
        assert 0 < dependency["latency_ms"] < 2000


def test_what_has_served_its_time_is_removed_from_the_start_on(product: Product) -> None:
    log = product.data_dir / "logs" / "purge.log"
    told = eventually(
        lambda: log.read_text() if "purged" in log.read_text() else None,
        within_s=30,
        what="a purge",
    )
    purged = json.loads(told.value.splitlines()[0])
    assert purged["level"] == "INFO"
    assert {"sessions", "media_files"} <= set(purged["removed"])


def test_the_openapi_document_lists_every_route(product: Product) -> None:
    document = httpx.get(f"{product.base_url}/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    documented = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    deployed = {route.key for function in FUNCTIONS for route in function.routes}
    preflights = {key for key in deployed if key.startswith("OPTIONS ")}
    assert documented == deployed - preflights - {"$default"}


def test_every_documented_route_answers(product: Product) -> None:
    document = httpx.get(f"{product.base_url}/api/openapi.json").json()
    for path, operations in document["paths"].items():
        address = re.sub(r"\{[^}]+\}", "00000000-0000-4000-8000-000000000000", path)
        for method in operations:
            answer = httpx.request(method, product.base_url + address)
            assert "there is no such route" not in answer.text, f"{method} {path}"
            assert answer.status_code != 405, f"{method} {path}"
            assert answer.status_code < 500, f"{method} {path}: {answer.text}"


def test_the_documentation_page_holds_the_document(product: Product) -> None:
    answer = httpx.get(f"{product.base_url}/api/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    document = httpx.get(f"{product.base_url}/api/openapi.json").json()
    for path in document["paths"]:
        assert json.dumps(path) in answer.text
    sources = re.findall(r"""<(?:script|link)[^>]*(?:src|href)=["'](https?:[^"']+)""", answer.text)
    assert sources == [], "it works without the internet"


def test_the_documentation_renders_in_a_browser(product: Product) -> None:
    browser = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]
    rendered = subprocess.run(
        [browser, *options, "--dump-dom", f"{product.base_url}/api/docs"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    document = httpx.get(f"{product.base_url}/api/openapi.json").json()
    assert rendered.count("opblock-summary-path") >= len(document["paths"]), "operations are shown"
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"] in rendered


def test_an_unknown_address_or_method_is_refused_as_a_problem(product: Product) -> None:
    for path in ("/api/v1/nothing", "/api/v1/campaigns/", "/api//v1/campaigns", "/health/"):
        answer = httpx.get(product.base_url + path)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
        assert answer.json()["request_id"] == answer.headers["apigw-requestid"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    for method, path in (("PUT", "/api/openapi.json"), ("DELETE", "/health")):
        answer = httpx.request(method, product.base_url + path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")
        assert answer.headers["content-type"] == "application/problem+json"
    start_page = httpx.get(f"{product.base_url}/")
    assert start_page.status_code == 200
    assert "/api/docs" in start_page.text, "the front door shows where to go"
