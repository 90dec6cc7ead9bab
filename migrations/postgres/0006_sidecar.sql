-- Which files of a folder describe which others there; a file shows the metadata of its sidecars with its own.

CREATE TABLE sidecar (
    folder  bigint NOT NULL REFERENCES folder (id),
    current boolean NOT NULL DEFAULT true,
    name    bytea NOT NULL,                 -- the file that is described
    sidecar bytea NOT NULL,                 -- the one that describes it
    PRIMARY KEY (folder, name, sidecar)
);

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
    CASE WHEN o.name_shown IS NOT NULL THEN encode(o.name, 'hex') END AS filename_hex
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
