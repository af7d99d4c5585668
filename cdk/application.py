"""Which stacks there are, and in which order they need one another."""

import json
from pathlib import Path

from aws_cdk import App, Tags

from cdk.stacks.api import ApiStack
from cdk.stacks.data import DataStack
from cdk.stacks.events import EventsStack
from cdk.stacks.network import NetworkStack
from cdk.stacks.web import WebStack
from cdk.stage import stage_from_context

CDK_JSON = Path(__file__).resolve().parent.parent / "cdk.json"


def build_app(outdir: str, context: dict[str, str] | None = None) -> App:
    """Return the app with all its stacks, ready to synthesize into `outdir`.

    The stacks name no account and no region, so synthesis looks nothing up. `cdk.json` is read
    here because only the CDK CLI would read it otherwise; `-c` of the CLI overrides both.
    """
    defaults = json.loads(CDK_JSON.read_text())["context"]
    app = App(outdir=outdir, context=defaults | (context or {}), analytics_reporting=False)
    stage = stage_from_context(app.node.try_get_context)
    prefix = f"ctv-ads-{stage.name}"
    network = NetworkStack(app, f"{prefix}-network", stage=stage)
    data = DataStack(app, f"{prefix}-data", stage=stage, network=network)
    events = EventsStack(app, f"{prefix}-events", stage=stage, network=network, data=data)
    api = ApiStack(app, f"{prefix}-api", stage=stage, network=network, data=data, events=events)
    WebStack(app, f"{prefix}-web", stage=stage, data=data, api=api)
    Tags.of(app).add("project", "ctv-ads")
    Tags.of(app).add("stage", stage.name)
    return app
