-- What the archive's manifests do not say yet, and how far they have come.

CREATE TABLE manifest (
    only            INTEGER PRIMARY KEY CHECK (only = 1),
    saved           INTEGER,                -- generation of the last manifest that is known to be durable
    saved_digest    BLOB,
    intended        INTEGER,                -- the one that is being written
    intended_digest BLOB,
    anew            INTEGER NOT NULL DEFAULT 0, -- the next one does not build on those before it
    rebuilding      INTEGER NOT NULL DEFAULT 0  -- rows are being restored from manifests
) STRICT;
INSERT INTO manifest (only) VALUES (1);

-- How often a row was changed since it was written into a manifest.
ALTER TABLE blob ADD COLUMN unsaved INTEGER NOT NULL DEFAULT 1;
ALTER TABLE observation ADD COLUMN unsaved INTEGER NOT NULL DEFAULT 1;
ALTER TABLE act ADD COLUMN unsaved INTEGER NOT NULL DEFAULT 1;
ALTER TABLE act_item ADD COLUMN unsaved INTEGER NOT NULL DEFAULT 1;
CREATE INDEX blob_unsaved ON blob (id) WHERE unsaved > 0;
CREATE INDEX observation_unsaved ON observation (id) WHERE unsaved > 0;
CREATE INDEX act_unsaved ON act (id) WHERE unsaved > 0;
CREATE INDEX act_item_unsaved ON act_item (id) WHERE unsaved > 0;
