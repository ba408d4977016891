-- Files that were uploaded and that no message holds yet (RFC 8620 §6). Each is one of those that blob.refs counts.

CREATE TABLE upload (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  uploader INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  blob INTEGER NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  type TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_uploader ON upload (uploader, expires_at);
CREATE INDEX upload_expiry ON upload (expires_at);
