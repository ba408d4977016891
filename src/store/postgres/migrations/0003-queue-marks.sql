-- 0: nothing is known against the row. 1: it was under lease when a process died. 2: it is being attempted after such a death,
-- so that another one is its fault.
ALTER TABLE queue_recipient ADD COLUMN suspicion bigint NOT NULL DEFAULT 0 CHECK (suspicion IN (0, 1, 2));

-- Which node tells the webhook, and until when unless it says so again.
ALTER TABLE hook_cursor ADD COLUMN holder text COLLATE "C";
ALTER TABLE hook_cursor ADD COLUMN held_until bigint NOT NULL DEFAULT 0;
