"""Each function gets exactly what its needs grant."""

import json
import stat
from pathlib import Path

import pytest

from functions.manifest import FUNCTIONS, Function, function_named
from local.emulator import Emulator
from local.environment import function_environment, setting_values
from local.options import Options
from local.ports import Ports
from local.processes import LocalError
from local.secrets import Secrets

_ALWAYS = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "HOME",
    "LANG",
    "LOG_LEVEL",
    "PATH",
    "POWERTOOLS_SERVICE_NAME",
    "PYTHONPATH",
    "TZ",
}


def environment_of(function: Function, outer: dict[str, str] | None = None) -> dict[str, str]:
    ports = Ports(3000)
    emulator = Emulator(Path("/nonexistent"), ports.emulator)
    return function_environment(
        function,
        values=setting_values(function, ports=ports, emulator=emulator, data_dir=Path("/data")),
        endpoint_url=emulator.endpoint_url,
        outer=outer or {},
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_required_variable_has_a_value(function: Function) -> None:
    required = set(function.environment) - set(function.extra_environment)
    assert required <= set(environment_of(function))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_no_function_gets_what_another_needs(function: Function) -> None:
    assert set(environment_of(function)) <= _ALWAYS | set(function.environment)


def test_each_role_gets_its_own_database_secret() -> None:
    ids = {
        name: environment_of(function_named(name))["DATABASE_SECRET_ID"]
        for name in ("campaigns", "inventory", "migrate")
    }
    assert ids == {
        "campaigns": "ctv-ads/database-api",
        "inventory": "ctv-ads/database-pipeline",
        "migrate": "ctv-ads/database-owner",
    }


def test_optional_variables_come_from_outside() -> None:
    outer = {"BEACON_LIFETIME_S": "2", "PUBLIC_BASE_URL": "https://tunnel", "AWS_PROFILE": "mine"}
    environment = environment_of(function_named("ad-request"), outer)
    assert environment["BEACON_LIFETIME_S"] == "2"
    assert environment["PUBLIC_BASE_URL"] == "https://tunnel"
    assert "AWS_PROFILE" not in environment


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = Secrets.load(path)
    assert Secrets.load(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    by_id = made.by_id(postgres_port=5432)
    assert json.loads(by_id["ctv-ads/database-api"]) == {
        "host": "127.0.0.1",
        "port": 5432,
        "dbname": "ctv_ads",
        "sslmode": "disable",
        "username": "ctv_api",
        "password": made.api_password,
    }
    keys = json.loads(by_id["ctv-ads/beacon-keys"])
    assert keys["current"] == "k1"
    assert len(keys["k1"]) == 43


def test_damaged_secrets_are_named(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    with pytest.raises(LocalError, match=r"secrets\.json is damaged"):
        Secrets.load(tmp_path / "secrets.json")


@pytest.mark.parametrize("port", ["", "3100"])
def test_port_is_a_choice(port: str) -> None:
    assert Options.from_environment({"PORT": port}).port == int(port or 3000)


@pytest.mark.parametrize("port", ["http", "80", "70000", "-1"])
def test_a_wrong_port_is_refused(port: str) -> None:
    with pytest.raises(LocalError, match="PORT must be a number from 1024 to 65000"):
        Options.from_environment({"PORT": port})


def test_mails_are_written_into_the_data_folder() -> None:
    assert environment_of(function_named("auth-mail"))["MAIL_FOLDER"] == "/data/mail"
