-- Files that were uploaded and that no message holds yet (RFC 8620 §6). Each is one of those that blob.refs counts.

CREATE TABLE upload (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  id bigint NOT NULL,
  uploader bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  blob bigint NOT NULL,
  size bigint NOT NULL CHECK (size >= 0),
  type text NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (account, id)
);
CREATE INDEX upload_uploader ON upload (uploader, expires_at);
CREATE INDEX upload_expiry ON upload (expires_at);
