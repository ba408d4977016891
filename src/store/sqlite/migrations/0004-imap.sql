-- What IMAP as a whole keeps: threads, when a message came into its mailbox, who may do what in whose mailboxes, annotations,
-- keys of URLs. Only `thread_key` gets a row with each delivery, and only a reply adds to the index of threads.

-- Null or absent is unlimited.
ALTER TABLE account ADD COLUMN quota_mailboxes INTEGER CHECK (quota_mailboxes >= 0);
-- Octets of annotation.value.
ALTER TABLE account ADD COLUMN quota_annotations INTEGER CHECK (quota_annotations >= 0);
-- In capitals, parted by spaces.
ALTER TABLE account ADD COLUMN hidden_capabilities TEXT NOT NULL DEFAULT '';

-- Milliseconds from `internal_date` to the coming into this mailbox, 0 (which takes no room) for what was delivered there;
-- null of messages that came before this column.
ALTER TABLE message ADD COLUMN saved_after INTEGER;

-- Which keywords are in use in a mailbox: one look-up for each set of them.
CREATE INDEX message_keywords ON message (account, mailbox, keywords) WHERE keywords <> '';

-- The email that began its thread; null where it is this one.
ALTER TABLE email ADD COLUMN thread INTEGER CHECK (thread < id);
CREATE INDEX email_thread ON email (account, thread, id) WHERE thread IS NOT NULL;

-- A message identifier that was named in a thread, together with its base subject: `threadKeys` in `ops/threads.ts`.
CREATE TABLE thread_key (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  key INTEGER NOT NULL,
  thread INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

-- RFC 4314. `grantee` is an account, or 0 for anyone.
CREATE TABLE access_entry (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  grantee INTEGER NOT NULL,
  negative INTEGER NOT NULL CHECK (negative IN (0, 1)),
  rights TEXT NOT NULL CHECK (rights <> ''),
  PRIMARY KEY (account, mailbox, grantee, negative),
  FOREIGN KEY (account, mailbox) REFERENCES mailbox (account, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX access_entry_grantee ON access_entry (grantee, account);

-- RFC 5464. `mailbox` is 0 for those of the account; `viewer` is whose private entry it is, or 0 for a shared one.
CREATE TABLE annotation (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  mailbox INTEGER NOT NULL,
  viewer INTEGER NOT NULL,
  name TEXT NOT NULL CHECK (name <> ''),
  value BLOB NOT NULL,
  PRIMARY KEY (account, mailbox, viewer, name)
) STRICT, WITHOUT ROWID;
-- Those that die with another account than the mailbox's.
CREATE INDEX annotation_viewer ON annotation (viewer) WHERE viewer <> 0 AND viewer <> account;

-- RFC 4467 §3.
CREATE TABLE url_key (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY (account, mailbox),
  FOREIGN KEY (account, mailbox) REFERENCES mailbox (account, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The last change of what has no modseq of its own, for `changesSince`. `mailbox` is 0 for the account; `viewer` as in
-- `annotation`; `name` is that of an annotation or a subscription, else ''.
CREATE TABLE news (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('annotation', 'rights', 'subscription')),
  mailbox INTEGER NOT NULL,
  viewer INTEGER NOT NULL,
  name TEXT NOT NULL,
  modseq INTEGER NOT NULL,
  -- As a tombstone's.
  seen_at INTEGER,
  PRIMARY KEY (account, kind, mailbox, viewer, name)
) STRICT, WITHOUT ROWID;
