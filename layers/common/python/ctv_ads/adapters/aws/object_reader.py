"""An S3 object as a seekable file that fetches only the parts which are read."""

import io
from collections import OrderedDict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Headers stand at the start and the end of a file: a few blocks hold them all, and smaller
# blocks would only mean more requests of some 20 ms each.
BLOCK_BYTES = 256 * 1024
_BLOCKS_KEPT = 16

_NO_LONGER_THERE = {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}


class ObjectChangedError(Exception):
    """The object was replaced or deleted since its ETag was learnt."""


class ObjectReader(io.RawIOBase):
    """One version of one object, read by ranges; every byte is of the upload named by `etag`."""

    def __init__(
        self, s3: "S3Client", bucket: str, key: str, *, size_bytes: int, etag: str
    ) -> None:
        """Open the object without a request.

        Args:
            s3: the client to fetch with; its timeouts and retries hold.
            bucket: where the object is.
            key: its name.
            size_bytes: how large it is.
            etag: its ETag, with or without quotation marks.
        """
        super().__init__()
        self.bytes_fetched = 0
        """How many bytes S3 has sent so far."""
        self.requests = 0
        """How many requests were made so far."""
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._size_bytes = size_bytes
        self._etag = f'"{etag.strip(chr(34))}"'
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte to be read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position, also one behind the end, as files allow.

        Raises:
            ValueError: the position is before the start.
        """
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}
        position = origin[whence] + offset
        if position < 0:
            raise ValueError(f"negative seek position {position}")
        self._position = position
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end; all that is left if it is negative.

        Raises:
            ObjectChangedError: the object is no longer the one that was asked for.
            DependencyUnavailableError: S3 did not answer, or not with these bytes.
        """
        end = self._size_bytes
        if size is not None and size >= 0:
            end = min(end, self._position + size)
        parts: list[bytes] = []
        while self._position < end:
            index, offset = divmod(self._position, BLOCK_BYTES)
            part = self._block(index)[offset : offset + end - self._position]
            parts.append(part)
            self._position += len(part)
        return b"".join(parts)

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - typeshed's WriteableBuffer
        """Fill `buffer` and return how many bytes it took; raises what `read` raises."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _block(self, index: int) -> bytes:
        if index in self._blocks:
            self._blocks.move_to_end(index)
            return self._blocks[index]
        block = self._fetch(index * BLOCK_BYTES)
        self._blocks[index] = block
        if len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return block

    def _fetch(self, starts_at: int) -> bytes:
        last = min(starts_at + BLOCK_BYTES, self._size_bytes) - 1
        self.requests += 1
        try:
            response = self._s3.get_object(
                Bucket=self._bucket,
                Key=self._key,
                Range=f"bytes={starts_at}-{last}",
                IfMatch=self._etag,
            )
            data = response["Body"].read()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in _NO_LONGER_THERE:
                raise ObjectChangedError(
                    f"{self._bucket}/{self._key} was replaced or deleted"
                ) from error
            raise DependencyUnavailableError("s3", str(error)) from error
        except BotoCoreError as error:
            raise DependencyUnavailableError("s3", str(error)) from error
        self.bytes_fetched += len(data)
        if len(data) != last - starts_at + 1:
            raise DependencyUnavailableError(
                "S3", f"{self._key} gave {len(data)} bytes for {starts_at}-{last}"
            )
        return data
