from aws_cdk import aws_elasticache as elasticache
from constructs import Construct

from cdk.acknowledge import acknowledge
from cdk.stacks.network import NetworkStack
from cdk.stage import Stage


class Valkey(Construct):
    """Valkey over TLS: serverless, or a primary with a replica in another zone.

    `url` is its address as `VALKEY_URL` wants it. Valkey holds nothing that cannot be rebuilt
    from PostgreSQL, so there are no snapshots.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, network: NetworkStack) -> None:
        super().__init__(scope, id_)
        if stage.valkey_node_type:
            address, port = self._nodes(stage, network)
        else:
            address, port = self._serverless(stage, network)
        self.url = f"rediss://{address}:{port}"

    def _serverless(self, stage: Stage, network: NetworkStack) -> tuple[str, str]:
        cache = elasticache.CfnServerlessCache(
            self,
            "Serverless",
            serverless_cache_name=f"ctv-ads-{stage.name}",
            description="CTV ad server: inventory snapshot and counters",
            engine="valkey",
            major_engine_version="8",
            subnet_ids=[subnet.subnet_id for subnet in network.vpc.isolated_subnets],
            security_group_ids=[network.valkey.security_group_id],
        )
        return cache.attr_endpoint_address, cache.attr_endpoint_port

    def _nodes(self, stage: Stage, network: NetworkStack) -> tuple[str, str]:
        subnets = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="CTV ad server",
            subnet_ids=[subnet.subnet_id for subnet in network.vpc.isolated_subnets],
        )
        group = elasticache.CfnReplicationGroup(
            self,
            "Nodes",
            replication_group_description="CTV ad server: inventory snapshot and counters",
            engine="valkey",
            engine_version="8.1",
            cache_parameter_group_name="default.valkey8",
            cache_node_type=stage.valkey_node_type,
            num_cache_clusters=2,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            at_rest_encryption_enabled=True,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[network.valkey.security_group_id],
        )
        acknowledge(
            group,
            {
                "AEC5": "Security groups admit only our functions; another port adds nothing",
                "AEC6": "Security groups admit only our functions, and the connection is TLS",
            },
        )
        return group.attr_primary_end_point_address, group.attr_primary_end_point_port
