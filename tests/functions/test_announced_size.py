"""A file has to be as large as it was announced; only forms make S3 see to that."""

import pytest

from ctv_ads.domain.creative import CreativeStatus, upload_key
from ctv_ads.domain.media import RejectionCode
from functions.creatives import on_upload
from tests.builders import a_probe
from tests.functions.recorded import sqs_event
from tests.functions.test_pipeline import CONTEXT, Studio
from tests.worlds import World


@pytest.mark.parametrize("content", [b"a fil", b"a film!"])
def test_a_file_of_another_size_is_rejected(
    postgres_of_session: World, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    studio = Studio(postgres_of_session)
    monkeypatch.setattr(on_upload, "creative_validation", lambda: studio.judge)
    tenant, creative = studio.a_creative()
    message = studio.upload(upload_key(creative.creative_id), a_probe(), content)
    on_upload.lambda_handler(sqs_event(message), CONTEXT)
    assert studio.status(tenant, creative) is CreativeStatus.REJECTED
    with postgres_of_session.stores.transaction(tenant.caller) as store:
        (reason,) = store.creatives.get(creative.creative_id).rejections
    assert reason.code is RejectionCode.SIZE_MISMATCH
    assert reason.message == f"The file was announced with 6 bytes; it has {len(content)}."
