"""Remarks on a field: what is wrong with it, or what its owner should know of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say of one field. `path` is dotted: `targeting.country.include.0`."""

    path: str
    code: str
    message: str
