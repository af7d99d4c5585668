import pytest

from ctv_ads.domain.access import ACTIONS_BY_ROLE, Action, Role
from ctv_ads.errors import ForbiddenError
from ctv_ads.use_cases.permission import require
from tests.builders import a_tenant

MAY = {
    (Role.OWNER, Action.READ): True,
    (Role.OWNER, Action.TRAFFIC): True,
    (Role.ADMIN, Action.READ): True,
    (Role.ADMIN, Action.TRAFFIC): True,
    (Role.TRAFFICKER, Action.READ): True,
    (Role.TRAFFICKER, Action.TRAFFIC): True,
    (Role.ANALYST, Action.READ): True,
    (Role.ANALYST, Action.TRAFFIC): False,
    (Role.VIEWER, Action.READ): True,
    (Role.VIEWER, Action.TRAFFIC): False,
}


def test_every_role_and_action_is_in_the_table() -> None:
    assert set(MAY) == {(role, action) for role in Role for action in Action}
    assert set(ACTIONS_BY_ROLE) == set(Role)


@pytest.mark.parametrize(("role", "action"), MAY)
def test_a_role_may_what_the_table_says(role: Role, action: Action) -> None:
    caller = a_tenant(role=role).caller
    assert caller.may(action) is MAY[role, action]
    if MAY[role, action]:
        require(caller, action)
    else:
        with pytest.raises(ForbiddenError, match=f"{role} may not {action}"):
            require(caller, action)
