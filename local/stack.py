"""The whole product on one machine: what runs, started and stopped in the right order."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

from functions.manifest import Function
from local import resources, supervisor
from local.asgi import Server, bind
from local.console import Console
from local.data_folder import DataFolder
from local.emulator import Emulator
from local.environment import function_environment, setting_values
from local.gateway import Gateway
from local.inproc import InProcessRuntime
from local.invocation import FunctionFailedError
from local.media import MediaFiles
from local.options import Options
from local.ports import HOST
from local.postgres import PostgresServer
from local.processes import LocalError, kill
from local.runtime import Runtime
from local.secrets import Secrets
from local.triggers import Triggers
from local.valkey import ValkeyServer

_PORTS_PATIENCE_S = 2.0
_WARM_AT_ONCE = 2


class LocalStack:
    """Start it, await `failure()` or a signal, stop it. Use once."""

    def __init__(self, options: Options, console: Console) -> None:
        self._options = options
        self._console = console
        self._cleanup = AsyncExitStack()
        folder, ports = options.data_dir, options.ports
        self._folder = DataFolder(folder)
        self._folder.open()
        self._folder.trim_logs()
        logs = self._folder.logs
        self.secrets = Secrets.load(folder / "secrets.json")
        self.postgres = PostgresServer(
            folder / "postgres",
            ports.postgres,
            password=self.secrets.owner_password,
            log=logs / "postgresql.log",
        )
        self.valkey = ValkeyServer(
            ports.valkey, data_dir=folder / "valkey", log=logs / "valkey.log"
        )
        self.emulator = Emulator(folder / "aws", ports.emulator, log=logs / "aws-emulator.log")
        self.runtime: Runtime | InProcessRuntime = (
            InProcessRuntime(options.functions, environment_of=self._environment_of)
            if options.inproc
            else Runtime(
                options.functions,
                environment_of=self._environment_of,
                log_dir=logs,
                report=console.trouble,
            )
        )

    async def start(self) -> None:
        """Start everything, in the order in which it is needed.

        Raises:
            LocalError: something does not start; call `stop` all the same.
        """
        await self._check_ports()
        await self._start_servers()
        await self.runtime.start()
        self._cleanup.push_async_callback(self.runtime.stop)
        await self._migrate()
        await self._open_gateway()
        self._start_triggers()
        # Seeding needs few functions, and starts those by asking for them.
        await _together(self._warm(), self._seed())

    async def failure(self) -> None:
        """Wait, once started, for something that cannot be started again without loss.

        Raises:
            LocalError: it died.
        """
        # Its messages in flight were in its memory only, so a new emulator would hide a loss.
        await supervisor.fail_with("the AWS emulator", self.emulator)

    async def stop(self) -> None:
        """Stop everything, in the opposite order; nothing of it is left."""
        await self._cleanup.aclose()
        self._folder.close()

    def kill(self) -> None:
        """End every child at once."""
        for server in (self.emulator, self.valkey, self.postgres):
            if server.process is not None:
                kill(server.process)
        for pool in self.runtime.pools.values():
            pool.stop()

    async def _check_ports(self) -> None:
        # Children of a copy that was killed a moment ago may still be saving their data.
        patience_ends = monotonic() + _PORTS_PATIENCE_S
        while True:
            try:
                self._options.ports.check_free()
            except LocalError:
                if monotonic() > patience_ends:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def _start_servers(self) -> None:
        since = monotonic()
        report = self._console.trouble
        # Stopped in the opposite order: the emulator first, PostgreSQL last.
        for stop in (self.postgres.stop, self.valkey.stop, self.emulator.stop):
            self._cleanup.push_async_callback(asyncio.to_thread, stop)
        await _together(
            self._start_emulator(since), self._start_valkey(since), self._start_postgres(since)
        )
        for name, server in (("valkey", self.valkey), ("postgresql", self.postgres)):
            watch = asyncio.create_task(supervisor.keep_alive(name, server, report=report))
            self._cleanup.callback(watch.cancel)

    async def _start_emulator(self, since: float) -> None:
        self.emulator.spawn()
        await self._wait("aws emulator", self.emulator, since)
        await self._create_resources()

    async def _start_valkey(self, since: float) -> None:
        self.valkey.spawn()
        await self._wait("valkey", self.valkey, since)

    async def _start_postgres(self, since: float) -> None:
        await asyncio.to_thread(self.postgres.prepare)
        self.postgres.spawn()
        await self._wait("postgresql", self.postgres, since)

    async def _wait(
        self, name: str, server: PostgresServer | ValkeyServer | Emulator, since: float
    ) -> None:
        await asyncio.to_thread(server.wait)
        self._console.step(name, f"ready on {HOST}:{server.port}", since=since)

    async def _create_resources(self) -> None:
        since = monotonic()
        values = self.secrets.by_id(postgres_port=self.postgres.port)
        queues = self._options.queues

        def create() -> None:
            resources.create_resources(self.emulator, queues)
            resources.store_secrets(self.emulator, values)

        await asyncio.to_thread(create)
        self._console.step(
            "resources", f"2 buckets, {len(queues)} queues, {len(values)} secrets", since=since
        )

    async def _migrate(self) -> None:
        for function in self._options.functions:
            if not function.runs_on_deploy:
                continue
            since = monotonic()
            try:
                result = await self.runtime.pools[function.name].invoke({})
            except FunctionFailedError as error:
                trace = "".join(error.stack_trace)
                raise LocalError(f"{error}\n{trace}".rstrip()) from error
            self._console.step(function.name, json.dumps(json.loads(result)), since=since)
            # It is not needed again before the next deployment.
            self.runtime.pools[function.name].stop()

    async def _open_gateway(self) -> None:
        since = monotonic()
        media = MediaFiles(self.emulator.s3, resources.MEDIA_BUCKET)
        self._cleanup.callback(media.close)
        gateway = Gateway(
            self._options.functions,
            self.runtime.pools,
            media=media,
            report=self._console.trouble,
        )
        server = Server(gateway, [bind(HOST, self._options.port)])
        await server.start()
        self._cleanup.push_async_callback(server.stop)
        self._console.step("gateway", f"open on http://localhost:{self._options.port}", since=since)

    def _start_triggers(self) -> None:
        triggers = Triggers(
            self._options.functions,
            self.runtime.pools,
            emulator=self.emulator,
            report=self._console.trouble,
        )
        triggers.start()
        self._cleanup.push_async_callback(triggers.stop)

    async def _warm(self) -> None:
        since = monotonic()
        pools = [self.runtime.pools[f.name] for f in self._options.functions if f.routes]
        at_once = asyncio.Semaphore(_WARM_AT_ONCE)

        async def warm(number: int) -> bool:
            async with at_once:
                return await pools[number].warm()

        ready = await asyncio.gather(*map(warm, range(len(pools))))
        self._console.step("functions", f"{sum(ready)} of {len(ready)} warm", since=since)

    async def _seed(self) -> None:
        if not self._options.seed:
            return
        from local import seed  # noqa: PLC0415 - it brings a client and media tools with it

        since = monotonic()
        await asyncio.to_thread(
            lambda: seed.seed(
                base_url=f"http://{HOST}:{self._options.port}",
                database_dsn=self.postgres.dsn,
                data_dir=self._options.data_dir,
                report=lambda text: self._console.step("seed", text, since=since),
            )
        )

    def _environment_of(self, function: Function) -> Mapping[str, str]:
        return function_environment(
            function,
            values=setting_values(
                function,
                ports=self._options.ports,
                emulator=self.emulator,
                data_dir=self._options.data_dir,
            ),
            endpoint_url=self.emulator.endpoint_url,
            python_path=self._options.python_path,
        )


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Do the works at once; when one fails, the others end before its error is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
