"""Media files as CloudFront serves them from S3: ranges, validators, any origin."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from local.asgi import Scope, Send, respond, respond_json, start_response

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 256 * 1024
_THREADS = 8
_T = TypeVar("_T")

_ALWAYS = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "content-length,content-range,etag"),
)
_CONDITIONS = {"range": "Range", "if-none-match": "IfNoneMatch"}


class MediaFiles:
    """Streams the objects of one bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="media")

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def serve(self, key: str, scope: Scope, send: Send) -> None:
        """Answer GET or HEAD for an object."""
        method = scope["method"]
        if method not in {"GET", "HEAD"}:
            await respond_json(
                send, HTTPStatus.METHOD_NOT_ALLOWED, {"message": "Method Not Allowed"}, _ALWAYS
            )
            return
        if not key:
            await respond_json(send, HTTPStatus.NOT_FOUND, {"message": "Not Found"}, _ALWAYS)
            return
        asked = {
            _CONDITIONS[name.decode("latin-1")]: value.decode("latin-1")
            for name, value in scope["headers"]
            if name.decode("latin-1") in _CONDITIONS
        }
        try:
            found = await self._in_thread(
                lambda: self._s3.get_object(Bucket=self._bucket, Key=key, **asked)
            )
        except ClientError as error:
            await _refuse(send, error)
            return
        except BotoCoreError as error:
            await respond_json(send, HTTPStatus.BAD_GATEWAY, {"message": str(error)}, _ALWAYS)
            return
        await self._stream(found, send, with_body=method == "GET")

    async def _stream(self, found: Any, send: Send, *, with_body: bool) -> None:  # noqa: ANN401 - boto3's TypedDict
        partial = "ContentRange" in found
        await start_response(
            send, HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK, _headers(found)
        )
        chunks: Iterator[bytes] = found["Body"].iter_chunks(_CHUNK_BYTES)
        try:
            while with_body and (chunk := await self._in_thread(lambda: next(chunks, b""))):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            found["Body"].close()
        await send({"type": "http.response.body", "body": b""})

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _headers(found: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - boto3's TypedDict
    headers = [
        *_ALWAYS,
        ("accept-ranges", "bytes"),
        # A media file never changes: a new file gets a new key.
        ("cache-control", "public, max-age=31536000, immutable"),
        ("content-length", str(found["ContentLength"])),
        ("content-type", found["ContentType"]),
        ("etag", found["ETag"]),
        ("last-modified", found["LastModified"].strftime("%a, %d %b %Y %H:%M:%S GMT")),
    ]
    if "ContentRange" in found:
        headers.append(("content-range", found["ContentRange"]))
    return headers


async def _refuse(send: Send, error: ClientError) -> None:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status == HTTPStatus.NOT_MODIFIED:
        await respond(send, status, _ALWAYS)
        return
    message = error.response["Error"].get("Message", "")
    await respond_json(send, status, {"message": message}, _ALWAYS)
