"""Words that targeting knows. Unknown ones are flagged, not refused."""

COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM
    ZW
    """.split()  # noqa: SIM905 - a list of 249 lines says no more
)
"""ISO 3166-1 alpha-2, the 249 officially assigned codes."""

DEVICE_TYPES = frozenset({"ctv", "connected_device", "set_top_box", "phone", "tablet", "pc"})
"""AdCOM's device types that play video, in words."""

OPERATING_SYSTEMS = frozenset(
    {
        "android",
        "android_tv",
        "fire_os",
        "google_tv",
        "ios",
        "playstation",
        "roku",
        "tizen",
        "tvos",
        "vidaa",
        "vizio",
        "webos",
        "xbox",
    }
)

GENRES = frozenset(
    {
        "Action", "Adventure", "Animals", "Animation", "Anime", "Arts", "Automotive", "Awards",
        "Biography", "Business & Finance", "Children", "Comedy", "Cooking", "Crime",
        "Documentary", "Drama", "Education", "Family", "Fantasy", "Game Show", "Gaming",
        "History", "Hobbies", "Holidays", "Home & Garden", "Horror", "Law", "Mystery", "News",
        "Outdoors", "Paranormal", "Politics", "Reality", "Religion", "Romance", "Sci-Fi",
        "Sitcom", "Soap-Opera", "Sports", "Thriller", "War", "Weather", "Western",
        "Young Adult",
    }
)  # fmt: skip
"""IAB Tech Lab's CTV genres (mapping to Content Taxonomy 3.1, CC BY 3.0)."""

RATINGS = frozenset(
    {
        "TV-Y", "TV-Y7", "TV-G", "TV-PG", "TV-14", "TV-MA",
        "G", "PG", "PG-13", "R", "NC-17",
        "0", "6", "12", "16", "18",
    }
)  # fmt: skip
"""TV Parental Guidelines, Motion Picture Association, FSK."""

BREAK_TYPES = frozenset({"preroll", "midroll", "postroll"})
