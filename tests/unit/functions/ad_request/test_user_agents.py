"""The library of user agents is loaded by the first device that needs it, and no sooner."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
PROGRAM = """
import sys
from functions.ad_request.user_agents import device_of

def loaded():
    return "ua_parser" in sys.modules

before = loaded()
device_of("Roku/DVP-12.5 (12.5.0.4178-88)")
after_television = loaded()
device_of("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)")
print(before, after_television, loaded())
"""


def test_televisions_do_not_wait_for_the_library_of_phones() -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert outcome.stdout.split() == ["False", "False", "True"]
