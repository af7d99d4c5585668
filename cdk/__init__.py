import os

# jsii reads this when it starts Node, so it has to be set before anything imports aws_cdk.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")  # noqa: TID251 - not ours, jsii's
