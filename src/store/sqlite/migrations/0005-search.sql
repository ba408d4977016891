-- The full-text index: derived from the mail, and made again when it is lost. Nothing here is written by a delivery.

CREATE TABLE search_state (
  account INTEGER NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
  -- Emails up to this one are indexed.
  cursor INTEGER NOT NULL DEFAULT 0,
  next_segment INTEGER NOT NULL DEFAULT 1
) STRICT;

-- `building` is seen by nobody; of `dropped` ones the blocks go in steps, then the row.
CREATE TABLE search_segment (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'dropped')),
  first_email INTEGER NOT NULL DEFAULT 0,
  last_email INTEGER NOT NULL DEFAULT 0 CHECK (last_email >= first_email),
  emails INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- Not WITHOUT ROWID: blocks are larger than a page.
CREATE TABLE search_block (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  segment INTEGER NOT NULL,
  number INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (account, segment, number)
) STRICT;
