"""The HTTP API and the functions behind it."""

import json
from collections.abc import Iterable

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.acknowledge import acknowledge
from cdk.constructs.python_function import PYTHON_IS_PINNED, Platform, PythonFunction
from cdk.constructs.retention import retention_days
from cdk.constructs.shared_layers import SharedLayers
from cdk.needs import grants
from cdk.stacks.data import DataStack
from cdk.stacks.events import EventsStack
from cdk.stacks.network import NetworkStack
from cdk.stage import Stage
from functions.manifest import EVERYTHING_ELSE, FUNCTIONS

# No address of the viewer, and the route instead of the path: paths hold beacon tokens.
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
}


class ApiStack(Stack):
    """Every route of the manifest and nothing else, each to its function's alias."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        network: NetworkStack,
        data: DataStack,
        events: EventsStack,
    ) -> None:
        super().__init__(scope, id_, description="CTV ad server: API")
        platform = Platform(
            stage=stage,
            vpc=network.vpc,
            layers=SharedLayers(self, "Layers"),
            grants=grants(network, data, events.queues),
        )
        functions = [
            PythonFunction(self, spec=spec, platform=platform) for spec in FUNCTIONS if spec.routes
        ]
        self.http_api = apigateway.HttpApi(
            self, "HttpApi", description="CTV ad server", create_default_stage=False
        )
        self._add_routes(functions)
        self._add_stage(stage)
        acknowledge(self, PYTHON_IS_PINNED | _ACCEPTED)

    def _add_routes(self, functions: Iterable[PythonFunction]) -> None:
        for function in functions:
            integration = integrations.HttpLambdaIntegration(
                function.spec.name,
                function.alias,
                payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0,
            )
            for route in function.spec.routes:
                if route == EVERYTHING_ELSE:
                    self._add_default_route(integration)
                else:
                    self.http_api.add_routes(
                        path=route.path,
                        methods=[apigateway.HttpMethod[route.method]],
                        integration=integration,
                    )

    def _add_default_route(self, integration: integrations.HttpLambdaIntegration) -> None:
        apigateway.HttpRoute(
            self,
            "EverythingElse",
            http_api=self.http_api,
            integration=integration,
            route_key=apigateway.HttpRouteKey.DEFAULT,
        )

    def _add_stage(self, stage: Stage) -> None:
        http_stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=stage.requests_per_second, burst_limit=2 * stage.requests_per_second
            ),
        )
        access_log = logs.LogGroup(
            self,
            "AccessLog",
            # API Gateway grants itself every group below this prefix with one short policy.
            log_group_name=f"/aws/vendedlogs/apis/{self.stack_name}",
            retention=retention_days(stage.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        template = http_stage.node.default_child
        assert isinstance(template, apigateway.CfnStage)  # noqa: S101 - says so to the type checker
        template.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=json.dumps(ACCESS_LOG)
        )


_ACCEPTED = {
    "APIG4": "Functions verify access tokens themselves; ad requests and beacons come from players",
}
