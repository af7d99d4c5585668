"""API keys: machines act by them as the person who made them, with a role of their own."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ctv_ads.domain.access import ACTIONS_BY_ROLE, Action, Caller, Role
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.people import ApiKey, ApiKeyId, key_prefix, key_text
from ctv_ads.domain.tokens import digest
from ctv_ads.errors import (
    FieldProblem,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    UnauthenticatedError,
)
from ctv_ads.ports.access import NewToken
from ctv_ads.ports.base import Clock, NewId
from ctv_ads.ports.control_plane import Stores
from ctv_ads.use_cases.permission import require

_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageKeys:
    """Makes, lists, revokes and reads API keys."""

    stores: Stores
    clock: Clock
    new_id: NewId
    new_token: NewToken
    new_prefix: Callable[[], str]

    def make(
        self, caller: Caller, *, name: str, role: Role, expires_at: datetime | None
    ) -> tuple[ApiKey, str]:
        """Return a new key and its text, which is shown this once.

        Raises:
            ForbiddenError: the key would be mightier than its maker, or a key makes keys.
            InvalidRequestError: it would have expired already.
        """
        require(caller, Action.MANAGE_KEYS)
        if not caller.session_id:
            raise ForbiddenError("only a person who has signed in makes keys")
        if not ACTIONS_BY_ROLE[role] <= ACTIONS_BY_ROLE[caller.role]:
            raise ForbiddenError(f"the role {caller.role} may not make keys of the role {role}")
        now = self.clock()
        if expires_at is not None and expires_at <= now:
            message = "must lie in the future"
            raise InvalidRequestError(message, [FieldProblem("expires_at", "past", message)])
        prefix, secret = self.new_prefix(), self.new_token()
        key = ApiKey(
            api_key_id=ApiKeyId(self.new_id()),
            name=name,
            role=role,
            prefix=prefix,
            created_by=caller.user_id,
            created_at=now,
            expires_at=expires_at,
            last_used_at=None,
        )
        text = key_text(prefix, secret)
        with self.stores.transaction(caller) as store:
            store.api_keys.add(key, digest(text))
        return key, text

    def keys(self, caller: Caller, query: ListQuery) -> Page[ApiKey]:
        """Return a page of the organization's keys."""
        require(caller, Action.MANAGE_KEYS)
        with self.stores.transaction(caller) as store:
            return store.api_keys.page(query)

    def revoke(self, caller: Caller, api_key_id: ApiKeyId) -> None:
        """Make a key useless at once.

        Raises:
            NotFoundError: there is no such key.
        """
        require(caller, Action.MANAGE_KEYS)
        with self.stores.transaction(caller) as store:
            if not store.api_keys.revoke(api_key_id, self.clock()):
                raise NotFoundError("there is no such API key")

    def caller_of(self, text: str) -> tuple[ApiKeyId, Caller]:
        """Return who acts by a key, and note that it was used.

        Raises:
            UnauthenticatedError: the key is unknown, revoked or expired.
        """
        with self.stores.sign_in() as doors:
            found = doors.api_key(key_prefix(text))
        now = self.clock()
        if (
            found is None
            or not hmac.compare_digest(found.token_hash, digest(text))
            or (found.expires_at is not None and found.expires_at <= now)
        ):
            raise UnauthenticatedError("the API key is not valid")
        if found.last_used_at is None or now - found.last_used_at >= _NOTED_EVERY:
            with self.stores.transaction(found.caller) as store:
                store.api_keys.used(found.api_key_id, now)
        return found.api_key_id, found.caller
