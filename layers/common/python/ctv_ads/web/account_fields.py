"""Field types of people's accounts."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from ctv_ads.web.fields import Email, Id

_MAX_PASSWORD_BYTES = 72


def _fits_bcrypt(password: str) -> str:
    if len(password.encode("utf-8", "replace")) > _MAX_PASSWORD_BYTES:
        raise ValueError(f"must have at most {_MAX_PASSWORD_BYTES} bytes")
    if "\0" in password:
        raise ValueError("must not hold a zero character")
    return password


# What every mail system accepts, and no more: one @, no spaces or angles, a domain with a dot.
NewEmail = Annotated[
    Email,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^\s\x00-\x1f\x7f@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$",
    ),
]
"""An address to which we shall write."""
NewPassword = Annotated[
    str, StringConstraints(min_length=10, max_length=72), AfterValidator(_fits_bcrypt)
]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Scope = Annotated[list[Id], Field(min_length=1, max_length=100)]
"""The advertisers to which a viewer is bound."""


def scope_of(advertiser_ids: list[str] | None) -> frozenset[str] | None:
    """Return the advertisers each once; None means all."""
    return None if advertiser_ids is None else frozenset(advertiser_ids)
