-- Up to where each kind of what is gone was forgotten. That of account.forgotten is of all of them together: by it alone a client that
-- knows the newest state of mailboxes could not go on where only mail was forgotten.

ALTER TABLE account ADD COLUMN forgotten_departures INTEGER NOT NULL DEFAULT 0;
-- Mailboxes and subscriptions.
ALTER TABLE account ADD COLUMN forgotten_mailboxes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE object_kind ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
UPDATE account SET forgotten_departures = forgotten, forgotten_mailboxes = forgotten;
UPDATE object_kind SET forgotten = (SELECT account.forgotten FROM account WHERE account.id = object_kind.account);
