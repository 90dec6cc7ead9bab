-- What the archive's manifests do not say yet, and how far they have come.

CREATE TABLE manifest (
    singleton       boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    saved           bigint,                 -- generation of the last manifest that is known to be durable
    saved_digest    bytea,
    intended        bigint,                 -- the one that is being written
    intended_digest bytea,
    anew            boolean NOT NULL DEFAULT false, -- the next one does not build on those before it
    rebuilding      boolean NOT NULL DEFAULT false  -- rows are being restored from manifests
);
INSERT INTO manifest DEFAULT VALUES;

-- How often a row was changed since it was written into a manifest.
ALTER TABLE blob ADD COLUMN unsaved integer NOT NULL DEFAULT 1;
ALTER TABLE observation ADD COLUMN unsaved integer NOT NULL DEFAULT 1;
ALTER TABLE act ADD COLUMN unsaved integer NOT NULL DEFAULT 1;
ALTER TABLE act_item ADD COLUMN unsaved integer NOT NULL DEFAULT 1;
CREATE INDEX blob_unsaved ON blob (id) WHERE unsaved > 0;
CREATE INDEX observation_unsaved ON observation (id) WHERE unsaved > 0;
CREATE INDEX act_unsaved ON act (id) WHERE unsaved > 0;
CREATE INDEX act_item_unsaved ON act_item (id) WHERE unsaved > 0;
