"""What stands at the web stack's door: who calls is told to the API, whatever the caller says."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from ctv_ads.web.viewer import VIEWER_ADDRESS, viewer_address
from tests.cdk.assembly import Assembly, Resource

pytestmark = pytest.mark.xdist_group("cdk")


def test_all_that_goes_to_the_api_says_who_the_viewer_is(small: Assembly) -> None:
    for behavior in _behaviors(small):
        (association,) = behavior["FunctionAssociations"]
        assert association["EventType"] == "viewer-request"
        function = small.target("ctv-ads-small-web", association["FunctionARN"])
        assert function.name == "ViewerAddress"
        # Forwards headers that a function has set, and `Authorization`, which none can name.
        assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
def test_a_viewer_cannot_choose_its_address(small: Assembly, address: str) -> None:
    lies = {VIEWER_ADDRESS: "192.0.2.1", "cloudfront-viewer-address": "192.0.2.1:1"}
    headers = _after(_function(small), {**lies, "authorization": "Bearer x"}, address)

    assert viewer_address(headers, "198.51.100.7") == address
    assert headers["authorization"] == "Bearer x"


def _behaviors(assembly: Assembly) -> list[dict[str, Any]]:
    (distribution,) = [
        item
        for item in assembly.resources("AWS::CloudFront::Distribution")
        if item.stack.endswith("-web")
    ]
    behaviors: list[dict[str, Any]] = distribution.properties["DistributionConfig"][
        "CacheBehaviors"
    ]
    assert [item["PathPattern"] for item in behaviors] == ["/api/*", "/health"]
    return behaviors


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
