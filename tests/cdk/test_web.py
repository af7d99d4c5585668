"""What stands at the web stack's door: who calls is told to the API, whatever the caller says."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from ctv_ads.web.hops import CLOUDFRONT_PROOF
from ctv_ads.web.viewer import VIEWER_ADDRESS, viewer_address
from functions.ad_request.viewer import CLOUDFRONT_PLACE
from tests.cdk.assembly import Assembly, Resource

pytestmark = pytest.mark.xdist_group("cdk")
AD_REQUESTS = ("/api/v1/vast", "/api/v1/vmap", "/api/v1/ad-request")


def test_all_that_goes_to_the_api_says_who_the_viewer_is(small: Assembly) -> None:
    for behavior in _behaviors(small):
        (association,) = behavior["FunctionAssociations"]
        assert association["EventType"] == "viewer-request"
        function = small.target("ctv-ads-small-web", association["FunctionARN"])
        assert function.name == "ViewerAddress"
        if behavior["PathPattern"] not in AD_REQUESTS:
            # Forwards headers that a function has set, and `Authorization`, which none can name.
            assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def test_ad_requests_are_told_where_the_viewer_is(small: Assembly) -> None:
    asked = [item for item in _behaviors(small) if item["PathPattern"] in AD_REQUESTS]
    policies = [small.target("ctv-ads-small-web", item["OriginRequestPolicyId"]) for item in asked]
    assert len(asked) == len(AD_REQUESTS)
    for policy in policies:
        config = policy.properties["OriginRequestPolicyConfig"]
        forwarded = {name.lower() for name in config["HeadersConfig"]["Headers"]}
        assert forwarded > {*CLOUDFRONT_PLACE.values(), VIEWER_ADDRESS, "x-device-ip"}
        assert CLOUDFRONT_PROOF not in forwarded
        assert config["QueryStringsConfig"] == {"QueryStringBehavior": "all"}


def test_requests_through_cloudfront_prove_it_by_a_secret(small: Assembly) -> None:
    (distribution,) = _distributions(small)
    origins = distribution.properties["DistributionConfig"]["Origins"]
    sent = [item["OriginCustomHeaders"] for item in origins if "OriginCustomHeaders" in item]
    assert sent
    for (header,) in sent:
        assert header["HeaderName"] == CLOUDFRONT_PROOF
        # A reference that is resolved at deployment: no value stands in the template.
        assert "{{resolve:secretsmanager:" in json.dumps(header["HeaderValue"])


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
def test_a_viewer_cannot_choose_its_address(small: Assembly, address: str) -> None:
    lies = {VIEWER_ADDRESS: "192.0.2.1", "cloudfront-viewer-address": "192.0.2.1:1"}
    headers = _after(_function(small), {**lies, "authorization": "Bearer x"}, address)

    assert viewer_address(headers, "198.51.100.7") == address
    assert headers["authorization"] == "Bearer x"


def _behaviors(assembly: Assembly) -> list[dict[str, Any]]:
    (distribution,) = _distributions(assembly)
    behaviors: list[dict[str, Any]] = distribution.properties["DistributionConfig"][
        "CacheBehaviors"
    ]
    assert [item["PathPattern"] for item in behaviors] == [*AD_REQUESTS, "/api/*", "/health"]
    return behaviors


def _distributions(assembly: Assembly) -> list[Resource]:
    return [
        item
        for item in assembly.resources("AWS::CloudFront::Distribution")
        if item.stack.endswith("-web")
    ]


def _function(assembly: Assembly) -> Resource:
    (function,) = [
        item
        for item in assembly.resources("AWS::CloudFront::Function")
        if item.name == "ViewerAddress"
    ]
    return function


def _after(function: Resource, headers: dict[str, str], address: str) -> dict[str, str]:
    """Run the function as CloudFront does, and return the headers it lets through."""
    event = {
        "viewer": {"ip": address},
        "request": {"headers": {name: {"value": value} for name, value in headers.items()}},
    }
    code = function.properties["FunctionCode"]
    script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
    node = shutil.which("node")
    assert node, "CDK needs Node.js"
    said = subprocess.run([node, "-e", script], capture_output=True, check=True, text=True)
    return {name: item["value"] for name, item in json.loads(said.stdout)["headers"].items()}
