"""The thin AWS client of the decision plane, held against botocore and a real emulator."""

import json
import socket
import string
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.aws.json_api import SECRETS_MANAGER, SQS, AwsIdentity, JsonApi, sign
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.errors import DependencyUnavailableError
from local.emulator import Emulator
from local.ports import free_port
from tests.aws import identity_of

_WORD = st.text(string.ascii_letters + string.digits + "/+=_-", min_size=1, max_size=60)
_HOST = st.sampled_from(
    ["sqs.eu-central-1.amazonaws.com", "127.0.0.1:4566", "localhost:3001", "vpce-1.sqs.aws.dev"]
)


@given(
    access_key=_WORD,
    secret_key=_WORD,
    token=_WORD | st.just(""),
    region=st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-3"]),
    service=st.sampled_from([SQS, SECRETS_MANAGER]),
    host=_HOST,
    body=st.binary(max_size=200),
    moment=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2099, 1, 1)),  # noqa: DTZ001
)
def test_signatures_equal_botocores(  # noqa: PLR0913, PLR0917 - what a signature depends on
    access_key: str,
    secret_key: str,
    token: str,
    region: str,
    service: object,
    host: str,
    body: bytes,
    moment: datetime,
) -> None:
    assert service in {SQS, SECRETS_MANAGER}
    known = SQS if service is SQS else SECRETS_MANAGER
    stamp = moment.replace(tzinfo=UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": f"application/x-amz-json-{known.version}",
        "x-amz-date": stamp,
        "x-amz-target": f"{known.target_prefix}.Anything",
    }
    if token:
        headers["x-amz-security-token"] = token
    identity = AwsIdentity(access_key, secret_key, token, region)
    ours = sign(identity, known.name, host, headers, body)
    assert ours == _botocores(identity, known.name, f"http://{host}/", headers, body)


def _botocores(
    identity: AwsIdentity, service: str, url: str, headers: dict[str, str], body: bytes
) -> str:
    request = AWSRequest("POST", url, headers=headers, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    credentials = Credentials(identity.access_key, identity.secret_key, identity.session_token)
    auth = SigV4Auth(credentials, service, identity.region)
    canonical = auth.canonical_request(request)
    text = auth.string_to_sign(request, canonical)
    return (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, "
        f"SignedHeaders={auth.signed_headers(auth.headers_to_sign(request))}, "
        f"Signature={auth.signature(text, request)}"
    )


def test_it_reads_a_secret(aws_emulator: Emulator) -> None:
    name = f"keys/{new_id()}"
    aws_emulator.secrets_manager.create_secret(Name=name, SecretString='{"ü": "\\u0001 😀"}')
    with closing(JsonApi(SECRETS_MANAGER, identity_of(aws_emulator), utc_now)) as api:
        answer = api.call("GetSecretValue", {"SecretId": name})
    assert json.loads(answer["SecretString"]) == {"ü": "\u0001 😀"}


def test_a_refusal_names_the_service_and_the_operation(aws_emulator: Emulator) -> None:
    with (
        closing(JsonApi(SECRETS_MANAGER, identity_of(aws_emulator), utc_now)) as api,
        pytest.raises(DependencyUnavailableError, match="GetSecretValue: 400") as refused,
    ):
        api.call("GetSecretValue", {"SecretId": "no-such-secret"})
    assert refused.value.dependency == "secretsmanager"


def test_nobody_listening_is_told_quickly() -> None:
    identity = AwsIdentity("a", "b", "", "us-east-1", f"http://127.0.0.1:{free_port()}")
    started = time.monotonic()
    with pytest.raises(DependencyUnavailableError, match="sqs"):
        JsonApi(SQS, identity, utc_now).call("SendMessage", {})
    assert time.monotonic() - started < 1


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class StubbornServer:
    """Answers each connection by the next of `answers`, then closes it."""

    def __init__(self, answers: list[bytes]) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def identity(self) -> AwsIdentity:
        host, port = self._listener.getsockname()
        return AwsIdentity("a", "b", "", "us-east-1", f"http://{host}:{port}")

    def _serve(self) -> None:
        for answer in self._answers:
            connection, _ = self._listener.accept()
            with connection:
                self.connections += 1
                self.requests.append(_whole_request(connection))
                connection.sendall(answer)

    def close(self) -> None:
        self._thread.join(5)
        self._listener.close()


def _whole_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received or not received.rstrip().endswith(b"}"):
        received += connection.recv(65_536)
    return received


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[StubbornServer, JsonApi]]:
    server = StubbornServer(list(answers))
    with closing(server), closing(JsonApi(SQS, server.identity, utc_now, timeout_s=0.3)) as api:
        yield server, api


def test_a_kept_connection_that_died_is_replaced() -> None:
    with answering(ANSWER, ANSWER) as (server, api):
        assert api.call("SendMessage", {"n": 1}) == {}
        assert api.call("SendMessage", {"n": 2}) == {}
    assert server.connections == 2
    assert server.requests[1].endswith(b'{"n":2}')


def test_a_first_connection_that_dies_is_not_tried_again() -> None:
    with (
        answering(b"") as (server, api),
        pytest.raises(DependencyUnavailableError, match="sqs"),
    ):
        api.call("SendMessage", {})
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Slow Down\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
    ids=["503", "cut short", "no JSON", "no text", "no HTTP"],
)
def test_a_broken_answer_names_the_dependency(answer: bytes) -> None:
    with answering(answer) as (_, api), pytest.raises(DependencyUnavailableError, match="sqs"):
        api.call("SendMessage", {})


def test_a_server_that_never_answers_is_left_after_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        identity = AwsIdentity("a", "b", "", "us-east-1", address)
        started = time.monotonic()
        with (
            closing(JsonApi(SQS, identity, utc_now, timeout_s=0.2)) as api,
            pytest.raises(DependencyUnavailableError, match="sqs"),
        ):
            api.call("SendMessage", {})
        assert 0.15 < time.monotonic() - started < 1


def test_a_wrong_signature_puts_no_session_token_into_the_error() -> None:
    # What AWS really answers then: it repeats the request that it would have signed.
    told = {
        "__type": "com.amazon.coral.service#InvalidSignatureException",
        "message": "The request signature we calculated does not match.\n\nThe Canonical String "
        "for this request should have been\n'POST\n/\n\nhost:x\nx-amz-security-token:IQoJb3Jp'",
    }
    body = json.dumps(told).encode()
    answer = b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with answering(answer) as (_, api), pytest.raises(DependencyUnavailableError) as refused:
        api.call("SendMessage", {})
    assert "InvalidSignatureException" in str(refused.value)
    assert "IQoJb3Jp" not in str(refused.value)
