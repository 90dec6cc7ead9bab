-- What was decided, and which runs changed something. Rows are added and never changed.

CREATE TABLE act (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_s    INTEGER NOT NULL,
    at_n    INTEGER NOT NULL,
    host    TEXT NOT NULL,
    verb    TEXT NOT NULL,
    words   TEXT NOT NULL,
    undoes  INTEGER REFERENCES act (id),
    summary TEXT                            -- the counters of a run; NULL: decisions
) STRICT;

CREATE TABLE act_item (
    id          INTEGER PRIMARY KEY,
    act         INTEGER NOT NULL REFERENCES act (id),
    observation INTEGER,                    -- this one's status went from before to after, or
    hash        BLOB,                       -- this content's block_reason
    before      TEXT,
    after       TEXT,
    CHECK ((observation IS NULL) <> (hash IS NULL))
) STRICT;
CREATE INDEX act_item_act ON act_item (act);

-- Few are ignored: whether a content was turned down is one look.
CREATE INDEX observation_ignored ON observation (blob) WHERE status = 'ignored';
