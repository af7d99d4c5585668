"""Register creatives, presign their uploads, delete them."""

from dataclasses import dataclass

from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.creative import ACCEPTED_CONTENT_TYPES, Creative, CreativeDraft, upload_key
from ctv_ads.domain.ids import CreativeId
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.ports.base import Clock, NewId
from ctv_ads.ports.control_plane import Stores
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.ports.uploads import UploadForm, UploadForms
from ctv_ads.use_cases.permission import require


@dataclass(frozen=True, slots=True)
class TraffickCreatives:
    """What people do with creatives."""

    stores: Stores
    upload_forms: UploadForms
    inventory_changes: InventoryChanges
    clock: Clock
    new_id: NewId
    max_upload_bytes: int

    def register(self, caller: Caller, draft: CreativeDraft) -> tuple[Creative, UploadForm]:
        """Store a creative that waits for its file, and return the form to send it by.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            InvalidRequestError: the declared type or size cannot become a creative.
            NotFoundError: there is no such campaign.
        """
        require(caller, Action.TRAFFIC)
        self._refuse_unfit(draft)
        creative_id = CreativeId(self.new_id())
        with self.stores.transaction(caller) as store:
            store.campaigns.get(draft.campaign_id)
            creative = store.creatives.add(draft, creative_id, caller)
        form = self.upload_forms.presign(
            upload_key(creative_id), content_type=draft.content_type, size_bytes=draft.size_bytes
        )
        return creative, form

    def delete(self, caller: Caller, creative_id: CreativeId) -> None:
        """Take the creative out of sight and out of serving.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            store.creatives.get(creative_id)
            store.creatives.delete(creative_id, self.clock())
        self.inventory_changes.announce(f"creative {creative_id} is deleted")

    def _refuse_unfit(self, draft: CreativeDraft) -> None:
        problems = []
        if draft.content_type not in ACCEPTED_CONTENT_TYPES:
            accepted = ", ".join(sorted(ACCEPTED_CONTENT_TYPES))
            problems.append(
                FieldProblem("content_type", "type_not_accepted", f"accepted types: {accepted}")
            )
        if draft.size_bytes > self.max_upload_bytes:
            problems.append(
                FieldProblem(
                    "size_bytes",
                    "too_large",
                    f"the file has {draft.size_bytes} bytes; the limit is {self.max_upload_bytes}",
                )
            )
        if problems:
            raise InvalidRequestError("this file cannot become a creative", problems)
