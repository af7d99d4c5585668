"""A network without a way to the internet: two zones, endpoints, and who may talk to whom."""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.retention import retention_days
from cdk.stage import Stage

POSTGRES = ec2.Port.tcp(5432)
VALKEY = ec2.Port.tcp(6379)


class NetworkStack(Stack):
    """The VPC, its endpoints and security groups.

    A function joins `database_clients`, `valkey_clients` or both, and reaches nothing else.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_, description="CTV ad server: network")
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            # The default security group has no member; restricting it takes a custom resource.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20
                )
            ],
        )
        self._log_rejected_traffic(stage)
        self.database = self._group("Database", "PostgreSQL")
        self.valkey = self._group("Valkey", "Valkey")
        self.endpoints = self._group("Endpoints", "AWS services inside the VPC")
        self.database_clients = self._group("DatabaseClients", "Functions that use PostgreSQL")
        self.valkey_clients = self._group("ValkeyClients", "Functions that use Valkey")
        self.database_clients.connections.allow_to(self.database, POSTGRES)
        self.valkey_clients.connections.allow_to(self.valkey, VALKEY)
        self._add_endpoints(stage)

    def _group(self, id_: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self, id_, vpc=self.vpc, description=description, allow_all_outbound=False
        )

    def _log_rejected_traffic(self, stage: Stage) -> None:
        group = logs.LogGroup(
            self, "RejectedTraffic", retention=retention_days(stage.log_retention_days)
        )
        self.vpc.add_flow_log(
            "RejectedTraffic",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

    def _add_endpoints(self, stage: Stage) -> None:
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        for id_, service in (
            ("Sqs", ec2.InterfaceVpcEndpointAwsService.SQS),
            ("SecretsManager", ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER),
        ):
            self.vpc.add_interface_endpoint(
                id_,
                service=service,
                subnets=ec2.SubnetSelection(
                    subnets=self.vpc.isolated_subnets[: stage.endpoint_zones]
                ),
                security_groups=[self.endpoints],
                open=False,
            )
        for clients in (self.database_clients, self.valkey_clients):
            self.endpoints.add_ingress_rule(clients, ec2.Port.HTTPS, "To AWS services")
            # S3's gateway endpoint has public addresses, which differ per region. There is no
            # route out of the VPC but the endpoints, so this opens nothing more.
            clients.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.HTTPS, "To VPC endpoints")
