"""Why a line item did not run: stable numbers for records, stable names for people.

A number or a name is never used again for something else; new ones are added within their
hundred: 100 targeting, 200 the line item itself, 300 creatives, 400 frequency, 500 tokens,
600 separation, 700 the pod.
"""

from enum import IntEnum, StrEnum


class Reason(IntEnum):
    """The verdict on one candidate, or on the line items that one dimension removed."""

    CHOSEN = 0

    COUNTRY = 101
    REGION = 102
    METRO = 103
    CITY = 104
    POSTAL_PREFIX = 105
    DEVICE_TYPE = 106
    OS = 107
    MAKE = 108
    APP_BUNDLE = 109
    CHANNEL = 110
    NETWORK = 111
    GENRE = 112
    RATING = 113
    LANGUAGE = 114
    LIVESTREAM = 115
    PLACEMENT = 116
    BREAK_TYPE = 117
    SEGMENT = 118
    KEY_VALUE = 119

    NOT_IN_FLIGHT = 201
    OUTSIDE_DAYPART = 202
    BLOCKED_CATEGORY = 203
    BLOCKED_DOMAIN = 204
    BELOW_FLOOR = 205
    OUTSIDE_SHARE = 206
    """Its goal is a share of the breaks, and this one is not among them."""
    NOT_ACTIVE = 207
    """It is a draft, paused or over: what is not active is not published."""
    CAMPAIGN_NOT_ACTIVE = 208
    NOT_PUBLISHED = 209
    """It may serve as it is booked now, and was not in the inventory that was decided on."""

    NO_CREATIVE_IN_FLIGHT = 301
    CREATIVE_TOO_LONG = 302
    CREATIVE_TOO_SHORT = 303
    CREATIVE_FORMAT = 304
    """Type or bitrate; told apart since, and not given any more."""
    CREATIVE_MIME = 305
    CREATIVE_BITRATE = 306
    CREATIVE_DIMENSIONS = 307
    NO_READY_CREATIVE = 308

    CAP_CREATIVE = 401
    CAP_LINE_ITEM = 402
    CAP_CAMPAIGN = 403
    CAP_ADVERTISER = 404
    CAP_WITHOUT_VIEWER = 405
    """A cap counts by a key that this viewer does not have, and must not be guessed."""

    NO_TOKENS = 501
    """Budget, daily budget, goal or pacing allow no more at this moment."""

    SEPARATED_BY_CATEGORY = 601
    SEPARATED_BY_DOMAIN = 602
    SAME_MEDIA = 603
    SAME_LINE_ITEM = 604

    POD_HAS_NO_TIME_LEFT = 701
    POD_HAS_NO_SLOT_LEFT = 702
    POSITION_TAKEN = 703
    OUTRANKED = 704
    """It could have run; the pod is worth more without it."""
    TOO_MANY_OF_ADVERTISER = 705
    BEYOND_CANDIDATES = 706
    """Enough better ones were found before its turn came."""
    BREAK_HAS_NO_TIME = 707
    """The request said that the break has no length: nobody was looked for."""

    @property
    def wire_name(self) -> str:
        """Its name in answers and records."""
        return self.name.lower()


class NoFillReason(StrEnum):
    """Why an answer holds no ad. Wire names are stable; new ones may be added."""

    UNKNOWN_PLACEMENT = "unknown_placement"
    INVENTORY_UNAVAILABLE = "inventory_unavailable"
    NO_LINE_ITEM = "no_line_item"
    """Nothing on sale is for this request: by targeting, flight, daypart, length, the placement's
    blocks or its floor. Which of them, the explanation of the decision tells for each line item."""
    OUTSIDE_SHARE = "outside_share"
    NO_CREATIVE_FITS = "no_creative_fits"
    FREQUENCY_CAPPED = "frequency_capped"
    NO_TOKENS = "no_tokens"
    SEPARATED = "separated"
    NO_ROOM = "no_room"
    NO_TIME = "no_time"
    """The request named a length of 0 or less."""
