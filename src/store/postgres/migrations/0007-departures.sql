-- As its SQLite twin.

ALTER TABLE message ADD COLUMN shown bigint;

CREATE TABLE departure (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  modseq bigint NOT NULL,
  mailbox bigint NOT NULL,
  uid bigint NOT NULL,
  email bigint NOT NULL,
  thread bigint NOT NULL,
  shown bigint NOT NULL CHECK (shown <= modseq),
  seen_at bigint,
  PRIMARY KEY (account, modseq, mailbox, uid)
);
