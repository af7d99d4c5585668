"""Every implementation of `PodFiller` shows sequences in their order."""

from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import CreativeRotation
from ctv_ads.domain.pod import Candidate, PodSpec, ViewerKeys
from tests.builders import a_servable_creative
from tests.pod_shelves import Shelf, an_ad, creative


def a_story(*lengths_ms: int, value: int = 10) -> ServableLineItem:
    """A line item that shows films of these lengths in this order."""
    return an_ad(
        value=value,
        creatives=[
            a_servable_creative(duration_ms=length_ms, sequence=number)
            for number, length_ms in enumerate(lengths_ms, 1)
        ],
        creative_rotation=CreativeRotation.SEQUENTIAL,
    )


def told(shelf: Shelf, ad: ServableLineItem, length_ms: int, slots: int = 9) -> int:
    """Return which film a break of that length has shown, of those that fit it."""
    fitting = tuple(one for one in ad.creatives if one.duration_ms <= length_ms)
    pod = shelf.fill(Candidate(ad, fitting, 0), spec=PodSpec(length_ms, slots))
    return [*ad.creatives].index(fitting[creative(pod)])


def test_each_viewer_goes_on_where_they_stopped(shelf: Shelf) -> None:
    ad = an_ad(
        creatives=[a_servable_creative() for _ in range(3)],
        creative_rotation=CreativeRotation.SEQUENTIAL,
    )
    assert [creative(shelf.fill(ad)) for _ in range(4)] == [0, 1, 2, 0]
    assert creative(shelf.fill(ad, viewer=ViewerKeys("other"))) == 0
    assert creative(shelf.fill(ad, viewer=ViewerKeys())) == 0


def test_what_does_not_fit_a_break_is_due_until_it_is_passed(shelf: Shelf) -> None:
    ad = a_story(15_000, 60_000, 15_000)
    lengths = [30_000, 30_000, 90_000, 90_000, 90_000]
    shown = [told(shelf, ad, length) for length in lengths]
    assert shown == [0, 2, 0, 1, 2]


def test_a_longer_film_does_not_come_before_its_turn(shelf: Shelf) -> None:
    ad = a_story(15_000, 30_000)
    shown = [told(shelf, ad, 30_000, slots=1) for _ in range(3)]
    assert shown == [0, 1, 0]


def test_a_shorter_film_does_not_come_for_the_sake_of_others(shelf: Shelf) -> None:
    ad = a_story(20_000, 15_000, value=30)
    pod = shelf.fill(ad, an_ad(15_000, 5), spec=PodSpec(30_000, 9))
    assert [(pick.candidate, pick.creative) for pick in pod.picks] == [(0, 0)]


def test_the_order_is_the_sequence_whatever_order_they_come_in(shelf: Shelf) -> None:
    films = [a_servable_creative(sequence=number) for number in (3, None, 1)]
    ad = an_ad(creatives=films, creative_rotation=CreativeRotation.SEQUENTIAL)
    assert [creative(shelf.fill(ad)) for _ in range(4)] == [2, 0, 1, 2]
