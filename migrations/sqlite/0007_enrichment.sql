-- Who looked into a content, and the values that are lost where they are made readable.

ALTER TABLE meta ADD COLUMN numbers TEXT;   -- NULL: none

ALTER TABLE blob ADD COLUMN looked_by TEXT; -- NULL: nobody has looked
ALTER TABLE blob ADD COLUMN looked_s INTEGER;
ALTER TABLE blob ADD COLUMN looked_n INTEGER;
ALTER TABLE blob ADD COLUMN look_error TEXT; -- why the extractor gave up
UPDATE blob SET looked_by = 'unknown', looked_s = first_seen_s, looked_n = first_seen_n
WHERE id IN (SELECT blob FROM meta);
-- Few lack anything: finding them costs nothing.
CREATE INDEX blob_lacking ON blob (id) WHERE looked_by IS NULL OR look_error IS NOT NULL OR mime IS NULL;

DROP VIEW blobs;
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
    block_reason,
    doc AS meta,
    numbers,
    looked_by AS extractor,
    CASE WHEN looked_s >= 0 OR looked_n = 0 THEN printf('%d.%09d', looked_s, looked_n)
         WHEN looked_s < 0 THEN printf('-%d.%09d', -(looked_s + 1), 1000000000 - looked_n) END AS metadata_at,
    look_error AS metadata_error
FROM blob LEFT JOIN meta ON meta.blob = blob.id;

DROP VIEW observations;
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
    CASE WHEN sidecars <> '{}' THEN json_insert(coalesce(doc, '{}'), '$.Sidecar', json(sidecars)) ELSE doc END AS meta,
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
    CASE WHEN name_shown IS NOT NULL THEN lower(hex(name)) END AS filename_hex,
    numbers,
    looked_by AS extractor,
    look_error AS metadata_error
FROM (
    SELECT
        o.*, b.hash, f.relpath, f.relpath_shown, r.host, r.basedir, r.basedir_shown, r.kind, m.doc, m.numbers, b.looked_by, b.look_error,
        CASE WHEN o.current = 1 AND o.gone_s IS NULL AND o.held = 0
                  AND (r.confirmed_s, r.confirmed_n) > (o.seen_s, o.seen_n)
             THEN r.confirmed_s ELSE o.seen_s END AS scan_s,
        CASE WHEN o.current = 1 AND o.gone_s IS NULL AND o.held = 0
                  AND (r.confirmed_s, r.confirmed_n) > (o.seen_s, o.seen_n)
             THEN r.confirmed_n ELSE o.seen_n END AS scan_n,
        (SELECT json_group_object(coalesce(so.name_shown, CAST(so.name AS TEXT)), json(coalesce(sm.doc, '{}')))
         FROM sidecar AS s
         JOIN observation AS so ON so.folder = s.folder AND so.name = s.sidecar AND so.current = 1 AND so.gone_s IS NULL
         LEFT JOIN meta AS sm ON sm.blob = so.blob
         WHERE o.current = 1 AND s.folder = o.folder AND s.name = o.name AND s.current = 1) AS sidecars
    FROM observation AS o
    JOIN blob AS b ON b.id = o.blob
    JOIN folder AS f ON f.id = o.folder
    JOIN root AS r ON r.id = f.root
    LEFT JOIN meta AS m ON m.blob = o.blob
);
