"""What each need of the manifest means on AWS: variables, permissions, network reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from cdk.stacks.data import DataStack
from cdk.stacks.network import NetworkStack
from functions.manifest import (
    AD_EVENTS,
    DEAD_AD_EVENTS,
    INVENTORY_CHANGES,
    MAILS,
    TAG_CHECKS,
    TAG_VERDICTS,
    Need,
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a function gets for one need, and nothing beyond it."""

    environment: Mapping[str, str]
    statements: Sequence[iam.PolicyStatement] = ()
    security_group: ec2.ISecurityGroup | None = None
    """Group to join; a function that joins one runs inside the VPC."""
    accepted_wildcards: Mapping[str, str] = field(default_factory=dict)
    """Reason by resource, where a statement cannot name one resource."""


def grants(
    network: NetworkStack, data: DataStack, queues: Mapping[str, sqs.IQueue]
) -> dict[Need, Grant]:
    """Return the grant of every need."""
    ad_events, changes = queues[AD_EVENTS], queues[INVENTORY_CHANGES]
    return {
        Need.DATABASE_API: _database(network, DATABASE_SECRET_ID=data.api_role),
        Need.DATABASE_PIPELINE: _database(network, DATABASE_SECRET_ID=data.pipeline_role),
        Need.DATABASE_OWNER: _database(
            network,
            DATABASE_SECRET_ID=data.owner_role,
            DATABASE_API_SECRET_ID=data.api_role,
            DATABASE_PIPELINE_SECRET_ID=data.pipeline_role,
        ),
        Need.VALKEY: Grant({"VALKEY_URL": data.valkey_url}, security_group=network.valkey_clients),
        Need.ACCESS_TOKEN_KEYS: _secrets(ACCESS_TOKEN_SECRET_ID=data.access_token_keys),
        Need.BEACON_KEYS: _secrets(BEACON_SECRET_ID=data.beacon_keys),
        Need.CLOUDFRONT_PROOF: _secrets(CLOUDFRONT_PROOF_SECRET_ID=data.cloudfront_proof),
        Need.UPLOADS_WRITE: _objects(
            "UPLOAD_BUCKET", data, data.uploads, "s3:PutObject", "s3:AbortMultipartUpload"
        ),
        Need.UPLOADS_READ: _readable_objects("UPLOAD_BUCKET", data, data.uploads),
        Need.MEDIA_WRITE: _objects("MEDIA_BUCKET", data, data.media, "s3:PutObject"),
        Need.MEDIA_DELETE: _objects("MEDIA_BUCKET", data, data.media, "s3:DeleteObject"),
        Need.HISTORY_WRITE: _readable_objects("HISTORY_BUCKET", data, data.history, "s3:PutObject"),
        Need.HISTORY_READ: _readable_objects("HISTORY_BUCKET", data, data.history),
        Need.ARCHIVE_WRITE: _objects("ARCHIVE_BUCKET", data, data.archive, "s3:PutObject"),
        Need.ARCHIVE_READ: _readable_objects("ARCHIVE_BUCKET", data, data.archive),
        Need.MEDIA_ADDRESS: Grant({"MEDIA_BASE_URL": data.media_base_url}),
        Need.SEND_INVENTORY_CHANGES: _sender("INVENTORY_QUEUE_URL", changes),
        Need.SEND_AD_EVENTS: _sender("AD_EVENT_QUEUE_URL", ad_events),
        Need.BURY_AD_EVENTS: _sender("DEAD_AD_EVENT_QUEUE_URL", queues[DEAD_AD_EVENTS]),
        Need.SEND_TAG_CHECKS: _sender("TAG_CHECK_QUEUE_URL", queues[TAG_CHECKS]),
        Need.SEND_TAG_VERDICTS: _sender("TAG_VERDICT_QUEUE_URL", queues[TAG_VERDICTS]),
        Need.SEND_MAILS: _sender("MAIL_QUEUE_URL", queues[MAILS]),
        Need.MAIL_SERVICE: _mail(data),
        Need.HEALTH_CHECKS: Grant(
            {"UPLOAD_BUCKET": data.uploads.bucket_name, "AD_EVENT_QUEUE_URL": ad_events.queue_url},
            [
                _allow(data.uploads.bucket_arn, "s3:ListBucket"),
                _allow(ad_events.queue_arn, "sqs:GetQueueAttributes"),
            ],
        ),
    }


def _allow(resource: str, *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[resource])


def _secrets(**secrets: secretsmanager.ISecret) -> Grant:
    return Grant(
        {variable: secret.secret_arn for variable, secret in secrets.items()},
        [_allow(secret.secret_arn, "secretsmanager:GetSecretValue") for secret in secrets.values()],
    )


def _database(network: NetworkStack, **secrets: secretsmanager.ISecret) -> Grant:
    of_secrets = _secrets(**secrets)
    return Grant(of_secrets.environment, of_secrets.statements, network.database_clients)


def _objects(variable: str, data: DataStack, bucket: s3.IBucket, *actions: str) -> Grant:
    # cdk-nag knows the bucket by the name under which its stack exports it.
    exported = data.resolve(data.export_value(bucket.bucket_arn))["Fn::ImportValue"]
    return Grant(
        {variable: bucket.bucket_name},
        [_allow(bucket.arn_for_objects("*"), *actions)],
        accepted_wildcards={f"{exported}/*": "A key names what is made at run time"},
    )


def _readable_objects(variable: str, data: DataStack, bucket: s3.IBucket, *actions: str) -> Grant:
    grant = _objects(variable, data, bucket, "s3:GetObject", *actions)
    # Without permission to list, S3 says "access denied" of an object that is gone.
    listing = _allow(bucket.bucket_arn, "s3:ListBucket")
    return replace(grant, statements=[*grant.statements, listing])


def _sender(variable: str, queue: sqs.IQueue) -> Grant:
    return Grant({variable: queue.queue_url}, [_allow(queue.queue_arn, "sqs:SendMessage")])


def _mail(data: DataStack) -> Grant:
    # SES knows a sender by its domain; the address before the @ is free.
    domain = data.mail_sender.rpartition("@")[2]
    identity = data.format_arn(service="ses", resource="identity", resource_name=domain)
    return Grant({"MAIL_SENDER": data.mail_sender}, [_allow(identity, "ses:SendEmail")])
