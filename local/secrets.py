"""Passwords and keys of this machine: made once, kept in one private file."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Self

from functions.manifest import Need
from local import postgres
from local.ports import HOST
from local.processes import LocalError

DATABASE_OWNER_SECRET = "ctv-ads/database-owner"  # noqa: S105 - the name of a secret
DATABASE_API_SECRET = "ctv-ads/database-api"  # noqa: S105 - the name of a secret
DATABASE_PIPELINE_SECRET = "ctv-ads/database-pipeline"  # noqa: S105 - the name of a secret
ACCESS_TOKEN_SECRET = "ctv-ads/access-token-keys"  # noqa: S105 - the name of a secret
BEACON_SECRET = "ctv-ads/beacon-keys"  # noqa: S105 - the name of a secret
CLOUDFRONT_PROOF_SECRET = "ctv-ads/cloudfront-proof"  # noqa: S105 - the name of a secret

DATABASE_SECRET_BY_NEED = {
    Need.DATABASE_OWNER: DATABASE_OWNER_SECRET,
    Need.DATABASE_API: DATABASE_API_SECRET,
    Need.DATABASE_PIPELINE: DATABASE_PIPELINE_SECRET,
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must stay the same from one start to the next."""

    owner_password: str
    api_password: str
    pipeline_password: str
    access_token_key: str
    beacon_key: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file, or make it with fresh values, readable by its owner only.

        Raises:
            LocalError: the file is there but not what this class wrote.
        """
        if not path.exists():
            # 32 random bytes are 43 characters of base64url.
            made = cls(**{field.name: secrets.token_urlsafe(32) for field in fields(cls)})
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                json.dump(asdict(made), file, indent=2)
            return made
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise LocalError(f"{path} is damaged ({error}); `make reset` starts afresh") from error

    def by_id(self, *, postgres_port: int) -> dict[str, str]:
        """Return every secret as Secrets Manager holds it: id and JSON text."""

        def database(username: str, password: str) -> str:
            return json.dumps(
                {
                    "host": HOST,
                    "port": postgres_port,
                    "dbname": postgres.DATABASE,
                    "username": username,
                    "password": password,
                    "sslmode": "disable",  # this machine's own loopback; elsewhere TLS is required
                }
            )

        def keys(key: str) -> str:
            return json.dumps({"current": "k1", "k1": key})

        return {
            DATABASE_OWNER_SECRET: database(postgres.OWNER, self.owner_password),
            DATABASE_API_SECRET: database("ctv_api", self.api_password),
            DATABASE_PIPELINE_SECRET: database("ctv_pipeline", self.pipeline_password),
            ACCESS_TOKEN_SECRET: keys(self.access_token_key),
            BEACON_SECRET: keys(self.beacon_key),
            # No CloudFront is here: what proves it has only to be unknown to everybody.
            CLOUDFRONT_PROOF_SECRET: json.dumps(
                {"proof": sha256(self.beacon_key.encode()).hexdigest()}
            ),
        }
