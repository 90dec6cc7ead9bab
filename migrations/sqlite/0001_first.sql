-- The catalog. The tables are lean; people read the two views at the end. README.md beside this folder explains the layout.

PRAGMA application_id = 1835101537; -- 'mama'

CREATE TABLE archive (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id   TEXT NOT NULL
) STRICT;

CREATE TABLE root (
    id            INTEGER PRIMARY KEY,
    key           BLOB NOT NULL UNIQUE,     -- BLAKE3 of host and basedir
    host          TEXT NOT NULL,
    basedir       BLOB NOT NULL,
    basedir_shown TEXT,                     -- escaped, only where the bytes are not UTF-8
    kind          TEXT NOT NULL,
    confirmed_s   INTEGER,                  -- beginning of the last scan that reached its end
    confirmed_n   INTEGER
) STRICT;

CREATE TABLE scan (
    id         INTEGER PRIMARY KEY,
    root       INTEGER NOT NULL REFERENCES root (id),
    started_s  INTEGER NOT NULL,
    started_n  INTEGER NOT NULL,
    finished_s INTEGER,
    finished_n INTEGER
) STRICT;
CREATE INDEX scan_root ON scan (root);

CREATE TABLE folder (
    id            INTEGER PRIMARY KEY,
    root          INTEGER NOT NULL REFERENCES root (id),
    parent        INTEGER REFERENCES folder (id),
    name          BLOB NOT NULL,
    relpath       BLOB NOT NULL,
    relpath_shown TEXT,
    place_key     BLOB NOT NULL,            -- BLAKE3 of kind and whole path: equal for one place seen through several roots
    present       INTEGER NOT NULL DEFAULT 0 -- current files that are not gone, in it and below
) STRICT;
CREATE UNIQUE INDEX folder_place ON folder (place_key, root);
CREATE INDEX folder_parent ON folder (parent, name);

CREATE TABLE blob (
    id           INTEGER PRIMARY KEY,
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    size         INTEGER NOT NULL,
    first_seen_s INTEGER NOT NULL,
    first_seen_n INTEGER NOT NULL,
    mime         TEXT,
    stored       INTEGER NOT NULL DEFAULT 0,
    block_reason TEXT
) STRICT;

CREATE TABLE meta (
    blob INTEGER PRIMARY KEY REFERENCES blob (id),
    doc  TEXT NOT NULL
) STRICT;

CREATE TABLE observation (
    id         INTEGER PRIMARY KEY,
    folder     INTEGER NOT NULL REFERENCES folder (id),
    name       BLOB NOT NULL,
    name_shown TEXT,
    blob       INTEGER NOT NULL REFERENCES blob (id),
    size       INTEGER NOT NULL,
    mtime_s    INTEGER NOT NULL,
    mtime_n    INTEGER NOT NULL,
    ctime_s    INTEGER NOT NULL,
    ctime_n    INTEGER NOT NULL,
    inode      INTEGER NOT NULL,            -- 64 bits, the highest as the sign
    racy       INTEGER NOT NULL,
    seen_s     INTEGER NOT NULL,            -- last confirmed one by one; see the view's scan_time
    seen_n     INTEGER NOT NULL,
    gone_s     INTEGER,
    gone_n     INTEGER,
    held       INTEGER NOT NULL DEFAULT 0,
    current    INTEGER NOT NULL DEFAULT 1,
    open       INTEGER NOT NULL DEFAULT 1,
    status     TEXT NOT NULL DEFAULT 'pending',
    placement  TEXT NOT NULL DEFAULT 'none',
    view_path  BLOB,
    view_shown TEXT
) STRICT;
-- Every row is in exactly one of these two.
CREATE UNIQUE INDEX observation_current ON observation (folder, name) WHERE current = 1;
CREATE INDEX observation_history ON observation (folder, name) WHERE current = 0;
CREATE INDEX observation_blob ON observation (blob);
-- One for each scope of apply.
CREATE INDEX observation_open ON observation (id) WHERE open = 1;
CREATE INDEX observation_decided ON observation (id) WHERE open = 1 AND status <> 'pending';

CREATE VIEW blobs AS
SELECT
    lower(hex(hash)) AS hash,
    size,
    CASE WHEN stored THEN
        'blobs/' || lower(hex(substr(hash, 1, 1))) || '/' || lower(hex(substr(hash, 2, 1))) || '/' || lower(hex(hash))
    END AS storage_path,
    CASE WHEN first_seen_s >= 0 OR first_seen_n = 0 THEN printf('%d.%09d', first_seen_s, first_seen_n)
         ELSE printf('-%d.%09d', -(first_seen_s + 1), 1000000000 - first_seen_n) END AS first_seen,
    mime,
    block_reason
FROM blob;

CREATE VIEW observations AS
SELECT
    id,
    lower(hex(hash)) AS blob_hash,
    host AS hostname,
    coalesce(basedir_shown, CAST(basedir AS TEXT)) AS basedir,
    coalesce(relpath_shown, CAST(relpath AS TEXT)) AS relpath,
    coalesce(name_shown, CAST(name AS TEXT)) AS filename,
    size,
    CASE WHEN mtime_s >= 0 OR mtime_n = 0 THEN printf('%d.%09d', mtime_s, mtime_n)
         ELSE printf('-%d.%09d', -(mtime_s + 1), 1000000000 - mtime_n) END AS mtime,
    CASE WHEN ctime_s >= 0 OR ctime_n = 0 THEN printf('%d.%09d', ctime_s, ctime_n)
         ELSE printf('-%d.%09d', -(ctime_s + 1), 1000000000 - ctime_n) END AS ctime,
    CASE WHEN scan_s >= 0 OR scan_n = 0 THEN printf('%d.%09d', scan_s, scan_n)
         ELSE printf('-%d.%09d', -(scan_s + 1), 1000000000 - scan_n) END AS scan_time,
    kind AS source_kind,
    status,
    doc AS meta,
    CASE WHEN gone_s >= 0 OR gone_n = 0 THEN printf('%d.%09d', gone_s, gone_n)
         WHEN gone_s < 0 THEN printf('-%d.%09d', -(gone_s + 1), 1000000000 - gone_n) END AS gone_at,
    placement,
    current,
    open,
    held,
    racy,
    printf('%u', inode) AS inode,
    coalesce(view_shown, CAST(view_path AS TEXT)) AS view_path,
    CASE WHEN basedir_shown IS NOT NULL THEN lower(hex(basedir)) END AS basedir_hex,
    CASE WHEN relpath_shown IS NOT NULL THEN lower(hex(relpath)) END AS relpath_hex,
    CASE WHEN name_shown IS NOT NULL THEN lower(hex(name)) END AS filename_hex
FROM (
    SELECT
        o.*, b.hash, f.relpath, f.relpath_shown, r.host, r.basedir, r.basedir_shown, r.kind, m.doc,
        CASE WHEN o.current = 1 AND o.gone_s IS NULL AND o.held = 0
                  AND (r.confirmed_s, r.confirmed_n) > (o.seen_s, o.seen_n)
             THEN r.confirmed_s ELSE o.seen_s END AS scan_s,
        CASE WHEN o.current = 1 AND o.gone_s IS NULL AND o.held = 0
                  AND (r.confirmed_s, r.confirmed_n) > (o.seen_s, o.seen_n)
             THEN r.confirmed_n ELSE o.seen_n END AS scan_n
    FROM observation AS o
    JOIN blob AS b ON b.id = o.blob
    JOIN folder AS f ON f.id = o.folder
    JOIN root AS r ON r.id = f.root
    LEFT JOIN meta AS m ON m.blob = o.blob
);
