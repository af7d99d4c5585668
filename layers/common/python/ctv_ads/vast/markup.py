"""Text inside XML: what is written there is read back as it was."""

_NOT_IN_XML = (
    *(code for code in range(0x20) if chr(code) not in "\t\n\r"),
    *range(0xD800, 0xE000),
    0xFFFE,
    0xFFFF,
)
# XML 1.0 §2.2 cannot carry them, not even escaped. Trafficking refuses them; what was stored by
# an older rule must not make the whole break's document unreadable.
_WITHOUT = dict.fromkeys(_NOT_IN_XML)


def clean(text: str) -> str:
    """Return `text` without the characters that no XML document may hold."""
    return text.translate(_WITHOUT)


def escaped(text: str) -> str:
    """Return `text` as it may stand between tags and in an attribute."""
    plain = clean(text).replace("&", "&amp;").replace("<", "&lt;")
    return plain.replace(">", "&gt;").replace('"', "&quot;")


def cdata(text: str) -> str:
    """Return `text` as CDATA; a literal `]]>` would end it early, so it is split in two."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def foreign_cdata(text: str) -> str:
    """Return as CDATA what others have written."""
    return cdata(clean(text))


def time_of_day(duration_ms: int) -> str:
    """Return HH:MM:SS.mmm (VAST 4.2 §3.8.1)."""
    seconds, ms = divmod(duration_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"
