"""What tests of the database's inside share."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.books import Owner
from tests.worlds import Schema


@pytest.fixture
def owner(schema: Schema) -> Iterator[Owner]:
    """The owner of the tables, whom no row-level security stops; every statement is its own."""
    with psycopg.connect(schema.owner_dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection
