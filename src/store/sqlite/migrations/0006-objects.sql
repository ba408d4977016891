-- What accounts have beside mail, as JSON under a kind, and who may run the server.

ALTER TABLE account ADD COLUMN role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin'));
ALTER TABLE account ADD COLUMN next_object INTEGER NOT NULL DEFAULT 1;

-- The last change of each kind, which outlives its objects and their tombstones.
CREATE TABLE object_kind (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind <> ''),
  modseq INTEGER NOT NULL,
  PRIMARY KEY (account, kind)
) STRICT, WITHOUT ROWID;

-- Not WITHOUT ROWID: a value may be larger than a page.
CREATE TABLE object (
  account INTEGER NOT NULL,
  kind TEXT NOT NULL,
  id INTEGER NOT NULL,
  key TEXT,
  value TEXT NOT NULL,
  created INTEGER NOT NULL,
  modseq INTEGER NOT NULL CHECK (modseq >= created),
  -- Null: for ever.
  expires_at INTEGER,
  PRIMARY KEY (account, kind, id),
  FOREIGN KEY (account, kind) REFERENCES object_kind (account, kind) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX object_key ON object (account, kind, key) WHERE key IS NOT NULL;
CREATE INDEX object_expiry ON object (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE object_tombstone (
  account INTEGER NOT NULL,
  kind TEXT NOT NULL,
  id INTEGER NOT NULL,
  created INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  -- As another tombstone's.
  seen_at INTEGER,
  PRIMARY KEY (account, kind, id),
  FOREIGN KEY (account, kind) REFERENCES object_kind (account, kind) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
