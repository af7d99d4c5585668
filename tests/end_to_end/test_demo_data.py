"""Right after the first start there is something to see, as the README promises."""

from collections import Counter

import httpx
import pytest

from local.seed import PASSWORD, PEOPLE, PLACEMENT
from tests.end_to_end.people import Person, Player, a_campaign
from tests.end_to_end.product import Product
from tests.end_to_end.vast import assert_lint_free, play

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_the_first_request_of_a_new_machine_gets_a_playable_ad(product: Product) -> None:
    answer = httpx.get(f"{product.base_url}/api/v1/vast?placement={PLACEMENT}")
    played = play(answer.content)
    assert played is not None
    assert_lint_free(answer.content)
    media = httpx.get(played.media_url)
    assert media.status_code == 200
    assert media.headers["content-type"] == "video/mp4"
    assert media.content[4:8] == b"ftyp"
    assert len(media.content) == int(played.media["fileSize"])


def test_several_advertisers_turn_up(product: Product) -> None:
    with Player(product.base_url, PLACEMENT) as player:
        seen = Counter(ad["advertiser"] for ad in player.ads(40))
    assert len(seen) >= 3, seen
    assert seen.most_common(1)[0][1] <= 25, f"nobody has the channel to themselves: {seen}"


@pytest.mark.parametrize(("email", "name", "role"), PEOPLE)
def test_the_demo_accounts_sign_in(product: Product, email: str, name: str, role: str) -> None:
    with Person(product.base_url, email, PASSWORD) as person:
        profile = person.get("/auth/profile")
        assert (profile["email"], profile["name"], profile["role"]) == (email, name, role)
        assert profile["organization_name"] == "Demo"
        campaigns = person.get("/campaigns")["items"]
        assert len({campaign["advertiser_name"] for campaign in campaigns}) >= 3
        written = person.api.post("/campaigns", json=a_campaign(name="Mine"))
        assert written.status_code == (403 if role == "viewer" else 201)
        if written.is_success:
            assert person.api.delete(f"/campaigns/{written.json()['id']}").status_code == 204
