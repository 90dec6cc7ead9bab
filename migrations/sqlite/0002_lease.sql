-- The right to apply: each time it is given, to the next number.

CREATE TABLE lease (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL
) STRICT;
