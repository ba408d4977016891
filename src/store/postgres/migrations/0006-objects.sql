-- What accounts have beside mail, as JSON under a kind, and who may run the server.

ALTER TABLE account ADD COLUMN role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin'));
ALTER TABLE account ADD COLUMN next_object bigint NOT NULL DEFAULT 1;

-- The last change of each kind, which outlives its objects and their tombstones.
CREATE TABLE object_kind (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind <> ''),
  modseq bigint NOT NULL,
  PRIMARY KEY (account, kind)
);

CREATE TABLE object (
  account bigint NOT NULL,
  kind text NOT NULL,
  id bigint NOT NULL,
  key text,
  value text NOT NULL,
  created bigint NOT NULL,
  modseq bigint NOT NULL CHECK (modseq >= created),
  -- Null: for ever.
  expires_at bigint,
  PRIMARY KEY (account, kind, id),
  FOREIGN KEY (account, kind) REFERENCES object_kind (account, kind) ON DELETE CASCADE
);
CREATE UNIQUE INDEX object_key ON object (account, kind, key) WHERE key IS NOT NULL;
CREATE INDEX object_expiry ON object (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE object_tombstone (
  account bigint NOT NULL,
  kind text NOT NULL,
  id bigint NOT NULL,
  created bigint NOT NULL,
  modseq bigint NOT NULL,
  -- As another tombstone's.
  seen_at bigint,
  PRIMARY KEY (account, kind, id),
  FOREIGN KEY (account, kind) REFERENCES object_kind (account, kind) ON DELETE CASCADE
);
