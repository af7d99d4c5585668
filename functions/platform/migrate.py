"""Bring the database schema and its roles up to date, once per deployment.

A failure raises, which fails the deployment, or the local start, with the reason.
"""

from typing import Any

import psycopg

from ctv_ads.adapters.postgres.database import connection_parameters
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations
from ctv_ads.platform_settings import MigrationSettings

_PARTITIONS_AHEAD = "SELECT ensure_ad_event_partitions(current_date - 1, current_date + 7)"


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Create the roles, apply what is missing, and say what was applied.

    Raises:
        DependencyUnavailableError: PostgreSQL does not answer.
        MigrationError: the schema cannot be brought up to date.
    """
    settings = MigrationSettings.from_environment()
    owner = secret_document(settings.database_secret_id)
    roles = [
        secret_document(settings.database_api_secret_id),
        secret_document(settings.database_pipeline_secret_id),
    ]
    try:
        with psycopg.connect(
            **connection_parameters(owner), connect_timeout=5, autocommit=True
        ) as connection:
            for role in roles:
                ensure_role(connection, role["username"], role["password"])
            applied = migrate_up(connection, packaged_migrations())
            connection.execute(_PARTITIONS_AHEAD)
    except psycopg.OperationalError as error:
        raise DependencyUnavailableError("postgresql", str(error).strip()) from error
    return {"applied": list(applied)}
