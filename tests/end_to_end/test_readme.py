"""The README's walk with curl, its lines as they stand, only the port and the waiting ours."""

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
# A person reads between the blocks; we wait until what the README promises has happened.
UNTIL_READY = """
until curl -s "$api/creatives/$(json 'd["creative"]["id"]' < creative.json)" -H "$auth" \
  | grep -q '"status":"ready"'; do sleep 0.1; done"""
UNTIL_SERVED = """
until curl -s $api/ad-request -d '{"placement": "demo"}' | grep -q "$campaign"; do sleep 0.1; done"""
UNTIL_COUNTED = """
until curl -s $api/campaigns/$campaign/stats -H "$auth" | grep -q '"impressions":1'; do sleep 0.1; done"""
PAUSE = """
curl -s -X PUT $api/campaigns/$campaign/status -H "$auth" \
  -H 'content-type: application/json' -d '{"status": "paused"}' > /dev/null"""


def walk() -> list[str]:
    """Return the shell blocks of the walk: sign in, campaign, upload, start, watch, bill."""
    section = README.read_text().split("## Your own ad")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's walk needs curl")
def test_a_stranger_gets_from_own_file_to_one_billed_impression(
    product: Product, video: Video, tmp_path: Path
) -> None:
    (tmp_path / "ad.mp4").write_bytes(video.content)
    sign_in, campaign, upload, start, watch, bill = walk()
    script = "\n".join(
        [
            "set -euo pipefail",
            *(sign_in, campaign, upload, UNTIL_READY, start, UNTIL_SERVED, watch),
            *(UNTIL_COUNTED, "echo; echo STATISTICS", bill, PAUSE),
        ]
    ).replace("http://localhost:3000", product.base_url)

    walked = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert "204 No Content" in walked.stdout
    statistics = json.loads(walked.stdout.split("STATISTICS")[1])
    assert statistics["totals"]["impressions"] == 1
    assert statistics["totals"]["spend_micros"] == 50_000
    assert statistics["totals"]["remaining_micros"] == 99_950_000
