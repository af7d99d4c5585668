"""The product, started once; for each test an organization of its own in it."""

import logging
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.end_to_end.people import Person, Player
from tests.end_to_end.product import Product
from tests.end_to_end.tenants import PASSWORD, Tenant, found_organization
from tests.end_to_end.videos import Video, make_video

_LOG = logging.getLogger(__name__)


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The whole product on free ports, with its demo data."""
    # Not pytest's own temporary folder: that is closed to PostgreSQL's user when we are root.
    with TemporaryDirectory(prefix="ctv-end-to-end-") as folder:
        running = Product(Path(folder), seed=True)
        try:
            _LOG.warning("measured: cold start with demo data: %.1f s", running.start())
            yield running
            running.stop()
        finally:
            running.kill()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the product has logged when a test that uses it fails."""
    report = yield
    running = getattr(item, "funcargs", {}).get("product")
    if report.failed and isinstance(running, Product):
        report.sections.append(("the product's logs", running.log()))
    return report


@pytest.fixture
def tenant(product: Product) -> Tenant:
    """A new organization with an owner and a viewer."""
    return found_organization(product, roles=("owner", "viewer"))


@pytest.fixture
def owner(product: Product, tenant: Tenant) -> Iterator[Person]:
    """The organization's owner, signed in."""
    with Person(product.base_url, tenant.email("owner"), PASSWORD) as person:
        yield person


@pytest.fixture
def player(product: Product, tenant: Tenant) -> Iterator[Player]:
    """A device that asks for ads at the organization's placement."""
    with Player(product.base_url, tenant.placement) as device:
        yield device


@pytest.fixture(scope="session")
def video() -> Video:
    """A good ad of two seconds."""
    return make_video()


@pytest.fixture
def figure(record_property: Any, request: pytest.FixtureRequest) -> Any:
    """Note a measured figure in the report; `pytest -rP` shows it."""

    def note(name: str, seconds: float) -> None:
        record_property(name, f"{seconds:.2f} s")
        _LOG.warning("measured: %s: %.2f s", name, seconds)

    return note
