-- What a placement's players accept of a creative's files, beside what each request says.
ALTER TABLE placements
    ADD COLUMN accepted_mimes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN max_bitrate_kbps integer CHECK (max_bitrate_kbps > 0),
    ADD COLUMN max_width_px integer CHECK (max_width_px > 0),
    ADD COLUMN max_height_px integer CHECK (max_height_px > 0);
GRANT INSERT (accepted_mimes, max_bitrate_kbps, max_width_px, max_height_px),
      UPDATE (accepted_mimes, max_bitrate_kbps, max_width_px, max_height_px)
   ON placements TO ctv_api;
