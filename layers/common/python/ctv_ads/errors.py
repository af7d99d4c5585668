"""Every error this package raises on purpose, named by who must act.

    CtvAdsError
    ├── CallerError                   the caller can mend it
    │   ├── InvalidRequestError       422  a field is wrong; says which and why
    │   ├── UnauthenticatedError      401  no valid access token, or wrong credentials
    │   ├── ForbiddenError            403  the role does not allow it
    │   ├── NotFoundError             404  no such thing in this organization
    │   ├── ConflictError             409  the thing's state does not allow it
    │   ├── ShownOnceError            409  it was made before, and its secret is not kept
    │   ├── PreconditionFailedError   412  it was changed since the caller read it
    │   ├── RateLimitedError          429  too many requests; says when to come again
    │   └── UploadGoneError           409  an upload was replaced or removed while it was judged
    └── OperatorError                 the operator must mend it
        ├── DependencyUnavailableError 503 PostgreSQL, Valkey, S3 or SQS did not answer
        ├── InvalidSettingsError      500  the environment is incomplete or wrong
        ├── SnapshotCorruptError      500  the published inventory is not what was written
        ├── ArchiveCorruptError       500  an archived file is not what was written
        └── MigrationError            500  the schema cannot be brought up to date

`web/problems.py` maps each class to its HTTP status, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field. `path` is dotted: `line_items.0.rate_micros`."""

    path: str
    code: str
    message: str


class CtvAdsError(Exception):
    """Base of every error this package raises on purpose."""


class CallerError(CtvAdsError):
    """The caller can mend it."""


class InvalidRequestError(CallerError):
    """The request is understood but at least one field is wrong."""

    def __init__(self, message: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class UnauthenticatedError(CallerError):
    """There is no valid access token, or the credentials are wrong."""


class ForbiddenError(CallerError):
    """The caller's role does not allow this action."""


class NotFoundError(CallerError):
    """There is no such thing in the caller's organization."""


class ConflictError(CallerError):
    """The state of the thing does not allow this change; nothing was changed."""

    def __init__(self, message: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class ShownOnceError(CallerError):
    """The same request has made it before; its answer held a secret, which nobody has kept."""

    def __init__(self, message: str, made: Mapping[str, str]) -> None:
        super().__init__(message)
        self.made = made
        """What was made: ids by their names."""


class PreconditionFailedError(CallerError):
    """The thing was changed since the caller read it; nothing was changed now."""

    def __init__(self, *, expected_version: int, current_version: int) -> None:
        super().__init__(
            f"it is at version {current_version}, no longer at version {expected_version}"
        )
        self.expected_version = expected_version
        self.current_version = current_version


class RateLimitedError(CallerError):
    """Too many requests in the window; the caller may come again later."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UploadGoneError(CallerError):
    """An upload was replaced or removed while it was being judged."""


class OperatorError(CtvAdsError):
    """The operator must mend it."""


class DependencyUnavailableError(OperatorError):
    """A service that this process needs did not answer; `dependency` names it."""

    def __init__(self, dependency: str, message: str) -> None:
        super().__init__(f"{dependency}: {message}")
        self.dependency = dependency


class InvalidSettingsError(OperatorError):
    """The environment is incomplete or wrong; the message lists every fault."""


class SnapshotCorruptError(OperatorError):
    """The published inventory does not match its checksum or format."""


class ArchiveCorruptError(OperatorError):
    """A file of the archive is gone, or is not what its manifest says."""


class MigrationError(OperatorError):
    """The schema cannot be brought up to date; the message says which migration and why."""
