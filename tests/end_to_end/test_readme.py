"""The README's walk with curl, pasted at once as it stands, only the port ours; and once more."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.product import Product
from tests.end_to_end.videos import Video

pytestmark = pytest.mark.xdist_group("end_to_end")

README = Path(__file__).parents[2] / "README.md"


def walk() -> list[str]:
    """Return the walk's commands: take a sample, sign in, campaign, upload, …, bill, pause."""
    section = README.read_text().split("## Your own ad")[1].split("\n## ")[0]
    return re.findall(r"`(cp .*?)`", section) + re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def questions() -> str:
    """Return the commands that ask why this ad, and why not that one."""
    section = README.read_text().split("## Why this ad")[1].split("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return str(block)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's walk needs curl")
def test_a_stranger_gets_from_own_file_to_one_billed_impression(
    product: Product, video: Video, tmp_path: Path
) -> None:
    samples = tmp_path / ".local" / "sample-ads"
    samples.mkdir(parents=True)
    for name in ("one.mp4", "two.mp4"):
        (samples / name).write_bytes(video.content)
    *before, bill, pause = walk()
    assert len(before) == 7
    lines = ["set -euo pipefail", *before, "echo; echo STATISTICS", bill, "echo END", pause]
    lines += ["echo EXPLAINED", questions().replace('-H "$auth"', '-f -w "\\n" -H "$auth"')]
    script = "\n".join(lines).replace("http://localhost:3000", product.base_url)

    for _ in range(2):  # a campaign that still ran would hide the second one's ad
        walked = subprocess.run(
            ["bash"],
            input=script,  # as a terminal is pasted into: no command may eat the next
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert walked.returncode == 0, walked.stdout + walked.stderr
        assert '"status":"ready"' in walked.stdout
        assert "204 No Content" in walked.stdout
        told, rest = walked.stdout.split("STATISTICS")[1].split("END")
        paused, explained = rest.split("EXPLAINED")
        totals = json.loads(told)["totals"]
        assert totals["impressions"] == 1
        assert totals["spend_micros"] == 50_000
        assert totals["remaining_micros"] == 99_950_000
        assert json.loads(paused)["status"] == "paused"
        why, again, what_if, delivery = map(json.loads, explained.strip().splitlines())
        assert why["pod"][0]["line_item_id"] in {one["line_item_id"] for one in why["candidates"]}
        assert json.loads(again["answer"])["decision_id"] == why["decision_id"]
        assert what_if["request"]["viewer"]["country"] == "AT"
        assert delivery
