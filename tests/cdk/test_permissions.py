"""Each function has the variables, permissions and network reach of its needs; nothing beyond."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cdk.stage import SETTABLE
from functions.manifest import FUNCTIONS, Function, Need, function_named
from tests.cdk.assembly import Assembly, Resource, Synthesize
from tests.cdk.derivation import PREFIX, name_of, python_functions

pytestmark = pytest.mark.xdist_group("cdk")

Permission = tuple[str, str]
MAIL_IDENTITY = "arn:AWS::Partition:ses:AWS::Region:AWS::AccountId:identity/ads.example.com"
READ_SECRET = "secretsmanager:GetSecretValue"

PERMISSIONS_BY_NEED: dict[Need, set[Permission]] = {
    Need.DATABASE_API: {(READ_SECRET, "ApiRoleAttachment")},
    Need.DATABASE_PIPELINE: {(READ_SECRET, "PipelineRoleAttachment")},
    Need.DATABASE_OWNER: {
        (READ_SECRET, "OwnerAttachment"),
        (READ_SECRET, "ApiRoleAttachment"),
        (READ_SECRET, "PipelineRoleAttachment"),
    },
    Need.VALKEY: set(),  # the security group lets it in
    Need.ACCESS_TOKEN_KEYS: {(READ_SECRET, "AccessTokenKeys")},
    Need.BEACON_KEYS: {(READ_SECRET, "BeaconKeys")},
    Need.CLOUDFRONT_PROOF: {(READ_SECRET, "CloudFrontProof")},
    Need.UPLOADS_WRITE: {("s3:PutObject", "Uploads/*"), ("s3:AbortMultipartUpload", "Uploads/*")},
    Need.UPLOADS_READ: {("s3:GetObject", "Uploads/*"), ("s3:ListBucket", "Uploads")},
    Need.MEDIA_WRITE: {("s3:PutObject", "Media/*")},
    Need.MEDIA_DELETE: {("s3:DeleteObject", "Media/*")},
    Need.HISTORY_WRITE: {
        ("s3:PutObject", "History/*"),
        ("s3:GetObject", "History/*"),
        ("s3:ListBucket", "History"),
    },
    Need.HISTORY_READ: {("s3:GetObject", "History/*"), ("s3:ListBucket", "History")},
    Need.ARCHIVE_WRITE: {("s3:PutObject", "Archive/*")},
    Need.ARCHIVE_READ: {("s3:GetObject", "Archive/*"), ("s3:ListBucket", "Archive")},
    Need.MEDIA_ADDRESS: set(),  # an address is not a permission
    Need.SEND_INVENTORY_CHANGES: {("sqs:SendMessage", "inventorychangesQueue")},
    Need.SEND_AD_EVENTS: {("sqs:SendMessage", "adeventsQueue")},
    Need.BURY_AD_EVENTS: {("sqs:SendMessage", "adeventsDead")},
    Need.SEND_TAG_CHECKS: {("sqs:SendMessage", "tagchecksQueue")},
    Need.SEND_TAG_VERDICTS: {("sqs:SendMessage", "tagverdictsQueue")},
    Need.SEND_MAILS: {("sqs:SendMessage", "mailsQueue")},
    Need.MAIL_SERVICE: {("ses:SendEmail", MAIL_IDENTITY)},
    Need.HEALTH_CHECKS: {
        ("s3:ListBucket", "Uploads"),
        ("sqs:GetQueueAttributes", "adeventsQueue"),
    },
}
CONSUME = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl")
JOIN_NETWORK = {
    ("ec2:AssignPrivateIpAddresses", "*"),
    ("ec2:CreateNetworkInterface", "*"),
    ("ec2:DeleteNetworkInterface", "*"),
    ("ec2:DescribeNetworkInterfaces", "*"),
    ("ec2:DescribeSubnets", "*"),
    ("ec2:UnassignPrivateIpAddresses", "*"),
}
"""Lambda calls these to place a function into a VPC; the interfaces do not exist before."""

GROUPS_BY_NEED = {
    Need.DATABASE_API: "DatabaseClients",
    Need.DATABASE_PIPELINE: "DatabaseClients",
    Need.DATABASE_OWNER: "DatabaseClients",
    Need.VALKEY: "ValkeyClients",
}


def _function(small: Assembly, name: str) -> Resource:
    (found,) = [item for item in python_functions(small) if name_of(item) == name]
    return found


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(assembly: Assembly) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    """Yield every allowing statement with the role that has it."""
    for role in assembly.resources("AWS::IAM::Role"):
        for policy in role.properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role, role.stack, statement
    for policy in assembly.resources("AWS::IAM::Policy"):
        for role in policy.properties["Roles"]:
            for statement in policy.properties["PolicyDocument"]["Statement"]:
                yield assembly.target(policy.stack, role), policy.stack, statement


def _permissions(assembly: Assembly, function: Resource) -> set[Permission]:
    role = assembly.target(function.stack, function.properties["Role"])
    return {
        (action, assembly.text(stack, resource))
        for owner, stack, statement in _statements(assembly)
        if owner == role and statement["Effect"] == "Allow"
        for action in _as_list(statement["Action"])
        for resource in _as_list(statement["Resource"])
    }


def _expected_permissions(spec: Function) -> set[Permission]:
    logs = f"{spec.name.replace('-', '')}Logs"
    expected = {("logs:CreateLogStream", logs), ("logs:PutLogEvents", logs)}
    for need in spec.needs:
        expected |= PERMISSIONS_BY_NEED[need]
    if any(need in GROUPS_BY_NEED for need in spec.needs):
        expected |= JOIN_NETWORK
    if spec.queue_trigger:
        queue = f"{spec.queue_trigger.queue.replace('-', '')}Queue"
        expected |= {(f"sqs:{action}", queue) for action in (*CONSUME, "ReceiveMessage")}
    return expected


def test_every_need_is_granted_to_somebody() -> None:
    assert {need for function in FUNCTIONS for need in function.needs} == set(Need)
    assert set(PERMISSIONS_BY_NEED) == set(Need)


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_function_may_do_what_it_needs_and_nothing_else(small: Assembly, name: str) -> None:
    expected = _expected_permissions(function_named(name))

    assert _permissions(small, _function(small, name)) == expected


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_function_has_the_variables_of_its_settings(small: Assembly, name: str) -> None:
    spec = function_named(name)
    given = set(_function(small, name).properties["Environment"]["Variables"])

    assert given == {*spec.environment, "POWERTOOLS_SERVICE_NAME"} - {*spec.extra_environment}


def test_settings_of_the_stage_reach_the_functions_that_read_them_and_no_others(
    synthesize: Synthesize,
) -> None:
    chosen = {name: f"chosen {name}" for name in SETTABLE}
    assembly = synthesize(settings=json.dumps(chosen))

    for spec in FUNCTIONS:
        given = _function(assembly, spec.name).properties["Environment"]["Variables"]
        assert {name: given[name] for name in chosen if name in given} == {
            name: chosen[name] for name in spec.extra_environment if name in SETTABLE
        }, spec.name


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_function_is_in_the_network_only_for_database_and_valkey(
    small: Assembly, name: str
) -> None:
    function = _function(small, name)
    network = function.properties.get("VpcConfig", {"SecurityGroupIds": []})
    groups = {small.target(function.stack, group).name for group in network["SecurityGroupIds"]}

    assert groups == {
        GROUPS_BY_NEED[need] for need in function_named(name).needs if need in GROUPS_BY_NEED
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VALKEY_URL", "rediss://ValkeyServerless:ValkeyServerless"),
        ("UPLOAD_BUCKET", "Uploads"),
        ("MEDIA_BUCKET", "Media"),
        ("HISTORY_BUCKET", "History"),
        ("ARCHIVE_BUCKET", "Archive"),
        ("MEDIA_BASE_URL", "https://MediaDistribution"),
        ("INVENTORY_QUEUE_URL", "inventorychangesQueue"),
        ("AD_EVENT_QUEUE_URL", "adeventsQueue"),
        ("DEAD_AD_EVENT_QUEUE_URL", "adeventsDead"),
        ("MAIL_QUEUE_URL", "mailsQueue"),
        ("MAIL_SENDER", "no-reply@ads.example.com"),
        ("TAG_CHECK_QUEUE_URL", "tagchecksQueue"),
        ("TAG_VERDICT_QUEUE_URL", "tagverdictsQueue"),
        ("ACCESS_TOKEN_SECRET_ID", "AccessTokenKeys"),
        ("BEACON_SECRET_ID", "BeaconKeys"),
        ("CLOUDFRONT_PROOF_SECRET_ID", "CloudFrontProof"),
        ("DATABASE_API_SECRET_ID", "ApiRoleAttachment"),
        ("DATABASE_PIPELINE_SECRET_ID", "PipelineRoleAttachment"),
    ],
)
def test_variable_leads_to_its_resource(small: Assembly, variable: str, value: str) -> None:
    found = {
        small.text(function.stack, function.properties["Environment"]["Variables"][variable])
        for function in python_functions(small)
        if variable in function.properties["Environment"]["Variables"]
    }

    assert found == {value}


@pytest.mark.parametrize(
    ("need", "role"),
    [
        (Need.DATABASE_API, "ApiRoleAttachment"),
        (Need.DATABASE_PIPELINE, "PipelineRoleAttachment"),
        (Need.DATABASE_OWNER, "OwnerAttachment"),
    ],
)
def test_function_signs_in_as_the_role_of_its_need(small: Assembly, need: Need, role: str) -> None:
    for spec in FUNCTIONS:
        if need in spec.needs:
            function = _function(small, spec.name)
            secret = function.properties["Environment"]["Variables"]["DATABASE_SECRET_ID"]
            assert small.text(function.stack, secret) == role


def test_no_role_may_do_everything_or_something_to_everything(small: Assembly) -> None:
    """The one exception, Lambda's own network interfaces, is in `JOIN_NETWORK`."""
    for _, _, statement in _statements(small):
        actions = set(_as_list(statement["Action"]))
        assert not any(action.endswith("*") for action in actions), statement
        if "*" in _as_list(statement["Resource"]):
            assert actions == {action for action, _ in JOIN_NETWORK}, statement


def test_only_the_runner_of_the_migration_has_a_managed_policy(small: Assembly) -> None:
    roles = [
        role.name
        for role in small.resources("AWS::IAM::Role")
        if role.properties.get("ManagedPolicyArns")
    ]

    assert roles == ["AWSCDKTriggerCustomResourceProviderCustomResourceProviderRole"]


def test_queues_refuse_what_does_not_come_over_tls(small: Assembly) -> None:
    policies = {
        small.target(policy.stack, queue).properties["QueueName"]: policy
        for policy in small.resources("AWS::SQS::QueuePolicy")
        for queue in policy.properties["Queues"]
    }
    for queue in small.resources("AWS::SQS::Queue"):
        assert queue.properties["SqsManagedSseEnabled"] is True
        statements = policies[queue.properties["QueueName"]].properties["PolicyDocument"]
        assert _refuses_plain_http(statements)
    assert all(name.startswith(PREFIX) for name in policies)


def test_buckets_are_closed_and_refuse_what_does_not_come_over_tls(small: Assembly) -> None:
    policies = {
        small.target(policy.stack, policy.properties["Bucket"]): policy
        for policy in small.resources("AWS::S3::BucketPolicy")
    }
    for bucket in small.resources("AWS::S3::Bucket"):
        assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert _refuses_plain_http(policies[bucket].properties["PolicyDocument"])


def _refuses_plain_http(document: dict[str, Any]) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in document["Statement"]
    )
