"""What tests ask of the AWS emulator."""

from collections.abc import Sequence

from ctv_ads.adapters.aws.json_api import AwsIdentity
from local.emulator import REGION, Emulator


def identity_of(emulator: Emulator) -> AwsIdentity:
    return AwsIdentity("test", "test", "", REGION, emulator.endpoint_url)


def bodies(emulator: Emulator, queue_url: str) -> Sequence[str]:
    """Return the bodies of the messages that wait, in any order."""
    found: list[str] = []
    while messages := emulator.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        found += [message["Body"] for message in messages]
    return found
