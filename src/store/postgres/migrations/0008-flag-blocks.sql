-- Flags that were changed for very many messages at once (docs/decisions/016-flags-in-blocks.md). A row holds the flags and
-- modseqs of the messages with UIDs from `first` on, in the form of `ops/flag-blocks.ts`; what it says of a message stands
-- before what that message's own row says, until it is written there.

CREATE TABLE flag_block (
  account bigint NOT NULL,
  mailbox bigint NOT NULL,
  first bigint NOT NULL CHECK (first BETWEEN 1 AND 4294967295),
  states bytea NOT NULL,
  PRIMARY KEY (account, mailbox, first),
  FOREIGN KEY (account, mailbox) REFERENCES mailbox (account, id) ON DELETE CASCADE
);
-- Written whole, and as small as it gets.
ALTER TABLE flag_block ALTER COLUMN states SET STORAGE EXTERNAL;
