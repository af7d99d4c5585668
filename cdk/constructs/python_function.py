"""A function of the manifest on Lambda."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.acknowledge import acknowledge
from cdk.constructs.retention import retention_days
from cdk.constructs.shared_layers import ARCHITECTURE, RUNTIME, SharedLayers
from cdk.needs import Grant
from cdk.stage import Stage
from functions.manifest import Function, Need

ROOT = Path(__file__).resolve().parents[2]
DATABASE_NEEDS = {Need.DATABASE_API, Need.DATABASE_PIPELINE, Need.DATABASE_OWNER}
# What Lambda itself needs to place a function into a VPC.
NETWORK_INTERFACE_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
TARGET_UTILIZATION = 0.7
PYTHON_IS_PINNED = {
    "L1": "Layer and tests are for this Python; moving on is a decision, not a drift"
}


@dataclass(frozen=True, slots=True)
class Platform:
    """What all functions of one stack share."""

    stage: Stage
    vpc: ec2.IVpc
    layers: SharedLayers
    grants: Mapping[Need, Grant]


class PythonFunction(Construct):
    """A function of the manifest with its role, its log group and its alias `live`.

    Callers invoke `alias`, never the function: a deployment moves the alias once the new
    version is ready, and a rollback moves it back.
    """

    def __init__(self, scope: Construct, *, spec: Function, platform: Platform) -> None:
        super().__init__(scope, spec.name)
        stage = platform.stage
        granted = [platform.grants[need] for need in spec.needs]
        groups = {id(g.security_group): g.security_group for g in granted if g.security_group}
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=retention_days(stage.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.spec = spec
        self.function = lambda_.Function(
            self,
            "Function",
            description=spec.purpose,
            code=_asset(spec.folder),
            handler=spec.handler,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            layers=platform.layers.all,
            memory_size=spec.memory_mib,
            timeout=Duration.seconds(spec.timeout_s),
            environment=_environment(spec, granted, stage),
            role=cast("iam.IRole", self._role(granted, log_group, in_vpc=bool(groups))),
            vpc=platform.vpc if groups else None,
            security_groups=list(groups.values()) or None,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            reserved_concurrent_executions=_reserved_concurrency(spec, stage),
        )
        # jsii's classes and interfaces name parameters differently, which ty takes for a mismatch.
        self.alias = cast("lambda_.IAlias", self._live_alias(stage))

    def _role(self, granted: list[Grant], log_group: logs.LogGroup, *, in_vpc: bool) -> iam.Role:
        statements = [statement for grant in granted for statement in grant.statements]
        accepted = {r: why for grant in granted for r, why in grant.accepted_wildcards.items()}
        statements.append(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[log_group.log_group_arn],
            )
        )
        if in_vpc:
            statements.append(
                iam.PolicyStatement(actions=NETWORK_INTERFACE_ACTIONS, resources=["*"])
            )
            accepted["*"] = "Lambda's network interfaces cannot be named before they exist"
        role = iam.Role(
            self,
            "Role",
            assumed_by=cast("iam.IPrincipal", iam.ServicePrincipal("lambda.amazonaws.com")),
            # Inline, so that it is in force before Lambda checks it to join the VPC.
            inline_policies={"needs": iam.PolicyDocument(statements=statements)},
        )
        acknowledge(role, {f"IAM5[Resource::{name}]": why for name, why in accepted.items()})
        return role

    def _live_alias(self, stage: Stage) -> lambda_.Alias:
        warm = stage.provisioned_concurrency if self.spec.provisioned_concurrency else 0
        alias = lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=cast("lambda_.IVersion", self.function.current_version),
            provisioned_concurrent_executions=warm or None,
        )
        if warm:
            alias.add_auto_scaling(
                min_capacity=warm, max_capacity=stage.provisioned_concurrency_max
            ).scale_on_utilization(utilization_target=TARGET_UTILIZATION)
        return alias


def _asset(folder: str) -> lambda_.Code:
    """Return the repository reduced to `functions/__init__.py` and one function's folder."""
    return lambda_.Code.from_asset(
        str(ROOT),
        ignore_mode=IgnoreMode.GIT,
        exclude=[
            "/*",
            "!/functions",
            "/functions/*",
            "!/functions/__init__.py",
            f"!/functions/{folder}",
            "__pycache__",
        ],
    )


def _environment(spec: Function, granted: list[Grant], stage: Stage) -> dict[str, str]:
    environment = {"POWERTOOLS_SERVICE_NAME": spec.name}
    for grant in granted:
        environment |= grant.environment
    chosen = dict(stage.settings)
    if stage.public_base_url:
        chosen["PUBLIC_BASE_URL"] = stage.public_base_url
    return environment | {name: chosen[name] for name in spec.extra_environment if name in chosen}


def _reserved_concurrency(spec: Function, stage: Stage) -> int | None:
    """Bound the database connections that callers of the HTTP API can cause to be opened."""
    if spec.routes and DATABASE_NEEDS.intersection(spec.needs):
        return stage.database_concurrency or None
    return None
