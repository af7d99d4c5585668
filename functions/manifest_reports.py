"""The functions that report and explain, for `manifest.py`. Standard library only."""

from functions.manifest_shapes import FOR_PEOPLE, SIGNED_IN, Function, Need, with_preflights

REPORTS: tuple[Function, ...] = (
    Function(
        name="analytics",
        entry_point="analytics.handler",
        purpose="Report delivery and spend",
        memory_mib=512,
        timeout_s=10,
        needs=SIGNED_IN,
        extra_environment=(*FOR_PEOPLE, "TOKEN_SHARDS"),
        routes=with_preflights(
            "GET /api/v1/campaigns/{campaign_id}/stats",
            "GET /api/v1/campaigns/{campaign_id}/delivery",
            "GET /api/v1/campaigns/{campaign_id}/ledger",
            "GET /api/v1/exports/ledger.csv",
            "GET /api/v1/exports/ledger-events.csv",
            "GET /api/v1/reports/placements",
            "GET /api/v1/exports/placements.csv",
        ),
    ),
    Function(
        name="decisions",
        entry_point="analytics.decisions",
        purpose="Explain decisions, make them again, suppose others",
        memory_mib=1024,
        timeout_s=10,
        needs=(*SIGNED_IN, Need.BEACON_KEYS, Need.HISTORY_READ, Need.ARCHIVE_READ),
        extra_environment=(*FOR_PEOPLE, "OPT_IN_COUNTRIES", "TCF_VENDOR_ID", "TOKEN_SHARDS"),
        routes=with_preflights(
            "GET /api/v1/decisions",
            "GET /api/v1/decisions/{decision_id}",
            "POST /api/v1/decisions/{decision_id}/replay",
            "POST /api/v1/decisions/{decision_id}/what-if",
        ),
    ),
)
