"""Servers for the tests of this folder."""

from tests.local_servers import aws_emulator, postgres_server, valkey_server

__all__ = ["aws_emulator", "postgres_server", "valkey_server"]
