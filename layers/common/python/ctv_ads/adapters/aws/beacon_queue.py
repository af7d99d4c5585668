"""The queue between collector and consumer."""

from collections.abc import Sequence

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.adapters.aws.json_api import JsonApi
from ctv_ads.domain.beacon import Beacon, ForgedBeacon


class SqsBeaconQueue:
    """Implements `ports.BeaconQueue`."""

    def __init__(self, sqs: JsonApi, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, beacons: Sequence[Beacon | ForgedBeacon]) -> None:
        """Hand the beacons over in one message; SQS has stored it when this returns."""
        self._sqs.call(
            "SendMessage", {"QueueUrl": self._queue_url, "MessageBody": encode_message(beacons)}
        )
