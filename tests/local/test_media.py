"""Media files are served as CloudFront would, out of the emulator's S3."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing

import httpx
import pytest

from local.asgi import Receive, Scope, Send, Server, bind
from local.emulator import Emulator
from local.media import MediaFiles

FILM = bytes(range(256)) * 2048  # 512 KiB: more than one chunk


@pytest.fixture
def bucket(aws_emulator: Emulator) -> str:
    aws_emulator.s3.create_bucket(Bucket="films")
    aws_emulator.s3.put_object(Bucket="films", Key="1/a b.mp4", Body=FILM, ContentType="video/mp4")
    return "films"


def with_media(
    emulator: Emulator, bucket: str, check: Callable[[httpx.AsyncClient], Awaitable[None]]
) -> None:
    async def run() -> None:
        with closing(MediaFiles(emulator.s3, bucket)) as media:

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await media.serve(scope["path"].removeprefix("/"), scope, send)

            listener = bind("127.0.0.1")
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = Server(application, [listener])
            await server.start()
            try:
                async with httpx.AsyncClient(base_url=address) as client:
                    await check(client)
            finally:
                await server.stop()

    asyncio.run(run())


def test_a_file_comes_whole_and_cacheable(aws_emulator: Emulator, bucket: str) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        response = await client.get("/1/a%20b.mp4")
        assert (response.status_code, response.content) == (200, FILM)
        assert response.headers["content-type"] == "video/mp4"
        assert response.headers["accept-ranges"] == "bytes"
        assert response.headers["access-control-allow-origin"] == "*"
        assert "immutable" in response.headers["cache-control"]

    with_media(aws_emulator, bucket, check)


def test_head_tells_the_same_without_the_file(aws_emulator: Emulator, bucket: str) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        response = await client.head("/1/a%20b.mp4")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-length"] == str(len(FILM))

    with_media(aws_emulator, bucket, check)


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=10-19", 10, 20), ("bytes=-5", len(FILM) - 5, len(FILM))]
)
def test_a_range_is_partial_content(
    aws_emulator: Emulator, bucket: str, asked: str, start: int, end: int
) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        response = await client.get("/1/a%20b.mp4", headers={"Range": asked})
        assert (response.status_code, response.content) == (206, FILM[start:end])
        assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{len(FILM)}"

    with_media(aws_emulator, bucket, check)


def test_what_the_client_has_is_not_sent_again(aws_emulator: Emulator, bucket: str) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        etag = (await client.head("/1/a%20b.mp4")).headers["etag"]
        response = await client.get("/1/a%20b.mp4", headers={"If-None-Match": etag})
        assert (response.status_code, response.content) == (304, b"")

    with_media(aws_emulator, bucket, check)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/", {}, 404),
        ("GET", "/1/a%20b.mp4", {"Range": "bytes=9999999-"}, 416),
        ("POST", "/1/a%20b.mp4", {}, 405),
    ],
)
def test_refusals_have_their_status(
    aws_emulator: Emulator,
    bucket: str,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        response = await client.request(method, path, headers=headers)
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "*"

    with_media(aws_emulator, bucket, check)
