"""How CloudFront proves itself, for all who believe it. Imports must stay small."""

from ctv_ads.believed_settings import BelievedSettings
from ctv_ads.bootstrap.secrets import secret_document
from ctv_ads.errors import InvalidSettingsError


def cloudfront_proof(settings: BelievedSettings) -> str | None:
    """Return what CloudFront proves itself with; None if it is not believed.

    Raises:
        InvalidSettingsError: the secret holds no proof that nobody guesses.
        DependencyUnavailableError: Secrets Manager does not answer.
    """
    if settings.cloudfront_proof_secret_id is None:
        return None
    proof = secret_document(settings.cloudfront_proof_secret_id).get("proof", "")
    if len(proof) < 32:
        raise InvalidSettingsError("CLOUDFRONT_PROOF_SECRET_ID: needs a proof of 32 characters")
    return proof
