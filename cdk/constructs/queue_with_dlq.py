from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from functions.manifest import Queue

DEAD_LETTER_RETENTION = Duration.days(14)


class QueueWithDlq(Construct):
    """A queue of the manifest, the queue of its dead letters, and an alarm on the first one.

    Both are encrypted at rest and refuse requests that do not come over TLS.
    """

    def __init__(self, scope: Construct, id_: str, *, spec: Queue, prefix: str) -> None:
        super().__init__(scope, id_)
        self.dead_letters = sqs.Queue(
            self,
            "Dead",
            queue_name=f"{prefix}-{spec.dead_letters}",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=DEAD_LETTER_RETENTION,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=f"{prefix}-{spec.name}",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(spec.visibility_timeout_s),
            retention_period=Duration.seconds(spec.retention_s),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=spec.max_receive_count
            ),
        )
        self.dead_letters.metric_approximate_number_of_messages_visible().create_alarm(
            self,
            "DeadLetters",
            alarm_description=f"Messages of {spec.name} were given up",
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
