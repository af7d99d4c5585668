"""What was synthesized is the manifest, no more and no less."""

from dataclasses import replace

import pytest

from functions.manifest import FUNCTIONS, QUEUES, UPLOAD_EVENT_QUEUE, Function
from tests.cdk import derivation
from tests.cdk.assembly import Assembly

pytestmark = pytest.mark.xdist_group("cdk")


def _without_needs(function: Function) -> Function:
    routes = tuple(sorted(function.routes, key=lambda route: route.key))
    return replace(function, needs=(), extra_environment=(), routes=routes)


def test_functions_are_those_of_the_manifest(small: Assembly) -> None:
    expected = {function.name: _without_needs(function) for function in FUNCTIONS}

    assert derivation.functions(small) == expected


def test_queues_are_those_of_the_manifest(small: Assembly) -> None:
    assert derivation.queues(small) == {queue.name: queue for queue in QUEUES}
    assert len(small.resources("AWS::SQS::Queue")) == 2 * len(QUEUES)


def test_no_route_event_source_or_schedule_is_beyond_the_manifest(small: Assembly) -> None:
    schedules = [
        rule
        for rule in small.resources("AWS::Events::Rule")
        if "ScheduleExpression" in rule.properties
    ]
    assert len(schedules) == sum(len(function.schedules) for function in FUNCTIONS)
    assert len(small.resources("AWS::ApiGatewayV2::Route")) == sum(
        len(function.routes) for function in FUNCTIONS
    )
    assert len(small.resources("AWS::Lambda::EventSourceMapping")) == sum(
        function.queue_trigger is not None for function in FUNCTIONS
    )


def test_uploads_are_announced_to_their_queue(small: Assembly) -> None:
    (rule,) = [
        rule for rule in small.resources("AWS::Events::Rule") if "EventPattern" in rule.properties
    ]
    pattern = rule.properties["EventPattern"]
    (bucket_name,) = pattern["detail"]["bucket"]["name"]
    (target,) = rule.properties["Targets"]
    bucket = small.target(rule.stack, bucket_name)
    queue = small.target(rule.stack, target["Arn"])

    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert bucket.name == "Uploads"
    assert queue.properties["QueueName"] == derivation.PREFIX + UPLOAD_EVENT_QUEUE
    assert bucket.properties["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }


@pytest.mark.parametrize("stage", ["small", "scale"])
def test_warm_environments_follow_the_load(stage: str, request: pytest.FixtureRequest) -> None:
    assembly: Assembly = request.getfixturevalue(stage)
    scalable = assembly.only("AWS::ApplicationAutoScaling::ScalableTarget")
    policy = assembly.only("AWS::ApplicationAutoScaling::ScalingPolicy")
    (alias,) = [
        alias
        for alias in assembly.resources("AWS::Lambda::Alias")
        if "ProvisionedConcurrencyConfig" in alias.properties
    ]
    warm = alias.properties["ProvisionedConcurrencyConfig"]["ProvisionedConcurrentExecutions"]

    assert 0 < warm == scalable.properties["MinCapacity"] < scalable.properties["MaxCapacity"]
    assert policy.properties["TargetTrackingScalingPolicyConfiguration"][
        "PredefinedMetricSpecification"
    ] == {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"}


def test_the_migration_runs_before_every_other_consumer_and_the_api(small: Assembly) -> None:
    trigger = small.only("Custom::Trigger")
    dependents = [
        item
        for item in derivation.python_functions(small)
        if item.stack == trigger.stack and trigger.logical_id in item.definition["DependsOn"]
    ]
    without_routes = {function.name for function in FUNCTIONS if not function.routes}

    assert {derivation.name_of(item) for item in dependents} == without_routes - {"migrate"}
    assert "ctv-ads-small-events" in small.dependencies("ctv-ads-small-api")
