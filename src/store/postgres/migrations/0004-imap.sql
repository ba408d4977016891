-- What IMAP as a whole keeps: the twin of the SQLite engine's schema, where the tables and columns are explained.

ALTER TABLE account
  ADD COLUMN quota_mailboxes bigint CHECK (quota_mailboxes >= 0),
  ADD COLUMN quota_annotations bigint CHECK (quota_annotations >= 0),
  ADD COLUMN hidden_capabilities text NOT NULL DEFAULT '';

ALTER TABLE message ADD COLUMN saved_after bigint;
CREATE INDEX message_keywords ON message (account, mailbox, keywords) WHERE keywords <> '';

ALTER TABLE email ADD COLUMN thread bigint CHECK (thread < id);
CREATE INDEX email_thread ON email (account, thread, id) WHERE thread IS NOT NULL;

CREATE TABLE thread_key (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  key bigint NOT NULL,
  thread bigint NOT NULL,
  PRIMARY KEY (account, key)
);

CREATE TABLE access_entry (
  account bigint NOT NULL,
  mailbox bigint NOT NULL,
  grantee bigint NOT NULL,
  negative bigint NOT NULL CHECK (negative IN (0, 1)),
  rights text NOT NULL CHECK (rights <> ''),
  PRIMARY KEY (account, mailbox, grantee, negative),
  FOREIGN KEY (account, mailbox) REFERENCES mailbox (account, id) ON DELETE CASCADE
);
CREATE INDEX access_entry_grantee ON access_entry (grantee, account);

CREATE TABLE annotation (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  mailbox bigint NOT NULL,
  viewer bigint NOT NULL,
  name text COLLATE "C" NOT NULL CHECK (name <> ''),
  value bytea NOT NULL,
  PRIMARY KEY (account, mailbox, viewer, name)
);
CREATE INDEX annotation_viewer ON annotation (viewer) WHERE viewer <> 0 AND viewer <> account;

CREATE TABLE url_key (
  account bigint NOT NULL,
  mailbox bigint NOT NULL,
  key bytea NOT NULL,
  PRIMARY KEY (account, mailbox),
  FOREIGN KEY (account, mailbox) REFERENCES mailbox (account, id) ON DELETE CASCADE
);

CREATE TABLE news (
  account bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('annotation', 'rights', 'subscription')),
  mailbox bigint NOT NULL,
  viewer bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  modseq bigint NOT NULL,
  seen_at bigint,
  PRIMARY KEY (account, kind, mailbox, viewer, name)
);
