"""IAB Tech Lab's Ad Product Taxonomy 2.0 (CC BY 3.0, see `ctv_ads/data/README.md`)."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def ad_product_categories() -> Mapping[str, str]:
    """Return the name of each category by its id."""
    text = (resources.files("ctv_ads.data") / "ad-product-2.0.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {row["Unique ID"]: row["Name"] for row in rows if row["Unique ID"]}
