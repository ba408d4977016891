-- The queue: one row for each recipient of each message that goes elsewhere, and what is remembered beside it. Times are
-- milliseconds since the epoch. A row moves between few small partial indexes, so that what is history costs the work
-- that is to do nothing.

-- `refs` of a blob counts emails and unfinished messages of the queue.
-- AUTOINCREMENT: an id is never given again, even after the newest was purged.
CREATE TABLE queue_message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE CHECK (name <> ''),
  origin TEXT NOT NULL,
  -- No foreign key: what an account sent goes out, and is history, after the account is gone.
  account INTEGER,
  sender TEXT NOT NULL,
  reverse_path TEXT NOT NULL,
  message_id TEXT,
  env_id TEXT,
  -- May dangle once the message is finished.
  blob INTEGER NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  arrived_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  -- When its rows expire: `expires_at`, or before, where the sender said so.
  deadline INTEGER NOT NULL,
  delay_report_at INTEGER,
  -- Rows that are not settled, and rows whose report is due; it is finished when both are 0.
  unsettled INTEGER NOT NULL CHECK (unsettled >= 0),
  reports INTEGER NOT NULL CHECK (reports >= 0),
  finished_at INTEGER,
  -- JSON of `MessageOptions`.
  options TEXT NOT NULL,
  prefix TEXT NOT NULL,
  CHECK ((finished_at IS NULL) = (unsettled + reports > 0))
) STRICT;
CREATE INDEX queue_message_open ON queue_message (id) WHERE finished_at IS NULL;
CREATE INDEX queue_message_finished ON queue_message (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX queue_message_id ON queue_message (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX queue_message_env ON queue_message (env_id) WHERE env_id IS NOT NULL;

CREATE TABLE queue_recipient (
  message INTEGER NOT NULL REFERENCES queue_message (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  domain TEXT NOT NULL CHECK (domain <> ''),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'active', 'held', 'settled')),
  -- Of its message.
  priority INTEGER NOT NULL,
  next_attempt INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  -- When a waiting row expires or its delay is to be reported, whichever comes first.
  watch_at INTEGER NOT NULL,
  -- Who works on it, where it is active.
  holder TEXT,
  outcome TEXT,
  report TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  faults INTEGER NOT NULL DEFAULT 0,
  delay_reported INTEGER NOT NULL DEFAULT 0 CHECK (delay_reported IN (0, 1)),
  address TEXT NOT NULL,
  reverse_path TEXT,
  route TEXT,
  reason TEXT NOT NULL,
  -- JSON of `RecipientOptions` and of the last `Attempt`.
  options TEXT NOT NULL,
  last TEXT,
  PRIMARY KEY (message, number),
  CHECK ((state = 'active') = (holder IS NOT NULL)),
  CHECK ((state = 'settled') = (outcome IS NOT NULL)),
  CHECK (report IS NULL OR state = 'settled')
) STRICT, WITHOUT ROWID;
-- Which domains wait, and since when; what comes next of a domain; what comes next at all; what expires.
CREATE INDEX queue_recipient_due ON queue_recipient (domain, next_attempt) WHERE state = 'waiting';
CREATE INDEX queue_recipient_turn ON queue_recipient (domain, priority DESC, turn, next_attempt)
  WHERE state = 'waiting';
CREATE INDEX queue_recipient_next ON queue_recipient (next_attempt) WHERE state = 'waiting';
CREATE INDEX queue_recipient_watch ON queue_recipient (watch_at) WHERE state = 'waiting';
CREATE INDEX queue_recipient_active ON queue_recipient (holder) WHERE state = 'active';
CREATE INDEX queue_recipient_held ON queue_recipient (message) WHERE state = 'held';
CREATE INDEX queue_recipient_report ON queue_recipient (message) WHERE report IS NOT NULL;

-- All attempts but that which settled the row: it is `queue_recipient.last` alone, as most rows have no other.
CREATE TABLE queue_attempt (
  message INTEGER NOT NULL,
  number INTEGER NOT NULL,
  position INTEGER NOT NULL,
  attempt TEXT NOT NULL,
  PRIMARY KEY (message, number, position),
  FOREIGN KEY (message, number) REFERENCES queue_recipient (message, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Until when all the rows of a holder are its own: one row to renew, however many it works on.
CREATE TABLE queue_holder (
  holder TEXT NOT NULL PRIMARY KEY,
  lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE suppression (
  address TEXT NOT NULL PRIMARY KEY,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER
) STRICT, WITHOUT ROWID;

-- What a key used in the window that starts at `start`; older windows are forgotten.
CREATE TABLE rate (
  key TEXT NOT NULL PRIMARY KEY,
  start INTEGER NOT NULL,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE remembered (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- Requests that were done and must not be done twice.
CREATE TABLE done_once (
  account INTEGER NOT NULL,
  key TEXT NOT NULL,
  result TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE hook_event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  payload TEXT NOT NULL
) STRICT;

CREATE TABLE hook_cursor (
  endpoint TEXT NOT NULL PRIMARY KEY,
  last INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  next_attempt INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A list is an alias with an owner: what it sends on has the owner as its reverse-path (RFC 5321 §3.9.2).
ALTER TABLE address ADD COLUMN owner TEXT;
CREATE INDEX address_local ON address (local);
