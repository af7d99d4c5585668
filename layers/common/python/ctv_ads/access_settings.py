"""Settings of accounts, sessions and limits; `settings.py` says how settings are read."""

from dataclasses import dataclass

from ctv_ads.settings import _HTTP, Settings, _positive, _setting, _text


def _switch(value: str) -> bool:
    if value.strip().lower() not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return value.strip() == "1"


def _origins(value: str) -> tuple[str, ...]:
    return tuple(_HTTP(origin.strip()) for origin in value.split(",") if origin.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings(Settings):
    """What every control-plane function reads for its answers."""

    allowed_origins: tuple[str, ...] = _setting(
        "ALLOWED_ORIGINS",
        "origins, separated by commas, whose pages may call the API; its own always may",
        _origins,
        (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings(Settings):
    """How much anybody may ask."""

    user_rate_limit: int = _setting(
        "USER_RATE_LIMIT", "requests of one person or key in a window", _positive, 1200
    )
    user_rate_window_s: int = _setting("USER_RATE_WINDOW_S", "length of that window", _positive, 60)
    auth_rate_limit: int = _setting(
        "AUTH_RATE_LIMIT",
        "requests of one address on routes that need no token, in a window",
        _positive,
        100,
    )
    auth_rate_window_s: int = _setting(
        "AUTH_RATE_WINDOW_S", "length of that window", _positive, 15 * 60
    )
    failed_logins: int = _setting(
        "FAILED_LOGINS", "failed logins of an account before it has to wait", _positive, 5
    )
    failed_login_delay_s: int = _setting(
        "FAILED_LOGIN_DELAY_S",
        "the first such wait; it doubles with each failure, up to 15 minutes",
        _positive,
        30,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings(Settings):
    """How long people stay signed in, and what they need to have shown."""

    refresh_token_lifetime_s: int = _setting(
        "REFRESH_TOKEN_LIFETIME_S",
        "how long a session lasts without being used",
        _positive,
        30 * 24 * 3600,
    )
    invitation_lifetime_s: int = _setting(
        "INVITATION_LIFETIME_S", "how long an invitation is good", _positive, 7 * 24 * 3600
    )
    email_verification: bool = _setting(
        "EMAIL_VERIFICATION",
        "1: nobody signs in before their address is verified",
        _switch,
        default=False,
    )
    public_ui_url: str = _setting(
        "PUBLIC_UI_URL",
        "address of the admin UI, for links in emails",
        _text,
        "http://localhost:3000",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MailQueueSettings(Settings):
    """Where mails are handed over."""

    mail_queue_url: str = _setting("MAIL_QUEUE_URL", "SQS queue that takes mails", _HTTP)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings(Settings):
    """How mails go out."""

    mail_sender: str = _setting("MAIL_SENDER", "verified SES address that mails come from")
    mail_folder: str = _setting(
        "MAIL_FOLDER", "folder into which mails are written instead; set locally", _text, ""
    )
