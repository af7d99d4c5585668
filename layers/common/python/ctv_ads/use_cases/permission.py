"""Ask whether a caller's role allows what is wanted."""

from ctv_ads.domain.access import Action, Caller
from ctv_ads.errors import ForbiddenError


def require(caller: Caller, action: Action) -> None:
    """Let the call go on only if the caller's role allows `action`.

    Raises:
        ForbiddenError: it does not.
    """
    if not caller.may(action):
        raise ForbiddenError(f"the role {caller.role} may not {action}")
