"""`/health` and the API's own documentation."""

import base64
import hashlib
import re
from functools import cache
from http import HTTPStatus
from importlib import resources

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.swagger_ui import generate_swagger_html

from ctv_ads.bootstrap.health import health_check
from functions.platform.schemas import DependencyView, HealthView

router = Router()

_LOG = Logger()
_SWAGGER_UI = "aws_lambda_powertools.event_handler.openapi.swagger_ui"


@router.get(
    "/health",
    summary="How is each dependency",
    tags=["platform"],
    responses={
        200: {"description": "Everything is up"},
        503: {"description": "At least one dependency is down"},
    },
)
def health() -> Response[HealthView]:
    """Ask PostgreSQL, Valkey, S3 and SQS, and tell status and latency of each."""
    answers = health_check()()
    for answer in answers:
        if answer.reason:
            _LOG.error("dependency is down", dependency=answer.name, reason=answer.reason)
    all_up = all(answer.is_up for answer in answers)
    view = HealthView(
        status="up" if all_up else "degraded",
        dependencies={answer.name: DependencyView.of(answer) for answer in answers},
    )
    status = HTTPStatus.OK if all_up else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(status, "application/json", view, headers={"Cache-Control": "no-store"})


@router.get(
    "/api/openapi.json",
    summary="This document",
    tags=["platform"],
    responses={
        200: {
            "description": "The OpenAPI document",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
def openapi() -> Response[str]:
    """Return the OpenAPI document of the whole API."""
    return Response(HTTPStatus.OK, "application/json", _document())


@router.get(
    "/api/docs",
    summary="The API's documentation",
    tags=["platform"],
    responses={
        200: {
            "description": "A page",
            "content": {"text/html": {"schema": {"type": "string"}}},
        }
    },
)
def docs() -> Response[str]:
    """Return a page that renders the OpenAPI document."""
    headers = {"Content-Security-Policy": _page_policy()}
    return Response(HTTPStatus.OK, "text/html; charset=utf-8", _page(), headers=headers)


@cache
def _document() -> str:
    return resources.files("functions.platform").joinpath("openapi.json").read_text("utf-8")


@cache
def _page_policy() -> str:
    """Allow the page's own scripts, each by its hash, and nothing else that runs."""
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", _page(), re.DOTALL)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _page() -> str:
    """Swagger UI as Powertools ships it, with scripts and styles in the page: no CDN."""
    assets = resources.files(_SWAGGER_UI)
    page = generate_swagger_html(
        spec=_document().replace("</", "<\\/"),
        swagger_js=assets.joinpath("swagger-ui-bundle.min.js").read_text("utf-8"),
        swagger_css=assets.joinpath("swagger-ui.min.css").read_text("utf-8"),
        swagger_base_url="",
        oauth2_config=None,
    )
    return page.replace("<title>Swagger UI</title>", "<title>CTV Ad Server: API</title>")
