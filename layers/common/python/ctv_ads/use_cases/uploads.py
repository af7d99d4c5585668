"""How the files of creatives come in: what is refused at once, and the forms to send them by."""

from dataclasses import dataclass

from ctv_ads.domain.creative import ACCEPTED_CONTENT_TYPES, CreativeDraft, upload_key
from ctv_ads.domain.ids import CreativeId
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.ports.uploads import MultipartUpload, MultipartUploads, UploadForm, UploadForms


@dataclass(frozen=True, slots=True)
class Uploads:
    """The limits of an upload, and its beginning."""

    forms: UploadForms
    multipart: MultipartUploads
    max_bytes: int
    multipart_above_bytes: int

    def refuse_unfit(self, draft: CreativeDraft) -> None:
        """Let the call go on only if such a file may become a creative.

        Raises:
            InvalidRequestError: its declared type or size is not accepted.
        """
        problems = []
        if draft.content_type not in ACCEPTED_CONTENT_TYPES:
            accepted = ", ".join(sorted(ACCEPTED_CONTENT_TYPES))
            problems.append(
                FieldProblem("content_type", "type_not_accepted", f"accepted types: {accepted}")
            )
        if draft.size_bytes > self.max_bytes:
            message = f"the file has {draft.size_bytes} bytes; the limit is {self.max_bytes}"
            problems.append(FieldProblem("size_bytes", "too_large", message))
        if problems:
            raise InvalidRequestError("this file cannot become a creative", problems)

    def begin(
        self, creative_id: CreativeId, draft: CreativeDraft, *, in_parts: bool
    ) -> UploadForm | MultipartUpload:
        """Return how the file is sent: by one form, or in parts if it is asked for or big.

        Raises:
            DependencyUnavailableError: S3 does not answer.
        """
        how = (
            self.multipart.start
            if in_parts or draft.size_bytes > self.multipart_above_bytes
            else self.forms.presign
        )
        return how(
            upload_key(creative_id), content_type=draft.content_type, size_bytes=draft.size_bytes
        )
