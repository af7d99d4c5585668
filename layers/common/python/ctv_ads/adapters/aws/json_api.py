"""A thin client of AWS's JSON protocol for the decision plane: http.client and Signature V4.

boto3 costs over half a second of cold start. The ad request and the collector need two calls,
`secretsmanager:GetSecretValue` and `sqs:SendMessage`; this makes them. A contract test holds
its signatures against botocore's.
"""

import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

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
    key = b"AWS4" + identity.secret_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), hashlib.sha256).hex()
    return (
        f"AWS4-HMAC-SHA256 Credential={identity.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )


class JsonApi:
    """Calls one AWS service over one kept connection. Not for several threads."""

    def __init__(
        self, service: JsonService, identity: AwsIdentity, clock: Clock, *, timeout_s: float = 2
    ) -> None:
        self._service = service
        self._identity = identity
        self._clock = clock
        self._timeout_s = timeout_s
        address = identity.endpoint_url or f"https://{service.name}.{identity.region}.amazonaws.com"
        self._address = urlsplit(address)
        self._connection: http.client.HTTPConnection | None = None

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call `operation` and return its answer.

        A kept connection that has died meanwhile is replaced once.

        Raises:
            DependencyUnavailableError: the service did not answer, or refused.
        """
        body = json.dumps(parameters, separators=(",", ":")).encode()
        kept = self._connection is not None
        try:
            try:
                status, answer = self._exchange(operation, body)
            except (OSError, http.client.HTTPException):
                self.close()
                if not kept:
                    raise
                status, answer = self._exchange(operation, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            reason = str(error) or type(error).__name__
            raise DependencyUnavailableError(self._service.name, reason) from error
        if status != http.client.OK:
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
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, operation: str, body: bytes) -> tuple[int, bytes]:
        connection = self._connection or self._connect()
        headers = self._headers(operation, body, self._clock())
        connection.request("POST", "/", body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()

    def _headers(self, operation: str, body: bytes, now: datetime) -> Mapping[str, str]:
        headers = {
            "content-type": f"application/x-amz-json-{self._service.version}",
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-target": f"{self._service.target_prefix}.{operation}",
        }
        if self._identity.session_token:
            headers["x-amz-security-token"] = self._identity.session_token
        host = self._address.netloc
        signature = sign(self._identity, self._service.name, host, headers, body)
        return {**headers, "host": host, "authorization": signature}

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._address.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout_s, context=ssl.create_default_context()
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        return self._connection


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
