"""`python -m local.replay DECISION`: explain a decision of the running copy, and make it again.

It asks the running copy (PORT) as the demo account of the owner. The exit status is 0 when the search
still finds the same candidates and the filler still picks the same of them, 1 when they do not, 2 when
there is nothing to make again, and 3 when the record does not tell enough to know.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import httpx

from local.options import Options
from local.ports import HOST
from local.processes import LocalError
from local.seed import PASSWORD, PEOPLE

_TIMEOUT_S = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Print explanation and answer, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("decision", help="its id, as the header X-Decision-Id has it")
    chosen = parser.parse_args(arguments)
    try:
        options = Options.from_environment(os.environ)
        base_url = f"http://{HOST}:{options.port}"
        with httpx.Client(base_url=base_url, timeout=_TIMEOUT_S) as client:
            return replay(client, chosen.decision)
    except httpx.TransportError as error:
        print(f"error: nothing answers on port {options.port}: {error}", file=sys.stderr)
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
    return 2


def replay(client: httpx.Client, decision_id: str) -> int:
    """Print why the decision is as it is, then its answer made again.

    Raises:
        LocalError: the account, or the decision, is not there.
    """
    email = PEOPLE[0][0]
    token = _asked(client, "/auth/login", json={"email": email, "password": PASSWORD})
    client.headers["authorization"] = f"Bearer {token['access_token']}"
    explanation = _asked(client, f"/decisions/{decision_id}")
    again = _asked(client, f"/decisions/{decision_id}/replay", json={})
    print(json.dumps(explanation, indent=2, ensure_ascii=False))
    print(again["answer"])
    return _verdict(again)


def _verdict(again: dict[str, Any]) -> int:
    """Say what differs, and return the exit status."""
    if not again["same_candidates"]:
        print("the search finds other candidates now", file=sys.stderr)
    if not again["same_picks"]:
        print("the filler picks otherwise now:", file=sys.stderr)
        print(json.dumps(again["differences"], indent=2), file=sys.stderr)
    if again["same_picks"] is None:
        untold = ", ".join(again["untold"])
        print(f"it may have known more than is recorded of: {untold}", file=sys.stderr)
    if not again["same_candidates"] or again["same_picks"] is False:
        return 1
    return 0 if again["same_picks"] else 3


def _asked(client: httpx.Client, path: str, **body: Any) -> Any:  # noqa: ANN401 - JSON
    answer = client.request("POST" if body else "GET", f"/api/v1{path}", **body)
    if answer.is_success:
        return answer.json()
    raise LocalError(f"{path}: {answer.status_code} {answer.text}")


if __name__ == "__main__":
    sys.exit(main())
