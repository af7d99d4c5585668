"""Check the exported books of an advertiser: `python3 check_ledger.py ledger.csv [next.csv ...]`.

It needs Python 3.9 or newer and nothing else: neither this product nor its database. It tells
whether every entry is where it was written and says what it said then, and what is owed, by day
and campaign. Give the files of one export in their order.

An entry's hash is SHA-256 over the hash of the entry before it (as 32 bytes; zeros at the start of
an advertiser's day) and over these fields, joined by "|" as UTF-8.
"""

import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

FIELDS = (
    "advertiser_id", "day", "sequence", "kind", "campaign_id", "line_item_id", "rate_type",
    "bucket", "batch", "debit_account", "credit_account", "amount_micros", "events",
    "events_sha256", "recorded_at", "reason",
)  # fmt: skip
ACCOUNTS = {
    "delivery": ("receivable", "revenue"),
    "flat": ("receivable", "revenue"),
    "credit": ("revenue", "receivable"),
}


def main(paths: Sequence[str]) -> int:
    """Print what is owed and every fault, and return the exit status."""
    faults: list[str] = []
    owed: Counter[tuple[str, str]] = Counter()
    chain, last, before, entries = ("", ""), 0, bytes(32), 0
    for row in rows(paths):
        entries += 1
        name = f"{row['day']}, entry {row['sequence']}"
        if chain != (row["advertiser_id"], row["day"]):
            chain, last, before = (row["advertiser_id"], row["day"]), 0, bytes(32)
        if int(row["sequence"]) != last + 1:
            faults.append(f"{name}: entry {last + 1} should come here")
        line = "|".join(["v1", *(row[field] for field in FIELDS)])
        computed = hashlib.sha256(before + line.encode()).hexdigest()
        if row["previous_hash"] != before.hex() or row["entry_hash"] != computed:
            faults.append(f"{name}: it, or one before it, was changed")
        if (row["debit_account"], row["credit_account"]) != ACCOUNTS[row["kind"]]:
            faults.append(f"{name}: its accounts do not fit its kind")
        last, before = int(row["sequence"]), bytes.fromhex(row["entry_hash"])
        sign = -1 if row["kind"] == "credit" else 1
        owed[row["day"], row["campaign_id"]] += sign * int(row["amount_micros"])
    for (day, campaign), micros in sorted(owed.items()):
        print(f"{day} campaign {campaign}: {micros} micros")
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"{entries} entries, {sum(owed.values())} micros owed, {len(faults)} faults")
    return 1 if faults else 0


def rows(paths: Sequence[str]) -> Iterator[dict[str, str]]:
    """Give the entries of all files."""
    for path in paths:
        with Path(path).open(newline="", encoding="utf-8") as lines:
            yield from csv.DictReader(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
