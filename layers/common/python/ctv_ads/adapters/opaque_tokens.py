"""New opaque tokens."""

import secrets

_KEY_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def new_token() -> str:
    """Return 256 random bits as 43 characters that need no escaping anywhere."""
    return secrets.token_urlsafe(32)


def new_key_prefix() -> str:
    """Return 60 random bits by which an API key is looked up; they are no secret."""
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(12))
