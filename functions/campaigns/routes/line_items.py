"""`/api/v1/campaigns/{campaign_id}/line-items` and `/api/v1/line-items`."""

from aws_lambda_powertools.event_handler.api_gateway import Router

router = Router()
