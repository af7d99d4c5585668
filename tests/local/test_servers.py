"""The three servers start, answer, stop without a trace and find their data again."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from local import postgres
from local.emulator import Emulator
from local.ports import free_port
from local.postgres import PostgresServer
from local.processes import LocalError, kill
from local.resources import MEDIA_BUCKET, create_resources
from local.valkey import ValkeyServer


def test_postgres_answers_its_owner(postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.dsn) as connection:
        row = connection.execute(
            "SELECT current_user, current_database(), current_setting('server_encoding')"
        ).fetchone()
    assert row == ("ctv_owner", "ctv_ads", "UTF8")


def test_postgres_refuses_a_wrong_password(postgres_server: PostgresServer) -> None:
    dsn = postgres_server.dsn.replace(postgres_server.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn)


@pytest.fixture
def postgres_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="ctv-postgres-") as folder:
        yield Path(folder) / "data"


def test_postgres_finds_its_rows_again(postgres_folder: Path) -> None:
    first = PostgresServer(postgres_folder, free_port(), password="p", durable=False)
    with first, psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS figure")
    second = PostgresServer(postgres_folder, free_port(), password="p", durable=False)
    with second, psycopg.connect(second.dsn) as connection:
        assert connection.execute("SELECT figure FROM kept").fetchone() == (7,)


def test_postgres_that_cannot_listen_says_why(
    postgres_folder: Path, postgres_server: PostgresServer
) -> None:
    twin = PostgresServer(postgres_folder, postgres_server.port, password="p", durable=False)
    with pytest.raises(LocalError, match=r"(?s)PostgreSQL ended.*Address already in use"):
        twin.start()


def test_postgres_touches_no_folder_of_others(postgres_folder: Path) -> None:
    postgres_folder.mkdir()
    (postgres_folder / "thesis.txt").write_text("years of work")
    before = postgres_folder.stat()
    server = PostgresServer(postgres_folder, free_port(), password="p", durable=False)
    with pytest.raises(LocalError, match=r"no PG_VERSION.*Nothing was touched: move it") as refused:
        server.start()
    assert str(postgres_folder.resolve()) in str(refused.value)
    assert (postgres_folder / "thesis.txt").read_text() == "years of work"
    after = postgres_folder.stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    assert list(postgres_folder.parent.iterdir()) == [postgres_folder]


def test_a_failed_initdb_leaves_everything_as_it_was(
    postgres_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(name: str) -> str:
        return "/bin/false" if name == "initdb" else binary(name)

    binary = postgres._binary
    monkeypatch.setattr(postgres, "_binary", refusing)
    postgres_folder.mkdir()
    inode = postgres_folder.stat().st_ino
    server = PostgresServer(postgres_folder, free_port(), password="p", durable=False)
    with pytest.raises(LocalError, match="initdb failed"):
        server.start()
    assert postgres_folder.stat().st_ino == inode, "the empty folder is not ours to delete"
    assert {path.name for path in postgres_folder.parent.iterdir()} <= {"data", "data.log"}


def test_what_appears_while_initdb_runs_is_kept(
    postgres_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def initialize(self: PostgresServer, folder: Path) -> None:
        really_initialize(self, folder)
        postgres_folder.mkdir()
        (postgres_folder / "thesis.txt").touch()

    really_initialize = PostgresServer._initialize
    monkeypatch.setattr(PostgresServer, "_initialize", initialize)
    server = PostgresServer(postgres_folder, free_port(), password="p", durable=False)
    with pytest.raises(LocalError, match="cannot be made"):
        server.prepare()
    assert [path.name for path in postgres_folder.iterdir()] == ["thesis.txt"]
    assert [path.name for path in postgres_folder.parent.iterdir()] == ["data"]


def test_postgres_moves_into_an_empty_folder(postgres_folder: Path) -> None:
    postgres_folder.mkdir()
    PostgresServer(postgres_folder, free_port(), password="p", durable=False).prepare()
    assert (postgres_folder / "PG_VERSION").exists()


def test_valkey_that_cannot_listen_says_why(valkey_server: ValkeyServer) -> None:
    twin = ValkeyServer(valkey_server.port)
    with pytest.raises(LocalError, match=r"(?s)Valkey ended with status 1.*Address already in use"):
        twin.start()
    twin.stop()


def test_valkey_answers(valkey_server: ValkeyServer) -> None:
    with socket.create_connection(("127.0.0.1", valkey_server.port)) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(16) == b"+PONG\r\n"


def test_emulator_keeps_objects_messages_and_secrets(tmp_path: Path) -> None:
    with Emulator(tmp_path, free_port()) as emulator:
        emulator.s3.create_bucket(Bucket="kept")
        emulator.s3.put_object(
            Bucket="kept", Key="a/b c.mp4", Body=b"film", ContentType="video/mp4"
        )
        emulator.sqs.create_queue(QueueName="kept")
        emulator.sqs.send_message(QueueUrl=emulator.queue_url("kept"), MessageBody="hello")
        emulator.secrets_manager.create_secret(Name="a/b", SecretString=json.dumps({"k": "v"}))
    # On another port, as `PORT=3100 make run` does with the data of `make run`.
    with Emulator(tmp_path, free_port()) as emulator:
        film = emulator.s3.get_object(Bucket="kept", Key="a/b c.mp4")
        assert (film["Body"].read(), film["ContentType"]) == (b"film", "video/mp4")
        received = emulator.sqs.receive_message(QueueUrl=emulator.queue_url("kept"))
        assert [message["Body"] for message in received["Messages"]] == ["hello"]
        secret = emulator.secrets_manager.get_secret_value(SecretId="a/b")
        assert json.loads(secret["SecretString"]) == {"k": "v"}


def test_emulator_that_was_killed_keeps_its_objects(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, free_port())
    emulator.start()
    create_resources(emulator)
    emulator.s3.put_object(Bucket=MEDIA_BUCKET, Key="a.mp4", Body=b"film")
    assert emulator.process is not None
    kill(emulator.process)
    emulator.stop()
    with Emulator(tmp_path, free_port()) as emulator:
        create_resources(emulator)
        assert emulator.s3.get_object(Bucket=MEDIA_BUCKET, Key="a.mp4")["Body"].read() == b"film"
