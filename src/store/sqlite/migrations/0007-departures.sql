-- What JMAP wants to know of the past (docs/decisions/018-what-was-shown-before.md): which emails were in which mailboxes before, where
-- \Deleted counts as gone (RFC 8621 §4.1.1).

-- The modseq at which \Deleted was last taken from it; null: it has been shown since `added`, if it is shown.
ALTER TABLE message ADD COLUMN shown INTEGER;

-- A message that was shown from `shown` on and no longer since `modseq`: it left its mailbox, or got \Deleted.
CREATE TABLE departure (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  modseq INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  email INTEGER NOT NULL,
  thread INTEGER NOT NULL,
  shown INTEGER NOT NULL CHECK (shown <= modseq),
  -- As a tombstone's.
  seen_at INTEGER,
  PRIMARY KEY (account, modseq, mailbox, uid)
) STRICT, WITHOUT ROWID;
