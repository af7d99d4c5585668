"""A thin client of AWS's JSON protocol for the decision plane: a kept connection, Signature V4.

boto3 costs over half a second of cold start. The ad request and the collector need two calls,
`secretsmanager:GetSecretValue` and `sqs:SendMessage`; this makes them. A contract test holds
its signatures against botocore's.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from ctv_ads.adapters.aws.kept_connection import BrokenAnswerError, KeptConnection
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.base import Clock


@dataclass(frozen=True, slots=True)
class AwsIdentity:
    """Who signs: Lambda's own credentials, and the region."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    region: str
    endpoint_url: str = ""
    """One address for every service (the local emulator); empty for AWS itself."""


@dataclass(frozen=True, slots=True)
class JsonService:
    """One AWS service that speaks JSON."""

    name: str
    target_prefix: str
    version: str


SECRETS_MANAGER = JsonService("secretsmanager", "secretsmanager", "1.1")
SQS = JsonService("sqs", "AmazonSQS", "1.0")


def sign(
    identity: AwsIdentity, service: str, host: str, headers: Mapping[str, str], body: bytes
) -> str:
    """Return the Authorization header of a POST to `/` (AWS Signature Version 4).

    `headers` are all the headers to sign but `host`, in lower case, with `x-amz-date`.
    """
    stamp = headers["x-amz-date"]
    scope = f"{stamp[:8]}/{identity.region}/{service}/aws4_request"
    signed = dict(sorted({**headers, "host": host}.items()))
    names = ";".join(signed)
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = _signing_key(identity.secret_key, scope)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return (
        f"AWS4-HMAC-SHA256 Credential={identity.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )


@lru_cache(maxsize=8)
def _signing_key(secret_key: str, scope: str) -> bytes:
    """Return the key of one service for one day."""
    key = b"AWS4" + secret_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class JsonApi:
    """Calls one AWS service over one kept connection. Not for several threads."""

    def __init__(
        self, service: JsonService, identity: AwsIdentity, clock: Clock, *, timeout_s: float = 2
    ) -> None:
        self._service = service
        self._identity = identity
        self._clock = clock
        address = identity.endpoint_url or f"https://{service.name}.{identity.region}.amazonaws.com"
        self._host = urlsplit(address).netloc
        self._connection = KeptConnection(urlsplit(address), timeout_s=timeout_s)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call `operation` and return its answer.

        A kept connection that has died meanwhile is replaced once.

        Raises:
            DependencyUnavailableError: the service did not answer, or refused.
        """
        body = json.dumps(parameters, separators=(",", ":")).encode()
        try:
            status, answer = self._exchange(operation, body)
        except (OSError, BrokenAnswerError) as error:
            reason = str(error) or type(error).__name__
            raise DependencyUnavailableError(self._service.name, reason) from error
        if status != HTTPStatus.OK:
            reason = f"{operation}: {status} {_reason(answer)}"
            raise DependencyUnavailableError(self._service.name, reason)
        try:
            document: Mapping[str, Any] = json.loads(answer)
        except ValueError as error:
            reason = f"{operation}: the answer is not JSON"
            raise DependencyUnavailableError(self._service.name, reason) from error
        return document

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()

    def _exchange(self, operation: str, body: bytes) -> tuple[int, bytes]:
        if self._connection.is_open:
            with suppress(OSError):
                return self._connection.exchange(self._request(operation, body))
        return self._connection.exchange(self._request(operation, body))

    def _request(self, operation: str, body: bytes) -> bytes:
        headers = {
            "content-type": f"application/x-amz-json-{self._service.version}",
            "x-amz-date": f"{self._clock():%Y%m%dT%H%M%SZ}",
            "x-amz-target": f"{self._service.target_prefix}.{operation}",
        }
        if self._identity.session_token:
            headers["x-amz-security-token"] = self._identity.session_token
        signature = sign(self._identity, self._service.name, self._host, headers, body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST / HTTP/1.1\r\nhost: {self._host}\r\n{lines}authorization: {signature}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _reason(answer: bytes) -> str:
    """Return the kind of an error and the first line of its message.

    The lines after that may repeat the request as signed, session token included.
    """
    try:
        told = json.loads(answer)
        message = str(told.get("message") or told.get("Message") or "")
        return f"{told.get('__type', '')} {message.partition(chr(10))[0][:300]}".strip()
    except (ValueError, AttributeError):
        return f"({len(answer)} bytes that are no JSON object)"
