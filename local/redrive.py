"""`python -m local.redrive [QUEUE] [--list]`: send dead letters back to their queue.

It uses the running copy (PORT), and tells of each message why it was refused, as far as the
consumer knew. On AWS `aws sqs start-message-move-task` does the same (docs/deploy.md).
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ctv_ads.adapters.aws.dead_letters import FIRST_MESSAGE_ID, REASON, message_attributes
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.errors import DependencyUnavailableError
from functions.manifest import AD_EVENTS, QUEUES
from local.emulator import Emulator
from local.options import Options
from local.ports import HOST, is_free
from local.postgres import DATABASE
from local.processes import LocalError
from local.secrets import Secrets

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_AT_A_TIME = 10
_NOT_KNOWN = "not known: nobody judged it, the log of its function may tell what failed"
# Long enough to be moved, short enough that a message only looked at is soon there again.
_HIDDEN_S = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Move or list dead letters and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [queue.name for queue in QUEUES]
    parser.add_argument("queue", nargs="?", default=AD_EVENTS, choices=names)
    parser.add_argument("--list", action="store_true", help="only tell what is there")
    chosen = parser.parse_args(arguments)
    options = Options.from_environment(os.environ)
    try:
        database = _running_database(options)
        emulator = Emulator(options.data_dir / "aws", options.ports.emulator)
        seen = redrive(
            emulator, PostgresRefusedMessages(database), chosen.queue, only_list=chosen.list
        )
    except (LocalError, DependencyUnavailableError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{seen} dead letters {'found' if chosen.list else f'sent back to {chosen.queue}'}")
    return 0


def _running_database(options: Options) -> Database:
    if is_free(options.ports.emulator):
        raise LocalError(f"nothing runs on port {options.port}: start it with `make run`")
    secrets = Secrets.load(options.data_dir / "secrets.json")
    return Database(
        {
            "host": HOST,
            "port": options.ports.postgres,
            "dbname": DATABASE,
            "username": "ctv_pipeline",
            "password": secrets.pipeline_password,
            "sslmode": "disable",
        }
    )


def redrive(
    emulator: Emulator, refused: PostgresRefusedMessages, queue: str, *, only_list: bool = False
) -> int:
    """Send every dead letter of a queue back, print why it was one, and return how many."""
    dead, alive = emulator.queue_url(f"{queue}-dead"), emulator.queue_url(queue)
    seen = 0
    while messages := _receive(emulator, dead):
        known = refused.reasons([message["MessageId"] for message in messages])
        for message in messages:
            first_id = _told(message, FIRST_MESSAGE_ID) or message["MessageId"]
            reason = known.get(message["MessageId"]) or _told(message, REASON)
            print(f"{first_id}: {reason or _NOT_KNOWN}")
            if not only_list:
                # Sent before it is deleted: what is behind the queue may run twice, never not.
                emulator.sqs.send_message(
                    QueueUrl=alive,
                    MessageBody=message["Body"],
                    # Its id will be another; what is known of it goes along.
                    MessageAttributes=message_attributes(first_id, reason),
                )
                emulator.sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        seen += len(messages)
    return seen


def _told(message: "MessageTypeDef", name: str) -> str:
    attributes = message.get("MessageAttributes", {})
    return attributes[name].get("StringValue", "") if name in attributes else ""


def _receive(emulator: Emulator, dead: str) -> "list[MessageTypeDef]":
    answer = emulator.sqs.receive_message(
        QueueUrl=dead,
        MaxNumberOfMessages=_AT_A_TIME,
        VisibilityTimeout=_HIDDEN_S,
        MessageAttributeNames=["All"],
    )
    return answer.get("Messages", [])


if __name__ == "__main__":
    sys.exit(main())
