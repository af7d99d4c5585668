"""Mail that stays in this process."""

from ctv_ads.domain.people import Mail


class MemoryMailer:
    """Implements `ports.Mailer`."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> None:
        """Keep the mail."""
        self.sent.append(mail)
