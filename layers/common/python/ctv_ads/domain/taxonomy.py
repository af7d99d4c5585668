"""IAB Tech Lab's Ad Product Taxonomy 2.0 (CC BY 3.0, see `ctv_ads/data/README.md`)."""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources


@cache
def ad_product_categories() -> Mapping[str, str]:
    """Return the name of each category by its id."""
    return {row["Unique ID"]: row["Name"] for row in _rows()}


def with_subcategories(categories: Sequence[str]) -> tuple[str, ...]:
    """Return the categories and all below them, each once, sorted."""
    found, below = set(categories), _subcategories()
    waiting = list(categories)
    while waiting:
        fresh = below.get(waiting.pop(), frozenset()) - found
        found |= fresh
        waiting += fresh
    return tuple(sorted(found))


@cache
def _subcategories() -> Mapping[str, frozenset[str]]:
    children: dict[str, set[str]] = defaultdict(set)
    for row in _rows():
        children[row["Parent ID"]].add(row["Unique ID"])
    return {parent: frozenset(found) for parent, found in children.items()}


@cache
def _rows() -> Sequence[Mapping[str, str]]:
    text = (resources.files("ctv_ads.data") / "ad-product-2.0.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return [row for row in rows if row["Unique ID"]]
