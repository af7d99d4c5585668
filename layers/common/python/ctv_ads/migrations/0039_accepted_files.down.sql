ALTER TABLE placements
    DROP COLUMN accepted_mimes,
    DROP COLUMN max_bitrate_kbps,
    DROP COLUMN max_width_px,
    DROP COLUMN max_height_px;
