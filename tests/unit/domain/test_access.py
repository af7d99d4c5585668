from itertools import pairwise

import pytest

from ctv_ads.domain.access import ACTIONS_BY_ROLE, Action, Role, lesser
from ctv_ads.errors import ForbiddenError
from ctv_ads.use_cases.permission import require
from tests.builders import a_tenant

# Which roles may do it: Owner, Admin, Trafficker, aNalyst, Viewer.
TABLE = {
    Action.READ: "OATNV",
    Action.TRAFFIC: "OAT",
    Action.READ_REPORTS: "OATNV",
    Action.EXPORT: "OATN",
    Action.READ_DECISIONS: "OATN",
    Action.READ_PEOPLE: "OATN",
    Action.READ_AUDIT: "OA",
    Action.MANAGE_PEOPLE: "OA",
    Action.MANAGE_KEYS: "OA",
    Action.MANAGE_OWNERS: "O",
}
LETTER = dict(zip(Role, "OATNV", strict=True))
CASES = [(role, action) for role in Role for action in Action]


def test_every_role_and_action_is_in_the_table() -> None:
    assert set(TABLE) == set(Action)
    assert set(ACTIONS_BY_ROLE) == set(Role)


@pytest.mark.parametrize(("role", "action"), CASES)
def test_a_role_may_what_the_table_says(role: Role, action: Action) -> None:
    caller = a_tenant(role=role).caller
    assert caller.may(action) is (LETTER[role] in TABLE[action])
    if caller.may(action):
        require(caller, action)
    else:
        with pytest.raises(ForbiddenError, match=f"{role} may not {action}"):
            require(caller, action)


def test_each_role_may_less_than_the_one_before() -> None:
    for mightier, weaker in pairwise(Role):
        assert ACTIONS_BY_ROLE[weaker] < ACTIONS_BY_ROLE[mightier]
        assert lesser(mightier, weaker) is lesser(weaker, mightier) is weaker
        assert lesser(weaker, weaker) is weaker


def test_a_caller_in_a_request_is_the_same_caller_otherwise() -> None:
    account = a_tenant(role=Role.VIEWER).account
    acting = account.caller(session_id="s1").in_request("r1")
    assert (acting.request_id, acting.session_id, acting.role) == ("r1", "s1", Role.VIEWER)
    assert account.password_hash not in repr(account)
