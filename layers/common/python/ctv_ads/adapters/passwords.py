"""Passwords: bcrypt with 12 rounds."""

import bcrypt

ROUNDS = 12
MAX_BYTES = 72
"""bcrypt looks no further; longer passwords are refused rather than cut."""

# The hash of 40 random characters that were thrown away, at the same number of rounds.
_NOBODY = b"$2b$12$zyYdC0RD5x3WJ0vpsn./.esgEOfNpCjuCoBybmQTa2gKwDyINqWxO"


def hash_password(password: str) -> str:
    """Return the bcrypt hash of a password.

    Raises:
        ValueError: it is longer than bcrypt can tell apart.
    """
    encoded = password.encode()
    if len(encoded) > MAX_BYTES:
        raise ValueError(f"a password may have at most {MAX_BYTES} bytes")
    return bcrypt.hashpw(encoded, bcrypt.gensalt(ROUNDS)).decode()


def check_password(password: str, password_hash: str | None) -> bool:
    """Tell whether a password fits its hash; without a hash, take as long and say no.

    One that is longer than any password can be fits none, however it begins.
    """
    encoded = password.encode()
    if password_hash is None or len(encoded) > MAX_BYTES:
        bcrypt.checkpw(encoded[:MAX_BYTES], _NOBODY)
        return False
    return bcrypt.checkpw(encoded, password_hash.encode())
