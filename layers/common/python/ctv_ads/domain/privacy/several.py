"""One signal said several times: between commas, which no single value of any signal holds."""

from collections.abc import Mapping, Sequence

_MOST_VALUES = 10
_UNREADABLE = ("",)


def values_of(signals: Mapping[str, str], name: str) -> Sequence[str]:
    """Return all that was said by one signal, each value once; none when it was not sent.

    More than ten are nobody's contradiction but an attempt: together they are unreadable.
    """
    text = signals.get(name)
    if text is None:
        return ()
    if "," not in text:
        return (text,)
    values = tuple(dict.fromkeys(each.strip() for each in text.split(",")))
    return values if len(values) <= _MOST_VALUES else _UNREADABLE
