"""Passwords: bcrypt, never cut in silence."""

import pytest

from ctv_ads.adapters import passwords
from ctv_ads.adapters.passwords import MAX_BYTES, ROUNDS, check_password, hash_password


@pytest.fixture(autouse=True)
def _fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.mark.parametrize("password", ["pass word", "pässwörd 😀", "x" * MAX_BYTES, "a\0b"])
def test_only_the_password_itself_fits_its_hash(password: str) -> None:
    hashed = hash_password(password)
    assert hashed.startswith("$2b$04$")
    assert check_password(password, hashed)
    for other in (password + "x", password[:-1], "", password + "\0"):
        assert not check_password(other, hashed)


def test_the_same_password_never_hashes_alike() -> None:
    assert hash_password("x") != hash_password("x")


def test_what_bcrypt_could_not_tell_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 72 bytes"):
        hash_password("ü" * 37)


def test_without_a_hash_nothing_fits() -> None:
    assert not check_password("x", None)


def test_a_missing_person_costs_as_much_as_a_wrong_password() -> None:
    assert ROUNDS == 12
    assert passwords._NOBODY.startswith(b"$2b$12$")


def test_a_password_is_not_to_be_seen_in_its_hash() -> None:
    assert "correct horse" not in hash_password("correct horse")
