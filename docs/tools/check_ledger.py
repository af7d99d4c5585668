"""Check the exported books of an advertiser: `python3 check_ledger.py ledger.csv [next.csv ...] [--events events.csv ...]`.

It needs Python 3.9 or newer and nothing else: neither this product nor its database. It tells
whether every entry is where it was written and says what it said then, whether entries or days are
missing, and what is owed, by day and campaign. Give the files of one export in their order. With
the billed events of the same days it recounts every entry from them.

An entry's hash is SHA-256 over the hash of the entry before it (as 32 bytes) and over its fields,
joined by "|" as UTF-8. The first entry of a day builds on the last one of the day that `follows_day`
names; where that is empty, on zeros. The digest of the events of an entry is SHA-256 over all of
them, by decision: the decision's 16 bytes, the slot in 2, the event's name, the micros in 8.
"""

import argparse
import csv
import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

FIELDS = (
    "advertiser_id", "day", "sequence", "kind", "campaign_id", "line_item_id", "rate_type",
    "bucket", "batch", "debit_account", "credit_account", "amount_micros", "events",
    "events_sha256", "recorded_at", "reason",
)  # fmt: skip
OF_DAY = ("day_entries", "day_head_hash", "follows_day", "first_day", "last_day", "days")
OF_EVENT = (
    "day", "decision_id", "slot", "event", "line_item_id", "rate_type", "bucket", "price_micros",
    "billed_micros", "batch", "credited_batch",
)  # fmt: skip
ACCOUNTS = {
    "delivery": ("receivable", "revenue"),
    "flat": ("receivable", "revenue"),
    "credit": ("revenue", "receivable"),
}
BILLABLE = {("impression", "cpm"), ("complete", "cpcv")}
Row = dict[str, str]


class Books:
    """What was read of the books so far, and what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.owed: Counter[tuple[str, str]] = Counter()
        self.summed: dict[tuple[str, ...], tuple[int, int, str]] = {}
        self.entries = 0
        self._first: Row = {}
        self._last: Row = {}
        self._hashes: dict[str, set[str]] = {}
        self._links: list[Row] = []

    def add(self, row: Row) -> None:
        """Hold an entry against the one before it."""
        self.entries += 1
        self._first = self._first or row
        if row["day"] not in self._hashes:
            self._end_day()
            self._hashes[row["day"]] = set()
            self._last = {}
            self._links += [row] if row["follows_day"] else []
        name, last = f"{row['day']}, entry {row['sequence']}", int(self._last.get("sequence", 0))
        start = row["previous_hash"] if row["follows_day"] else "00" * 32
        before = self._last.get("entry_hash", start)
        if row["advertiser_id"] != self._first["advertiser_id"]:
            self.faults.append(f"{name}: it is of another advertiser")
        if int(row["sequence"]) != last + 1:
            self.faults.append(f"{name}: entry {last + 1} should come here")
        line = "|".join(["v1", *(row[field] for field in FIELDS)])
        computed = hashlib.sha256(bytes.fromhex(before) + line.encode()).hexdigest()
        if row["previous_hash"] != before or row["entry_hash"] != computed:
            self.faults.append(f"{name}: it, or one before it, was changed")
        if (row["debit_account"], row["credit_account"]) != ACCOUNTS[row["kind"]]:
            self.faults.append(f"{name}: its accounts do not fit its kind")
        self._last = row
        self._hashes[row["day"]].add(row["entry_hash"])
        self._sum(row)

    def finish(self) -> None:
        """Tell what is missing, now that everything was read."""
        if not self.entries:
            self.faults.append("there is no entry: nothing is shown by this")
            return
        self._end_day()
        if self._first["day"] != self._first["first_day"]:
            self.faults.append(f"the days from {self._first['first_day']} on are missing")
        if self._last["day"] != self._last["last_day"]:
            self.faults.append(f"the days up to {self._last['last_day']} are missing")
        if (missing := int(self._first["days"]) - len(self._hashes)) > 0:
            self.faults.append(f"{missing} days are missing")
        for row in self._links:
            self._check_link(row)

    def _check_link(self, row: Row) -> None:
        day = row["follows_day"]
        if day in self._hashes:
            if row["previous_hash"] not in self._hashes[day]:
                self.faults.append(f"{row['day']}: it does not build on an entry of {day}")
        elif self._first["first_day"] <= day <= self._last["last_day"]:
            self.faults.append(f"{row['day']}: it builds on {day}, which is missing")

    def _end_day(self) -> None:
        told = (self._last.get("day_entries"), self._last.get("day_head_hash"))
        if told != (self._last.get("sequence"), self._last.get("entry_hash")):
            self.faults.append(f"{self._last['day']}: entries are missing at its end")

    def _sum(self, row: Row) -> None:
        sign = -1 if row["kind"] == "credit" else 1
        self.owed[row["day"], row["campaign_id"]] += sign * int(row["amount_micros"])
        if row["kind"] != "flat":
            named = ("kind", "day", "line_item_id", "rate_type", "bucket", "batch")
            said = (int(row["amount_micros"]), int(row["events"]), row["events_sha256"])
            self.summed[tuple(row[name] for name in named)] = said


def recount(rows: Iterator[Row], books: Books) -> int:
    """Hold every entry against the events it sums; return how many events there are."""
    found: defaultdict[tuple[str, ...], list[tuple[bytes, int]]] = defaultdict(list)
    count = 0
    for row in rows:
        count += 1
        name = f"event {row['event']} of {row['decision_id']}"
        micros = int(row["billed_micros"])
        if (row["event"], row["rate_type"]) not in BILLABLE or row["price_micros"] != str(micros):
            books.faults.append(f"{name}: it is not billable at its price")
        line = UUID(row["decision_id"]).bytes + int(row["slot"]).to_bytes(2, "big")
        line += row["event"].encode() + micros.to_bytes(8, "big")
        of = (row["day"], row["line_item_id"], row["rate_type"], row["bucket"])
        found["delivery", *of, row["batch"]].append((line, micros))
        if row["credited_batch"]:
            found["credit", *of, row["credited_batch"]].append((line, micros))
    for key in sorted({*found, *books.summed}):
        lines = sorted(found.get(key, []))
        digest = hashlib.sha256(b"".join(line for line, _ in lines)).hexdigest()
        if books.summed.get(key) != (sum(micros for _, micros in lines), len(lines), digest):
            kind, day, line_item, *_, batch = key
            books.faults.append(
                f"{day}: {kind} of line item {line_item}, batch {batch}, is not the sum of its events"
            )
    return count


def rows(paths: Sequence[str], columns: Sequence[str], faults: list[str]) -> Iterator[Row]:
    """Give the rows of all files, as far as they are whole."""
    for path in paths:
        with Path(path).open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            if not set(columns) <= set(reader.fieldnames or ()):
                faults.append(f"{path}: it has not all columns; export it anew")
                continue
            for row in reader:
                if None in row.values():
                    faults.append(f"{path}: it is cut off in line {reader.line_num}")
                    break
                yield row


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is owed and every fault, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="the exported entries, in their order")
    parser.add_argument("--events", nargs="+", default=[], help="the exported events")
    chosen = parser.parse_args(arguments)
    books = Books()
    for row in rows(chosen.files, (*FIELDS, "previous_hash", "entry_hash", *OF_DAY), books.faults):
        books.add(row)
    books.finish()
    told = "their events were not given"
    if chosen.events:
        told = f"{recount(rows(chosen.events, OF_EVENT, books.faults), books)} events"
    for (day, campaign), micros in sorted(books.owed.items()):
        print(f"{day} campaign {campaign}: {micros} micros")
    for fault in books.faults:
        print(f"FAULT {fault}")
    owed, faults = sum(books.owed.values()), len(books.faults)
    print(f"{books.entries} entries ({told}), {owed} micros owed, {faults} faults")
    return 1 if books.faults else 0


if __name__ == "__main__":
    sys.exit(main())
