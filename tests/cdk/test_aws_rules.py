"""Rules that AWS enforces on deployment and that no offline validator knows."""

import re

import pytest

from tests.cdk.assembly import Assembly, Resource
from tests.cdk.derivation import python_functions

pytestmark = pytest.mark.xdist_group("cdk")

ROUTE_KEY = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY) (/([\w.-]+|\{\w+\+?\}))+")
QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
NODE_TYPE = re.compile(r"cache\.[a-z]\d[a-z]{0,3}\.(micro|small|medium|(\d*x)?large)")
LONGEST_INTEGRATION_S = 30


@pytest.fixture(params=["small", "scale"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def test_route_keys_are_well_formed_and_unique(assembly: Assembly) -> None:
    keys = [item.properties["RouteKey"] for item in assembly.resources("AWS::ApiGatewayV2::Route")]

    assert [key for key in keys if not ROUTE_KEY.fullmatch(key)] == ["$default"]
    # API Gateway takes two routes for one that differ only in the names of their parameters.
    assert len({re.sub(r"\{\w+", "{", key) for key in keys}) == len(keys)


def test_integrations_answer_before_api_gateway_gives_up(assembly: Assembly) -> None:
    for item in assembly.resources("AWS::ApiGatewayV2::Integration"):
        assert item.properties["IntegrationType"] == "AWS_PROXY"
        assert item.properties["PayloadFormatVersion"] == "2.0"
        alias = assembly.target(item.stack, item.properties["IntegrationUri"])
        assert _function_of(assembly, alias).properties["Timeout"] < LONGEST_INTEGRATION_S


def test_routes_may_invoke_their_alias(assembly: Assembly) -> None:
    invoked = {
        assembly.target(item.stack, item.properties["FunctionName"])
        for item in assembly.resources("AWS::Lambda::Permission")
    }
    integrated = {
        assembly.target(item.stack, item.properties["IntegrationUri"])
        for item in assembly.resources("AWS::ApiGatewayV2::Integration")
    }

    assert integrated <= invoked


def test_event_sources_stay_within_the_limits_of_sqs(assembly: Assembly) -> None:
    for item in assembly.resources("AWS::Lambda::EventSourceMapping"):
        properties = item.properties
        window_s = properties["MaximumBatchingWindowInSeconds"]
        alias = assembly.target(item.stack, properties["FunctionName"])
        queue = assembly.target(item.stack, properties["EventSourceArn"])
        timeout_s = _function_of(assembly, alias).properties["Timeout"]

        assert 1 <= properties["BatchSize"] <= 10_000
        assert properties["BatchSize"] <= 10 or 1 <= window_s <= 300
        assert 2 <= properties["ScalingConfig"]["MaximumConcurrency"] <= 1_000
        assert queue.properties["VisibilityTimeout"] >= 6 * timeout_s + window_s


def test_queue_names_are_accepted(assembly: Assembly) -> None:
    names = [item.properties["QueueName"] for item in assembly.resources("AWS::SQS::Queue")]

    assert [name for name in names if not QUEUE_NAME.fullmatch(name)] == []
    assert len(set(names)) == len(names)


def test_functions_stay_within_the_limits_of_lambda(assembly: Assembly) -> None:
    for item in python_functions(assembly):
        properties = item.properties
        assert 128 <= properties["MemorySize"] <= 10_240
        assert 1 <= properties["Timeout"] <= 900
        assert len(properties["Description"]) <= 256
        assert len(properties["Layers"]) <= 5
        assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])
        variables = properties["Environment"]["Variables"]
        assert not [name for name in variables if name.startswith(("AWS_", "LAMBDA_"))]


def test_snap_start_is_not_mixed_with_provisioned_concurrency(assembly: Assembly) -> None:
    for alias in assembly.resources("AWS::Lambda::Alias"):
        if "ProvisionedConcurrencyConfig" in alias.properties:
            assert "SnapStart" not in _function_of(assembly, alias).properties
            version = assembly.target(alias.stack, alias.properties["FunctionVersion"])
            assert version.kind == "AWS::Lambda::Version"


def test_database_has_what_rds_demands(assembly: Assembly) -> None:
    properties = assembly.only("AWS::RDS::DBInstance").properties

    assert properties["Engine"] == "postgres"
    assert re.fullmatch(r"\d+\.\d+", properties["EngineVersion"])
    assert int(properties["AllocatedStorage"]) >= 20
    assert properties["MaxAllocatedStorage"] >= 1.1 * int(properties["AllocatedStorage"])
    assert properties["PubliclyAccessible"] is False
    assert properties["StorageEncrypted"] is True
    assert properties["BackupRetentionPeriod"] > 0


def test_serverless_valkey_is_named_as_elasticache_wants_it(small: Assembly) -> None:
    properties = small.only("AWS::ElastiCache::ServerlessCache").properties

    assert (properties["Engine"], properties["MajorEngineVersion"]) == ("valkey", "8")
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,39}", properties["ServerlessCacheName"])
    assert len(properties["SubnetIds"]) >= 2


def test_valkey_nodes_can_fail_over_and_speak_tls(scale: Assembly) -> None:
    properties = scale.only("AWS::ElastiCache::ReplicationGroup").properties

    assert properties["Engine"] == "valkey"
    assert NODE_TYPE.fullmatch(properties["CacheNodeType"])
    assert properties["AutomaticFailoverEnabled"] is True
    assert properties["NumCacheClusters"] >= 2
    assert properties["TransitEncryptionEnabled"] is True


def test_age_of_asynchronous_events_is_accepted(assembly: Assembly) -> None:
    for item in assembly.resources("AWS::Lambda::EventInvokeConfig"):
        assert 60 <= item.properties["MaximumEventAgeInSeconds"] <= 21_600


def test_no_stack_nears_the_limit_of_cloudformation(assembly: Assembly) -> None:
    for name, template in assembly.templates.items():
        assert len(template["Resources"]) <= 400, name


def _function_of(assembly: Assembly, alias: Resource) -> Resource:
    return assembly.target(alias.stack, alias.properties["FunctionName"])
