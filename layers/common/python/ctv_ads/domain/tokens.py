"""Opaque tokens: 256 random bits that are handed out once and kept as their SHA-256."""

import hashlib


def digest(token: str) -> str:
    """Return what is kept of a token: nothing can be guessed from the hash of random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
