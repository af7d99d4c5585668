"""What the stacks promise beyond the manifest: closed network, kept data, guarded addresses."""

import json
from collections import Counter

import pytest

from functions.archive import decisions
from tests.cdk.assembly import Assembly, Synthesize
from tests.cdk.derivation import python_functions

pytestmark = pytest.mark.xdist_group("cdk")


def test_stacks_name_no_account_and_no_region(small: Assembly) -> None:
    assert set(small.environments().values()) == {"aws://unknown-account/unknown-region"}
    assert set(small.templates) == {
        f"ctv-ads-small-{name}" for name in ("network", "data", "events", "api", "web")
    }


def test_network_has_no_way_to_the_internet(small: Assembly) -> None:
    kinds = Counter(
        body["Type"] for body in small.templates["ctv-ads-small-network"]["Resources"].values()
    )

    assert kinds["AWS::EC2::Subnet"] == 2
    assert kinds["AWS::EC2::InternetGateway"] == kinds["AWS::EC2::NatGateway"] == 0
    assert kinds["AWS::EC2::Route"] == 0


@pytest.mark.parametrize(("stage", "zones"), [("small", 1), ("scale", 2)])
def test_services_are_reached_by_endpoints(
    stage: str, zones: int, request: pytest.FixtureRequest
) -> None:
    assembly: Assembly = request.getfixturevalue(stage)
    endpoints = [
        item.properties
        for item in assembly.resources("AWS::EC2::VPCEndpoint")
        if item.properties["VpcEndpointType"] == "Interface"
    ]

    assert len(endpoints) == 2
    assert {len(properties["SubnetIds"]) for properties in endpoints} == {zones}
    assert all(properties["PrivateDnsEnabled"] for properties in endpoints)


def test_security_groups_admit_clients_only(small: Assembly) -> None:
    admitted = {
        (
            small.target(rule.stack, rule.properties["GroupId"]).name,
            small.target(rule.stack, rule.properties["SourceSecurityGroupId"]).name,
            rule.properties["FromPort"],
            rule.properties["ToPort"],
        )
        for rule in small.resources("AWS::EC2::SecurityGroupIngress")
    }

    assert admitted == {
        ("Database", "DatabaseClients", 5432, 5432),
        ("Valkey", "ValkeyClients", 6379, 6379),
        ("Endpoints", "DatabaseClients", 443, 443),
        ("Endpoints", "ValkeyClients", 443, 443),
    }
    assert not [
        group
        for group in small.resources("AWS::EC2::SecurityGroup")
        if "SecurityGroupIngress" in group.properties
    ]


def test_data_survives_its_stack(small: Assembly) -> None:
    database = small.only("AWS::RDS::DBInstance")
    assert database.properties["DeletionProtection"] is True
    assert database.definition["DeletionPolicy"] == "Snapshot"
    for bucket in small.resources("AWS::S3::Bucket"):
        expected = "Delete" if bucket.stack.endswith("-web") else "Retain"
        assert bucket.definition["DeletionPolicy"] == expected


def test_uploads_expire_and_take_forms_from_any_page(small: Assembly) -> None:
    (bucket,) = [item for item in small.resources("AWS::S3::Bucket") if item.name == "Uploads"]
    (rule,) = bucket.properties["LifecycleConfiguration"]["Rules"]
    (cors,) = bucket.properties["CorsConfiguration"]["CorsRules"]

    assert rule["ExpirationInDays"] == 7
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert (cors["AllowedMethods"], cors["AllowedOrigins"]) == (["POST", "PUT"], ["*"])
    assert cors["ExposedHeaders"] == ["ETag"]


def test_the_function_that_meets_strangers_is_outside_the_network_and_knows_no_secret(
    small: Assembly,
) -> None:
    (found,) = [
        function.properties
        for function in small.resources("AWS::Lambda::Function")
        if function.properties.get("Handler", "").startswith("functions.creatives.check_tag.")
    ]
    assert "VpcConfig" not in found
    assert not [name for name in found["Environment"]["Variables"] if "SECRET" in name]


def test_signing_keys_have_the_form_the_runtime_reads(small: Assembly) -> None:
    for name in ("AccessTokenKeys", "BeaconKeys"):
        (secret,) = [
            item for item in small.resources("AWS::SecretsManager::Secret") if item.name == name
        ]
        generated = secret.properties["GenerateSecretString"]
        assert json.loads(generated["SecretStringTemplate"]) == {"current": "k1"}
        assert generated["GenerateStringKey"] == "k1"


def test_what_proves_cloudfront_has_the_form_the_runtime_reads(small: Assembly) -> None:
    (secret,) = [
        item
        for item in small.resources("AWS::SecretsManager::Secret")
        if item.name == "CloudFrontProof"
    ]
    generated = secret.properties["GenerateSecretString"]
    assert (generated["SecretStringTemplate"], generated["GenerateStringKey"]) == ("{}", "proof")
    assert generated["PasswordLength"] == 64


def test_each_role_has_a_secret_that_secrets_manager_completes(small: Assembly) -> None:
    secrets = {
        json.loads(secret.properties["GenerateSecretString"]["SecretStringTemplate"])["username"]
        for attachment in small.resources("AWS::SecretsManager::SecretTargetAttachment")
        for secret in [small.target(attachment.stack, attachment.properties["SecretId"])]
    }

    assert secrets == {"ctv_owner", "ctv_api", "ctv_pipeline"}


def test_functions_that_open_connections_for_callers_are_bounded(small: Assembly) -> None:
    bounded = {
        item.properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for item in python_functions(small)
        if "ReservedConcurrentExecutions" in item.properties
    }

    assert bounded == {"auth", "campaigns", "creatives", "analytics", "decisions", "platform"}


def test_api_has_a_limit_and_logs_without_addresses_of_viewers(small: Assembly) -> None:
    properties = small.only("AWS::ApiGatewayV2::Stage").properties
    log = json.loads(properties["AccessLogSettings"]["Format"])

    assert properties["StageName"] == "$default"
    assert properties["DefaultRouteSettings"]["ThrottlingRateLimit"] == 1_000
    assert not {"$context.identity.sourceIp", "$context.path"}.intersection(log.values())


def test_web_sends_the_api_through_uncached_and_everything_else_to_the_ui(small: Assembly) -> None:
    (distribution,) = [
        item
        for item in small.resources("AWS::CloudFront::Distribution")
        if item.stack.endswith("-web")
    ]
    config = distribution.properties["DistributionConfig"]
    caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

    assert [item["PathPattern"] for item in config["CacheBehaviors"]][-2:] == ["/api/*", "/health"]
    for behavior in config["CacheBehaviors"]:
        assert behavior["CachePolicyId"] == caching_disabled
        assert "POST" in behavior["AllowedMethods"]
    assert "ResponseHeadersPolicyId" in config["DefaultCacheBehavior"]


def test_every_queue_of_dead_letters_has_an_alarm(small: Assembly) -> None:
    watched = {
        small.target(alarm.stack, alarm.properties["Dimensions"][0]["Value"]).name
        for alarm in small.resources("AWS::CloudWatch::Alarm")
        if alarm.properties["MetricName"] != decisions.LOST_METRIC
    }
    dead = {
        item.name
        for item in small.resources("AWS::SQS::Queue")
        if "RedrivePolicy" not in item.properties
    }

    assert watched == dead


def test_context_overrides_a_stage(synthesize: Synthesize) -> None:
    assembly = synthesize(
        provisioned_concurrency="0",
        keep_data="false",
        public_base_url="https://ads.example",
        database_concurrency="0",
    )
    ad_request = next(
        item
        for item in python_functions(assembly)
        if item.properties["Handler"].startswith("functions.ad_request.")
    )

    assert assembly.resources("AWS::ApplicationAutoScaling::ScalableTarget") == []
    assert assembly.only("AWS::RDS::DBInstance").definition["DeletionPolicy"] == "Delete"
    assert ad_request.properties["Environment"]["Variables"]["PUBLIC_BASE_URL"] == (
        "https://ads.example"
    )
    assert not [
        item
        for item in python_functions(assembly)
        if "ReservedConcurrentExecutions" in item.properties
    ]


def test_an_alarm_watches_what_the_drain_counts_as_lost(small: Assembly) -> None:
    (alarm,) = [
        one
        for one in small.resources("AWS::CloudWatch::Alarm")
        if one.properties["MetricName"] == decisions.LOST_METRIC
    ]
    assert alarm.properties["Namespace"] == decisions.METRICS
    told = {one["Name"]: one["Value"] for one in alarm.properties["Dimensions"]}
    assert told == decisions.LOST_DIMENSIONS
    assert (alarm.properties["Threshold"], alarm.properties["TreatMissingData"]) == (
        0,
        "notBreaching",
    )
