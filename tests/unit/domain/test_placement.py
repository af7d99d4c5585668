import pytest

from ctv_ads.domain.placement import PlacementTerms, problems_of_key, problems_of_placement

AN_ID = "0193593b-0000-7000-8000-000000000002"


@pytest.mark.parametrize("key", ["demo", "news-preroll", AN_ID[:-1], f"{AN_ID}0", f"x.{AN_ID}"])
def test_a_word_is_a_key(key: str) -> None:
    assert list(problems_of_key(key)) == []


def test_an_id_is_no_key_whether_it_belongs_to_something_or_not() -> None:
    (problem,) = problems_of_key(AN_ID)
    assert (problem.path, problem.code) == ("key", "looks_like_an_id")


@pytest.mark.parametrize(
    ("shortest", "longest", "paths"),
    [(2, 1, ["max_ad_ms"]), (1, 1, []), (None, 1, []), (1, None, [])],
)
def test_the_longest_ad_is_not_shorter_than_the_shortest(
    shortest: int | None, longest: int | None, paths: list[str]
) -> None:
    terms = PlacementTerms(name="News", min_ad_ms=shortest, max_ad_ms=longest)
    assert [problem.path for problem in problems_of_placement(terms)] == paths
