-- A scan asks for the other roots of its host.

CREATE INDEX root_host ON root (host);
