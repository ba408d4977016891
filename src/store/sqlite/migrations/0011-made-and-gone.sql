-- The modseq at which a mailbox that is gone was made: who never knew of it need not be told that it is gone (RFC 8620 §5.2). Of those that
-- are gone already it is 0: as if everybody had known of them.
ALTER TABLE mailbox_tombstone ADD COLUMN added INTEGER NOT NULL DEFAULT 0;
