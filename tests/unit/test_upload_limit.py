"""The largest upload is a setting, up to what S3 copies at once."""

import pytest

from ctv_ads.creative_settings import UploadSettings
from ctv_ads.errors import InvalidSettingsError


def test_five_gib_are_the_most() -> None:
    most = {"UPLOAD_BUCKET": "b", "MAX_UPLOAD_BYTES": str(5 * 1024**3)}
    assert UploadSettings.from_environment(most).max_upload_bytes == 5 * 1024**3
    with pytest.raises(InvalidSettingsError, match="MAX_UPLOAD_BYTES: must not be above"):
        UploadSettings.from_environment(most | {"MAX_UPLOAD_BYTES": str(5 * 1024**3 + 1)})
