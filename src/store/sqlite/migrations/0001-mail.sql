-- Who has mail, and the mail. Every key of the mail leads with the account; ids other than account and blob are counters
-- of the account. The account's row is what serialises its writers: each operation that changes mail updates it first.
-- Rows that change with every delivery (account, mailbox, message) are kept small: a commit writes whole pages.

CREATE TABLE domain (
  name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: an id is never given again, even after the newest account was removed.
CREATE TABLE account (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  address TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
  created_at INTEGER NOT NULL,
  -- Null is unlimited.
  quota_bytes INTEGER CHECK (quota_bytes >= 0),
  quota_messages INTEGER CHECK (quota_messages >= 0),
  -- Sum of email.size, number of messages.
  used_bytes INTEGER NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
  used_messages INTEGER NOT NULL DEFAULT 0 CHECK (used_messages >= 0),
  modseq INTEGER NOT NULL DEFAULT 1,
  next_mailbox INTEGER NOT NULL DEFAULT 1,
  next_email INTEGER NOT NULL DEFAULT 1,
  -- The least that the next mailbox may get.
  next_uid_validity INTEGER NOT NULL,
  -- Tombstones up to this modseq have been dropped: changes since less than it cannot be told completely.
  forgotten INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE credential (
  account INTEGER NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
  -- JSON of `Credentials`.
  secret TEXT NOT NULL
) STRICT;

-- A canonical address: of an account, or (account null) an alias. An empty local part is the catch-all of the domain.
CREATE TABLE address (
  domain TEXT NOT NULL REFERENCES domain (name),
  local TEXT NOT NULL,
  account INTEGER REFERENCES account (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (domain, local)
) STRICT, WITHOUT ROWID;
CREATE INDEX address_account ON address (account) WHERE account IS NOT NULL;

CREATE TABLE alias_target (
  domain TEXT NOT NULL,
  local TEXT NOT NULL,
  position INTEGER NOT NULL,
  target TEXT NOT NULL,
  PRIMARY KEY (domain, local, position),
  FOREIGN KEY (domain, local) REFERENCES address (domain, local) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- INBOX is id 1 of every account.
CREATE TABLE mailbox (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  name TEXT NOT NULL CHECK (name <> ''),
  special_use TEXT CHECK (
    special_use IN ('archive', 'drafts', 'junk', 'sent', 'trash', 'flagged', 'important', 'all')
  ),
  selectable INTEGER NOT NULL DEFAULT 1 CHECK (selectable IN (0, 1)),
  uid_validity INTEGER NOT NULL CHECK (uid_validity BETWEEN 1 AND 4294967295),
  uid_next INTEGER NOT NULL DEFAULT 1 CHECK (uid_next BETWEEN 1 AND 4294967296),
  -- UIDs from this one on are \Recent to the next session that selects the mailbox.
  recent_from INTEGER NOT NULL DEFAULT 1 CHECK (recent_from <= uid_next),
  -- Highest of any change to the mailbox or its messages.
  modseq INTEGER NOT NULL,
  -- Of its making, and of the last change of its own (name, selectable).
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  messages INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
  unseen INTEGER NOT NULL DEFAULT 0 CHECK (unseen BETWEEN 0 AND messages),
  deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted BETWEEN 0 AND messages),
  bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX mailbox_name ON mailbox (account, name);
CREATE UNIQUE INDEX mailbox_special_use ON mailbox (account, special_use) WHERE special_use IS NOT NULL;

-- By name: a subscription may outlive its mailbox (RFC 3501 §6.3.6).
CREATE TABLE subscription (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- The bytes of messages, shared by all emails that were delivered together. Never the highest id is removed, so that no id
-- comes again. `structure` stands before `data`, so that reading it touches no overflow page of the data.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,
  -- Number of emails.
  refs INTEGER NOT NULL CHECK (refs >= 0),
  size INTEGER NOT NULL CHECK (size >= 0),
  structure TEXT NOT NULL,
  -- The name of its file, where it is not in the row.
  key TEXT,
  data BLOB,
  CHECK ((key IS NULL) <> (data IS NULL))
) STRICT;
CREATE INDEX blob_orphan ON blob (id) WHERE refs = 0;
-- Only of those that have one: small messages, nearly all, add nothing to it.
CREATE UNIQUE INDEX blob_key ON blob (key) WHERE key IS NOT NULL;

-- One message as one account holds it. No foreign key to `blob`, and none from `message` to here: each would want an
-- index that every delivery writes; `audit()` checks both.
CREATE TABLE email (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  blob INTEGER NOT NULL,
  -- Number of messages.
  refs INTEGER NOT NULL CHECK (refs >= 0),
  -- Octets, prefix included.
  size INTEGER NOT NULL CHECK (size >= 0),
  received_at INTEGER NOT NULL,
  prefix TEXT NOT NULL,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX email_orphan ON email (account, id) WHERE refs = 0;

-- An email's place in a mailbox. `size` is that of the email, so that a listing needs this table alone.
CREATE TABLE message (
  account INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
  modseq INTEGER NOT NULL,
  -- The modseq of its coming.
  added INTEGER NOT NULL,
  flags INTEGER NOT NULL CHECK (flags BETWEEN 0 AND 31),
  keywords TEXT NOT NULL,
  email INTEGER NOT NULL,
  size INTEGER NOT NULL,
  internal_date INTEGER NOT NULL,
  PRIMARY KEY (account, mailbox, uid),
  FOREIGN KEY (account, mailbox) REFERENCES mailbox (account, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- UIDs [first, last], all of which left the mailbox at `modseq`.
CREATE TABLE tombstone (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  modseq INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL CHECK (last >= first),
  -- Milliseconds since the epoch, for forgetting; null until the first collection sees it.
  seen_at INTEGER,
  PRIMARY KEY (account, modseq, mailbox, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE mailbox_tombstone (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  modseq INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  seen_at INTEGER,
  PRIMARY KEY (account, modseq, mailbox)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  holder TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- `uid_validity`: the least that a mailbox of a new account may get, so that an address that comes again never meets a
-- UIDVALIDITY that it had.
CREATE TABLE counter (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('uid_validity', 1);

-- What is decided once for the installation, as text: `installation_secret` in hexadecimal.
CREATE TABLE setting (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
