"""Rebuilds the manifest's table from synthesized templates."""

from typing import Any

from functions.manifest import Function, Queue, QueueTrigger, Route, Schedule
from tests.cdk.assembly import Assembly, Resource

PREFIX = "ctv-ads-small-"


def functions(assembly: Assembly) -> dict[str, Function]:
    """Return every Python function as the manifest writes it, without its needs."""
    return {
        function.name: function
        for function in (_function(assembly, item) for item in python_functions(assembly))
    }


def python_functions(assembly: Assembly) -> list[Resource]:
    """Return our functions, without those that CDK adds to run custom resources."""
    return [
        item
        for item in assembly.resources("AWS::Lambda::Function")
        if item.properties["Handler"].startswith("functions.")
    ]


def name_of(function: Resource) -> str:
    return function.properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]


def queues(assembly: Assembly) -> dict[str, Queue]:
    """Return every queue that has a dead-letter queue as the manifest writes it."""
    found = {}
    for item in assembly.resources("AWS::SQS::Queue"):
        redrive = item.properties.get("RedrivePolicy")
        if redrive:
            name = item.properties["QueueName"].removeprefix(PREFIX)
            dead = assembly.target(item.stack, redrive["deadLetterTargetArn"])
            assert dead.properties["QueueName"] == f"{PREFIX}{name}-dead"
            found[name] = Queue(
                name=name,
                visibility_timeout_s=item.properties["VisibilityTimeout"],
                max_receive_count=redrive["maxReceiveCount"],
                retention_s=item.properties["MessageRetentionPeriod"],
            )
    return found


def alias_of(assembly: Assembly, function: Resource) -> Resource:
    (alias,) = [
        item
        for item in assembly.resources("AWS::Lambda::Alias")
        if assembly.target(item.stack, item.properties["FunctionName"]) == function
    ]
    return alias


def _function(assembly: Assembly, item: Resource) -> Function:
    alias = alias_of(assembly, item)
    entry_point = item.properties["Handler"].removeprefix("functions.")
    return Function(
        name=name_of(item),
        entry_point=entry_point.removesuffix(".lambda_handler"),
        purpose=item.properties["Description"],
        memory_mib=item.properties["MemorySize"],
        timeout_s=item.properties["Timeout"],
        needs=(),
        routes=_routes(assembly, alias),
        queue_trigger=_queue_trigger(assembly, alias),
        schedules=_schedules(assembly, alias),
        provisioned_concurrency="ProvisionedConcurrencyConfig" in alias.properties,
        runs_on_deploy=_runs_on_deploy(assembly, item),
    )


def _routes(assembly: Assembly, alias: Resource) -> tuple[Route, ...]:
    found = []
    for item in assembly.resources("AWS::ApiGatewayV2::Route"):
        target = item.properties["Target"]["Fn::Join"][1]
        assert target[0] == "integrations/"
        integration = assembly.target(item.stack, target[1])
        if assembly.target(item.stack, integration.properties["IntegrationUri"]) == alias:
            method, _, path = item.properties["RouteKey"].partition(" ")
            found.append(Route(method, path))
    return tuple(sorted(found, key=lambda route: route.key))


def _queue_trigger(assembly: Assembly, alias: Resource) -> QueueTrigger | None:
    found = [
        _trigger(assembly, item)
        for item in assembly.resources("AWS::Lambda::EventSourceMapping")
        if assembly.target(item.stack, item.properties["FunctionName"]) == alias
    ]
    assert len(found) <= 1
    return found[0] if found else None


def _trigger(assembly: Assembly, item: Resource) -> QueueTrigger:
    properties = item.properties
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = assembly.target(item.stack, properties["EventSourceArn"])
    return QueueTrigger(
        queue=queue.properties["QueueName"].removeprefix(PREFIX),
        batch_size=properties["BatchSize"],
        window_s=properties["MaximumBatchingWindowInSeconds"],
        max_concurrency=properties["ScalingConfig"]["MaximumConcurrency"],
    )


def _schedules(assembly: Assembly, alias: Resource) -> tuple[Schedule, ...]:
    return tuple(
        Schedule(
            name=item.properties["Name"].removeprefix(PREFIX),
            every_minutes=_minutes(item.properties["ScheduleExpression"]),
        )
        for item in assembly.resources("AWS::Events::Rule")
        if "ScheduleExpression" in item.properties
        and any(
            assembly.target(item.stack, target["Arn"]) == alias
            for target in item.properties["Targets"]
        )
    )


def _minutes(expression: str) -> int:
    count, unit = expression.removeprefix("rate(").removesuffix(")").split(" ")
    return int(count) * {"minute": 1, "minutes": 1, "hour": 60, "hours": 60}[unit]


def _runs_on_deploy(assembly: Assembly, function: Resource) -> bool:
    versions: list[Any] = [
        assembly.target(item.stack, item.properties["HandlerArn"])
        for item in assembly.resources("Custom::Trigger")
    ]
    return any(
        assembly.target(version.stack, version.properties["FunctionName"]) == function
        for version in versions
    )
