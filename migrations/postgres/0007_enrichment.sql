-- Who looked into a content, and the values that are lost where they are made readable.

ALTER TABLE meta ADD COLUMN numbers jsonb;  -- NULL: none
ALTER TABLE meta ADD COLUMN numbers_exact text;

ALTER TABLE blob ADD COLUMN looked_by text; -- NULL: nobody has looked
ALTER TABLE blob ADD COLUMN looked_s bigint;
ALTER TABLE blob ADD COLUMN looked_n integer;
ALTER TABLE blob ADD COLUMN look_error text; -- why the extractor gave up
UPDATE blob SET looked_by = 'unknown', looked_s = first_seen_s, looked_n = first_seen_n
WHERE EXISTS (SELECT FROM meta WHERE meta.blob = blob.id);
-- Few lack anything: finding them costs nothing.
CREATE INDEX blob_lacking ON blob (id) WHERE looked_by IS NULL OR look_error IS NOT NULL OR mime IS NULL;

CREATE OR REPLACE VIEW blobs AS
SELECT
    encode(hash, 'hex') AS hash,
    size,
    CASE WHEN stored THEN
        'blobs/' || encode(substr(hash, 1, 1), 'hex') || '/' || encode(substr(hash, 2, 1), 'hex') || '/' || encode(hash, 'hex')
    END AS storage_path,
    first_seen_s + first_seen_n * 0.000000001 AS first_seen,
    mime,
    block_reason,
    doc AS meta,
    numbers,
    looked_by AS extractor,
    looked_s + looked_n * 0.000000001 AS metadata_at,
    look_error AS metadata_error
FROM blob LEFT JOIN meta ON meta.blob = blob.id;

CREATE OR REPLACE VIEW observations AS
SELECT
    o.id,
    encode(b.hash, 'hex') AS blob_hash,
    r.host AS hostname,
    coalesce(r.basedir_shown, convert_from(r.basedir, 'UTF8')) AS basedir,
    coalesce(f.relpath_shown, convert_from(f.relpath, 'UTF8')) AS relpath,
    coalesce(o.name_shown, convert_from(o.name, 'UTF8')) AS filename,
    o.size,
    o.mtime_s + o.mtime_n * 0.000000001 AS mtime,
    o.ctime_s + o.ctime_n * 0.000000001 AS ctime,
    CASE WHEN o.current AND o.gone_s IS NULL AND NOT o.held
              AND (r.confirmed_s, r.confirmed_n) > (o.seen_s, o.seen_n)
         THEN r.confirmed_s + r.confirmed_n * 0.000000001
         ELSE o.seen_s + o.seen_n * 0.000000001 END AS scan_time,
    r.kind AS source_kind,
    o.status,
    CASE WHEN s.docs IS NULL THEN m.doc
         ELSE coalesce(m.doc, '{}') || jsonb_build_object('Sidecar', s.docs) END AS meta,
    o.gone_s + o.gone_n * 0.000000001 AS gone_at,
    o.placement,
    o.current,
    o.open,
    o.held,
    o.racy,
    CASE WHEN o.inode < 0 THEN o.inode + 18446744073709551616 ELSE o.inode END AS inode,
    coalesce(o.view_shown, convert_from(o.view_path, 'UTF8')) AS view_path,
    CASE WHEN r.basedir_shown IS NOT NULL THEN encode(r.basedir, 'hex') END AS basedir_hex,
    CASE WHEN f.relpath_shown IS NOT NULL THEN encode(f.relpath, 'hex') END AS relpath_hex,
    CASE WHEN o.name_shown IS NOT NULL THEN encode(o.name, 'hex') END AS filename_hex,
    m.numbers,
    b.looked_by AS extractor,
    b.look_error AS metadata_error
FROM observation AS o
JOIN blob AS b ON b.id = o.blob
JOIN folder AS f ON f.id = o.folder
JOIN root AS r ON r.id = f.root
LEFT JOIN meta AS m ON m.blob = o.blob
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(coalesce(so.name_shown, convert_from(so.name, 'UTF8')), coalesce(sm.doc, '{}')) AS docs
    FROM sidecar AS l
    JOIN observation AS so ON so.folder = l.folder AND so.name = l.sidecar AND so.current AND so.gone_s IS NULL
    LEFT JOIN meta AS sm ON sm.blob = so.blob
    WHERE o.current AND l.folder = o.folder AND l.name = o.name AND l.current
) AS s ON true;
