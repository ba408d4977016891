-- The full-text index: derived from the mail, and made again when it is lost. Nothing here is written by a delivery.

CREATE TABLE search_state (
  account bigint NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
  -- Emails up to this one are indexed.
  cursor bigint NOT NULL DEFAULT 0,
  next_segment bigint NOT NULL DEFAULT 1
);

-- `building` is seen by nobody; of `dropped` ones the blocks go in steps, then the row.
CREATE TABLE search_segment (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  id bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('building', 'ready', 'dropped')),
  first_email bigint NOT NULL DEFAULT 0,
  last_email bigint NOT NULL DEFAULT 0 CHECK (last_email >= first_email),
  emails bigint NOT NULL DEFAULT 0,
  size bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (account, id)
);

CREATE TABLE search_block (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  segment bigint NOT NULL,
  number bigint NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (account, segment, number)
);
-- Blocks are as small as they get.
ALTER TABLE search_block ALTER COLUMN bytes SET STORAGE EXTERNAL;
