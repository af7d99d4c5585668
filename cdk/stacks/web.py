"""One public address for people: the admin UI, and the API below `/api`."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.acknowledge import acknowledge
from cdk.stacks.api import ApiStack
from cdk.stacks.data import PROOF, DataStack
from cdk.stage import Stage

# Pages of the UI have addresses of their own, but one document shows them all.
SINGLE_PAGE = """
function handler(event) {
  if (!event.request.uri.split('/').pop().includes('.')) event.request.uri = '/index.html';
  return event.request;
}
"""

# Limits count by this address. No origin request policy brings CloudFront-Viewer-Address: the one
# without `Host`, which API Gateway needs, adds no headers, and allow-lists refuse `Authorization`.
# It is written over what the viewer sent, so that nobody chooses an address.
VIEWER_ADDRESS = """
function handler(event) {
  event.request.headers['x-viewer-address'] = {value: event.viewer.ip};
  return event.request;
}
"""

AD_REQUESTS = ("/api/v1/vast", "/api/v1/vmap", "/api/v1/ad-request")
# Ten are the most that CloudFront takes.
AD_REQUEST_HEADERS = (
    "CloudFront-Viewer-City",
    "CloudFront-Viewer-Country",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-Metro-Code",
    "CloudFront-Viewer-Postal-Code",
    "Origin",
    "User-Agent",
    "X-Device-IP",
    "X-Device-User-Agent",
    "X-Viewer-Address",
)


class WebStack(Stack):
    """The UI's bucket behind a distribution that also forwards `/api/*` and `/health`."""

    def __init__(
        self, scope: Construct, id_: str, *, stage: Stage, data: DataStack, api: ApiStack
    ) -> None:
        super().__init__(scope, id_, description="CTV ad server: web")
        # Nothing but a copy of the built UI is in it, so it may go with the stack once empty.
        bucket = s3.Bucket(
            self,
            "Ui",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._origin = self._api_origin(api, data)
        self._tells_address = self._on_request("ViewerAddress", VIEWER_ADDRESS)
        to_api = self._api_behavior(cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER)
        to_ads = self._api_behavior(self._with_places())
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"CTV ad server: UI and API ({stage.name})",
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            default_root_object="index.html",
            default_behavior=self._ui_behavior(bucket, data),
            additional_behaviors={
                # CloudFront takes the first pattern that fits.
                **dict.fromkeys(AD_REQUESTS, to_ads),
                "/api/*": to_api,
                "/health": to_api,
            },
        )
        acknowledge(self, _ACCEPTED)
        CfnOutput(self, "Address", value=f"https://{distribution.distribution_domain_name}")
        CfnOutput(self, "UiBucket", value=bucket.bucket_name)
        CfnOutput(self, "DistributionId", value=distribution.distribution_id)

    def _api_origin(self, api: ApiStack, data: DataStack) -> cloudfront.IOrigin:
        domain = f"{api.http_api.api_id}.execute-api.{self.region}.{self.url_suffix}"
        # The template holds a reference; the value is put in when it is deployed.
        proof = data.cloudfront_proof.secret_value_from_json(PROOF).unsafe_unwrap()
        return origins.HttpOrigin(
            domain,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            custom_headers={"x-cloudfront-proof": proof},
        )

    def _with_places(self) -> cloudfront.OriginRequestPolicy:
        """Return what goes to the ad request: no `Authorization`, but where the viewer is."""
        return cloudfront.OriginRequestPolicy(
            self,
            "AdRequests",
            header_behavior=cloudfront.OriginRequestHeaderBehavior.allow_list(*AD_REQUEST_HEADERS),
            query_string_behavior=cloudfront.OriginRequestQueryStringBehavior.all(),
            cookie_behavior=cloudfront.OriginRequestCookieBehavior.none(),
        )

    def _api_behavior(
        self, forwarded: cloudfront.IOriginRequestPolicy
    ) -> cloudfront.BehaviorOptions:
        return cloudfront.BehaviorOptions(
            origin=self._origin,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=forwarded,
            response_headers_policy=cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
            function_associations=[self._tells_address],
        )

    def _ui_behavior(self, bucket: s3.Bucket, data: DataStack) -> cloudfront.BehaviorOptions:
        return cloudfront.BehaviorOptions(
            origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            response_headers_policy=self._security_headers(data),
            function_associations=[self._on_request("SinglePage", SINGLE_PAGE)],
        )

    def _on_request(self, name: str, code: str) -> cloudfront.FunctionAssociation:
        return cloudfront.FunctionAssociation(
            event_type=cloudfront.FunctionEventType.VIEWER_REQUEST,
            function=cloudfront.Function(
                self,
                name,
                code=cloudfront.FunctionCode.from_inline(code),
                runtime=cloudfront.FunctionRuntime.JS_2_0,
            ),
        )

    def _security_headers(self, data: DataStack) -> cloudfront.ResponseHeadersPolicy:
        # boto3 signs forms for the regional address, or for the global one in us-east-1.
        uploads = (
            f"https://{data.uploads.bucket_regional_domain_name} "
            f"https://{data.uploads.bucket_domain_name}"
        )
        policy = "; ".join(
            (
                "default-src 'self'",
                f"connect-src 'self' {uploads}",
                f"img-src 'self' data: {data.media_base_url}",
                f"media-src 'self' blob: {data.media_base_url}",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "object-src 'none'",
            )
        )
        return cloudfront.ResponseHeadersPolicy(
            self,
            "SecurityHeaders",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=policy, override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.SAME_ORIGIN, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.days(365),
                    include_subdomains=True,
                    override=True,
                ),
            ),
        )


_ACCEPTED = {
    "S1": "Holds a public UI that one distribution reads; there is no access worth recording",
    "CFR1": "People and players may come from everywhere",
    "CFR2": "The API limits its rate; a web application firewall is the operator's choice",
    "CFR3": "The API has its own access log; who loads the UI's files is not recorded on purpose",
    "CFR4": "A TLS floor can be set only with a domain and certificate of the operator",
}
