"""A collector that outlives a rotation of keys."""

import pytest

from ctv_ads.adapters.key_ring import KeyRing
from ctv_ads.domain.beacon_token import BadTokenError, TokenKeys, UnknownKeyError, issue_token
from ctv_ads.errors import DependencyUnavailableError
from tests.builders import KEYS, some_claims

CLAIMS = some_claims()
OLD = issue_token(CLAIMS, KEYS)
ROTATED = TokenKeys("k2", {**KEYS.keys, "k2": b"2" * 32})
NEW = issue_token(CLAIMS, ROTATED)
MADE_UP = issue_token(CLAIMS, TokenKeys("zz", {"zz": b"z" * 32}))


class Secret:
    """What Secrets Manager holds, or why it does not answer."""

    def __init__(self) -> None:
        self.holds: TokenKeys | Exception = KEYS
        self.reads = 0
        self.now_s = 1_000.0
        self.ring = KeyRing(self.read, seconds=lambda: self.now_s)

    def read(self) -> TokenKeys:
        self.reads += 1
        if isinstance(self.holds, Exception):
            raise self.holds
        return self.holds


@pytest.fixture
def secret() -> Secret:
    return Secret()


def test_a_new_key_is_known_from_the_first_token_that_names_it(secret: Secret) -> None:
    secret.holds = ROTATED
    for token in (NEW, OLD, NEW):
        assert secret.ring.claims_of(token) == CLAIMS
    assert secret.reads == 2


def test_made_up_keys_are_looked_for_once_in_ten_seconds(secret: Secret) -> None:
    for _ in range(50):
        with pytest.raises(UnknownKeyError):
            secret.ring.claims_of(MADE_UP)
    assert secret.reads == 2
    secret.now_s += 9.9
    secret.holds = ROTATED
    with pytest.raises(UnknownKeyError):
        secret.ring.claims_of(NEW)
    secret.now_s += 0.1
    assert secret.ring.claims_of(NEW) == CLAIMS
    assert secret.reads == 3


def test_a_forged_signature_is_no_reason_to_read_again(secret: Secret) -> None:
    forged = issue_token(CLAIMS, TokenKeys(KEYS.current, {KEYS.current: b"f" * 32}))
    for token in (forged, "", OLD[:-1]):
        with pytest.raises(BadTokenError):
            secret.ring.claims_of(token)
    assert secret.reads == 1


@pytest.mark.parametrize(
    "fault", [DependencyUnavailableError("secretsmanager", "timed out"), ValueError("no keys")]
)
def test_what_cannot_be_read_leaves_the_keys_that_are_known(
    secret: Secret, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    secret.holds = fault
    with pytest.raises(UnknownKeyError):
        secret.ring.claims_of(NEW)
    assert secret.ring.claims_of(OLD) == CLAIMS
    assert "not read again" in caplog.text
    secret.now_s += 10
    secret.holds = ROTATED
    assert secret.ring.claims_of(NEW) == CLAIMS
