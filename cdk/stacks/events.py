"""What happens without a request: queues, their consumers, schedules, and the migration."""

from typing import cast

from aws_cdk import Duration, Stack, triggers
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.acknowledge import acknowledge
from cdk.constructs.python_function import PYTHON_IS_PINNED, Platform, PythonFunction
from cdk.constructs.queue_with_dlq import QueueWithDlq
from cdk.constructs.shared_layers import SharedLayers
from cdk.needs import grants
from cdk.stacks.data import DataStack
from cdk.stacks.network import NetworkStack
from cdk.stage import Stage
from functions.manifest import FUNCTIONS, QUEUES, UPLOAD_EVENT_QUEUE, QueueTrigger, Schedule

METRICS, LOST_DECISIONS = "ctv-ads", "DecisionsLost"
"""As `functions/archive/decisions.py` counts them."""


class EventsStack(Stack):
    """The queues, and every function of the manifest that has no route.

    The migration runs before any other function of this stack is updated, and the API's stack
    comes after this one: code never meets a schema older than itself. When it fails, the
    deployment stops here with its message and the database stays as it was.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        network: NetworkStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id_, description="CTV ad server: events")
        self._prefix = f"ctv-ads-{stage.name}"
        self.queues: dict[str, sqs.IQueue] = {}
        for spec in QUEUES:
            made = QueueWithDlq(self, spec.name, spec=spec, prefix=self._prefix)
            self.queues |= {spec.name: made.queue, spec.dead_letters: made.dead_letters}
        platform = Platform(
            stage=stage,
            vpc=network.vpc,
            layers=SharedLayers(self, "Layers"),
            grants=grants(network, data, self.queues),
        )
        functions = [
            PythonFunction(self, spec=spec, platform=platform)
            for spec in FUNCTIONS
            if not spec.routes
        ]
        self._announce_uploads(data)
        for function in functions:
            self._connect(function)
        self._run_on_deploy(functions)
        self._watch_lost_decisions()
        acknowledge(self, PYTHON_IS_PINNED)

    def _announce_uploads(self, data: DataStack) -> None:
        to_queue = targets.SqsQueue(self.queues[UPLOAD_EVENT_QUEUE])
        events.Rule(
            self,
            "ObjectCreated",
            description="A creative was uploaded",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [data.uploads.bucket_name]}},
            ),
            targets=[cast("events.IRuleTarget", to_queue)],
        )

    def _connect(self, function: PythonFunction) -> None:
        if function.spec.queue_trigger:
            self._consume(function, function.spec.queue_trigger)
        for schedule in function.spec.schedules:
            self._schedule(function, schedule)

    def _consume(self, function: PythonFunction, trigger: QueueTrigger) -> None:
        function.alias.add_event_source(
            event_sources.SqsEventSource(
                self.queues[trigger.queue],
                batch_size=trigger.batch_size,
                max_batching_window=Duration.seconds(trigger.window_s),
                max_concurrency=trigger.max_concurrency,
                report_batch_item_failures=True,
            )
        )

    def _schedule(self, function: PythonFunction, schedule: Schedule) -> None:
        interval = Duration.minutes(schedule.every_minutes)
        # The next run comes soon enough; a repeat of a failed one would only overlap it.
        function.alias.configure_async_invoke(retry_attempts=0, max_event_age=interval)
        to_function = targets.LambdaFunction(function.alias, retry_attempts=0)
        events.Rule(
            self,
            schedule.name,
            rule_name=f"{self._prefix}-{schedule.name}",
            description=function.spec.purpose,
            schedule=events.Schedule.rate(interval),
            targets=[cast("events.IRuleTarget", to_function)],
        )

    def _watch_lost_decisions(self) -> None:
        """Raise an alarm when Valkey let go of decisions that nobody had counted yet."""
        lost = cloudwatch.Metric(
            namespace=METRICS,
            metric_name=LOST_DECISIONS,
            dimensions_map={"service": "archive-decisions"},
            statistic="Sum",
            period=Duration.minutes(5),
        )
        cloudwatch.Alarm(
            self,
            "DecisionsLost",
            alarm_name=f"{self._prefix}-decisions-lost",
            alarm_description="Decisions were cut from Valkey's streams before they were counted: raise"
            " DECISION_RECORDS_KEPT, and see why archive-decisions is behind",
            metric=lost,
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _run_on_deploy(self, functions: list[PythonFunction]) -> None:
        others = [function for function in functions if not function.spec.runs_on_deploy]
        for function in functions:
            if not function.spec.runs_on_deploy:
                continue
            triggers.Trigger(
                self,
                f"run-{function.spec.name}",
                handler=function.function,
                timeout=Duration.seconds(function.spec.timeout_s),
                execute_before=others,
            )
