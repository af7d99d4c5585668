"""CDK entry: `python app.py` synthesizes every stack into `cdk.out/`, without calling AWS."""

import os
import sys

from cdk.application import build_app
from cdk.constructs.shared_layers import dependencies_are_built

if __name__ == "__main__":
    if not dependencies_are_built():
        sys.exit("layers/dependencies/python is missing: run `make layer` first")
    # The CDK CLI says through this variable where it expects the result.
    build_app(outdir=os.environ.get("CDK_OUTDIR", "cdk.out")).synth()  # noqa: TID251 - the CLI's
