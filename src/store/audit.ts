// The audit's questions to the database: everything that is kept twice is computed again and compared. Engine-neutral; what
// only an engine knows (file names, its own integrity check) the engine adds. An audit writes nothing.
//
// One account is one read, so that counts are compared within one state while mail keeps arriving.
import type { AccountId } from './model.ts'
import { blocksAreWrong, countsWithBlocksAreWrong } from './audit-flags.ts'
import { all, dialect, type Fragment, type Op, sql } from './op.ts'
import type { AuditFinding } from './store.ts'

/** The accounts to audit. */
export function* auditAccounts(): Op<AccountId[]> {
  const rows = yield* all<{ id: AccountId }>`SELECT id FROM account ORDER BY id`
  return rows.map(({ id }) => id)
}

interface Told {
  readonly message: string
}

/** Everything about one account. */
export function* auditAccount(account: AccountId): Op<AuditFinding[]> {
  const findings: AuditFinding[] = []
  const note = (check: string, rows: readonly Told[]): void => {
    for (const { message } of rows) findings.push({ check, account, message })
  }
  note('quota', yield* usedIsWrong(account))
  note('counts', yield* countsAreWrong(account))
  note('counts', yield* countsWithBlocksAreWrong(account))
  note('flags', yield* blocksAreWrong(account))
  note('uid', yield* uidsAreWrong(account))
  note('modseq', yield* modSeqsAreWrong(account))
  note('email', yield* emailsAreWrong(account))
  note('tombstone', yield* tombstonesAreWrong(account))
  note('mailbox', yield* mailboxesAreWrong(account))
  note('thread', yield* threadsAreWrong(account))
  note('sharing', yield* entriesAreWrong(account))
  note('annotation', yield* annotationsAreWrong(account))
  note('news', yield* newsIsWrong(account))
  note('object', yield* objectsAreWrong(account))
  note('departure', yield* departuresAreWrong(account))
  note('search', yield* searchIndexIsWrong(account))
  return findings
}

function* usedIsWrong(account: AccountId): Op<Told[]> {
  return yield* all<Told>`
    SELECT 'used ' || used_bytes || ' bytes, ' || used_messages || ' messages; found ' || bytes || ', ' || messages
      AS message
    FROM (SELECT used_bytes, used_messages,
        (SELECT COALESCE(SUM(size), 0) FROM email WHERE email.account = account.id) AS bytes,
        (SELECT COUNT(*) FROM message WHERE message.account = account.id) AS messages
      FROM account WHERE id = ${account}) AS usage
    WHERE used_bytes <> bytes OR used_messages <> messages`
}

function* countsAreWrong(account: AccountId): Op<Told[]> {
  return yield* all<Told>`
    SELECT 'mailbox ' || id || ' counts ' || messages || ' messages, ' || unseen || ' unseen, ' || deleted ||
      ' deleted, ' || bytes || ' bytes; found ' || n || ', ' || u || ', ' || d || ', ' || b AS message
    FROM (SELECT mailbox.id, mailbox.messages, mailbox.unseen, mailbox.deleted, mailbox.bytes,
        COUNT(message.uid) AS n, COUNT(message.uid) FILTER (WHERE message.flags & 1 = 0) AS u,
        COUNT(message.uid) FILTER (WHERE message.flags & 8 <> 0) AS d, COALESCE(SUM(message.size), 0) AS b
      FROM mailbox LEFT JOIN message ON message.account = mailbox.account AND message.mailbox = mailbox.id
      WHERE mailbox.account = ${account}
      GROUP BY mailbox.id, mailbox.messages, mailbox.unseen, mailbox.deleted, mailbox.bytes) AS counted
    WHERE messages <> n OR bytes <> b OR ((unseen <> u OR deleted <> d) AND NOT EXISTS
      (SELECT 1 FROM flag_block WHERE flag_block.account = ${account} AND flag_block.mailbox = counted.id))
    ORDER BY id`
}

function* uidsAreWrong(account: AccountId): Op<Told[]> {
  const beyond = yield* all<Told>`
    SELECT 'uid ' || message.uid || ' in mailbox ' || mailbox.id || ' is not below uid_next ' || uid_next AS message
    FROM message JOIN mailbox ON mailbox.account = message.account AND mailbox.id = message.mailbox
    WHERE message.account = ${account} AND message.uid >= mailbox.uid_next`
  const again = yield* all<Told>`
    SELECT 'uid ' || message.uid || ' in mailbox ' || message.mailbox || ' is there and has a tombstone' AS message
    FROM tombstone JOIN message ON message.account = tombstone.account AND message.mailbox = tombstone.mailbox
      AND message.uid BETWEEN tombstone.first AND tombstone.last
    WHERE tombstone.account = ${account}`
  const unordered = yield* all<Told>`
    SELECT 'uid ' || uid || ' in mailbox ' || mailbox || ' came at modseq ' || added || ', before a lower uid' AS message
    FROM (SELECT uid, mailbox, added, LAG(added) OVER (PARTITION BY mailbox ORDER BY uid) AS earlier
      FROM message WHERE account = ${account}) AS arrivals
    WHERE earlier > added`
  return [...beyond, ...again, ...unordered]
}

function* modSeqsAreWrong(account: AccountId): Op<Told[]> {
  const messages = yield* all<Told>`
    SELECT 'uid ' || message.uid || ' in mailbox ' || mailbox.id || ' has modseq ' || message.modseq || ', added ' ||
      message.added || '; its mailbox ' || mailbox.modseq AS message
    FROM message JOIN mailbox ON mailbox.account = message.account AND mailbox.id = message.mailbox
    WHERE message.account = ${account} AND (message.modseq > mailbox.modseq OR message.added > message.modseq)`
  const mailboxes = yield* all<Told>`
    SELECT 'mailbox ' || mailbox.id || ' has modseq ' || mailbox.modseq || ', added ' || added || ', changed ' ||
      changed || '; its account ' || account.modseq AS message
    FROM mailbox JOIN account ON account.id = mailbox.account
    WHERE account.id = ${account}
      AND (mailbox.modseq > account.modseq OR added > changed OR changed > mailbox.modseq)`
  return [...messages, ...mailboxes]
}

function* emailsAreWrong(account: AccountId): Op<Told[]> {
  const refs = yield* all<Told>`
    SELECT 'email ' || id || ' has refs ' || refs || '; found ' || n || ' messages' AS message
    FROM (SELECT email.id, email.refs, COALESCE(counted.n, 0) AS n
      FROM email LEFT JOIN
        (SELECT email, COUNT(*) AS n FROM message WHERE account = ${account} GROUP BY email) AS counted
        ON counted.email = email.id
      WHERE email.account = ${account}) AS compared
    WHERE refs <> n OR n = 0 ORDER BY id`
  const lost = yield* all<Told>`
    SELECT 'uid ' || message.uid || ' in mailbox ' || message.mailbox || ' has size ' || message.size || '; email ' ||
      message.email || ' has ' || COALESCE(CAST(email.size AS TEXT), 'no row') AS message
    FROM message LEFT JOIN email ON email.account = message.account AND email.id = message.email
    WHERE message.account = ${account} AND (email.id IS NULL OR email.size <> message.size)`
  const textless = yield* all<Told>`
    SELECT 'email ' || email.id || ' of ' || email.size || ' bytes has blob ' || email.blob || ' of ' ||
      COALESCE(CAST(blob.size AS TEXT), 'no row') AS message
    FROM email LEFT JOIN blob ON blob.id = email.blob
    WHERE email.account = ${account} AND (blob.id IS NULL OR email.size <> blob.size + ${octets(sql`email.prefix`)})`
  const beyond = yield* all<Told>`
    SELECT 'email ' || email.id || ' is not below next_email ' || next_email AS message
    FROM email JOIN account ON account.id = email.account WHERE account.id = ${account} AND email.id >= next_email`
  return [...refs, ...lost, ...textless, ...beyond]
}

function* tombstonesAreWrong(account: AccountId): Op<Told[]> {
  const messages = yield* all<Told>`
    SELECT 'uids ' || first || ' to ' || last || ' of mailbox ' || mailbox || ' have a tombstone of modseq ' ||
      tombstone.modseq || ' beyond its mailbox' AS message
    FROM tombstone LEFT JOIN mailbox ON mailbox.account = tombstone.account AND mailbox.id = tombstone.mailbox
    WHERE tombstone.account = ${account}
      AND (mailbox.id IS NULL OR tombstone.modseq > mailbox.modseq OR last >= uid_next)`
  const mailboxes = yield* all<Told>`
    SELECT 'mailbox ' || mailbox || ' is there and has a tombstone' AS message
    FROM mailbox_tombstone JOIN mailbox
      ON mailbox.account = mailbox_tombstone.account AND mailbox.id = mailbox_tombstone.mailbox
    WHERE mailbox_tombstone.account = ${account}`
  return [...messages, ...mailboxes]
}

function* mailboxesAreWrong(account: AccountId): Op<Told[]> {
  const found: Told[] = []
  const rows = yield* all<{
    id: number
    name: string
    next_mailbox: number
    messages: number
    selectable: number
  }>`
    SELECT mailbox.id, name, next_mailbox, messages, selectable
    FROM mailbox JOIN account ON account.id = mailbox.account WHERE account.id = ${account} ORDER BY mailbox.id`
  const names = new Set(rows.map(({ name }) => name))
  if (rows[0]?.id !== 1 || rows[0].name !== 'INBOX') found.push({ message: 'there is no INBOX' })
  for (const { id, name, next_mailbox: next, messages, selectable } of rows) {
    const end = name.lastIndexOf('/')
    if (end > 0 && !names.has(name.slice(0, end))) found.push({ message: `mailbox ${id} lacks its superior` })
    if (id >= next) found.push({ message: `mailbox ${id} is not below next_mailbox ${next}` })
    if (selectable === 0 && messages > 0)
      found.push({ message: `mailbox ${id} has messages and is not selectable` })
  }
  return found
}

function* searchIndexIsWrong(account: AccountId): Op<Told[]> {
  const segments = yield* all<Told>`
    SELECT 'search segment ' || search_segment.id || ' over emails ' || first_email || ' to ' || last_email || ' of ' || size ||
      ' bytes has ' || COALESCE(SUM(OCTET_LENGTH(bytes)), 0) || '; its index is at ' || cursor AS message
    FROM search_segment JOIN search_state ON search_state.account = search_segment.account
      LEFT JOIN search_block ON search_block.account = search_segment.account AND segment = search_segment.id
    WHERE search_segment.account = ${account} AND state = 'ready'
    GROUP BY search_segment.id, first_email, last_email, size, cursor
    HAVING size <> COALESCE(SUM(OCTET_LENGTH(bytes)), 0) OR last_email > cursor
    ORDER BY search_segment.id`
  const overlaps = yield* all<Told>`
    SELECT 'search segment ' || id || ' starts at email ' || first_email || ', in the one before' AS message
    FROM (SELECT id, first_email, LAG(last_email) OVER (ORDER BY first_email) AS before
      FROM search_segment WHERE account = ${account} AND state = 'ready') AS ordered
    WHERE before >= first_email ORDER BY id`
  const ahead = yield* all<Told>`
    SELECT 'search index is at email ' || cursor || ', not below next_email ' || next_email AS message
    FROM search_state JOIN account ON account.id = search_state.account
    WHERE account.id = ${account} AND cursor >= next_email`
  const lost = yield* all<Told>`
    SELECT 'search blocks of segment ' || segment || ', which is not there' AS message
    FROM search_block LEFT JOIN search_segment
      ON search_segment.account = search_block.account AND search_segment.id = segment
    WHERE search_block.account = ${account} AND search_segment.id IS NULL GROUP BY segment ORDER BY segment`
  return [...segments, ...overlaps, ...ahead, ...lost]
}

/** A thread is older than what joined it, and its id was an email's. That email may be gone. */
function* threadsAreWrong(account: AccountId): Op<Told[]> {
  const chained = yield* all<Told>`
    SELECT 'email ' || email.id || ' is in thread ' || email.thread || ', whose first is in thread ' || first.thread
      AS message
    FROM email JOIN email AS first ON first.account = email.account AND first.id = email.thread
    WHERE email.account = ${account} AND email.thread IS NOT NULL AND first.thread IS NOT NULL`
  const keys = yield* all<Told>`
    SELECT 'key ' || key || ' leads to thread ' || thread_key.thread || ', which is not below next_email ' || next_email AS message
    FROM thread_key JOIN account ON account.id = thread_key.account
    WHERE thread_key.account = ${account} AND thread_key.thread >= next_email`
  const joined = yield* all<Told>`
    SELECT 'key ' || key || ' leads to email ' || thread_key.thread || ', which is in thread ' || email.thread AS message
    FROM thread_key JOIN email ON email.account = thread_key.account AND email.id = thread_key.thread
    WHERE thread_key.account = ${account} AND email.thread IS NOT NULL`
  return [...chained, ...keys, ...joined]
}

function* entriesAreWrong(account: AccountId): Op<Told[]> {
  return yield* all<Told>`
    SELECT 'mailbox ' || mailbox || ' has rights for account ' || grantee || ', which is gone' AS message
    FROM access_entry LEFT JOIN account ON account.id = access_entry.grantee
    WHERE access_entry.account = ${account} AND grantee <> 0 AND account.id IS NULL`
}

function* annotationsAreWrong(account: AccountId): Op<Told[]> {
  return yield* all<Told>`
    SELECT 'annotation ' || annotation.name || ' of mailbox ' || mailbox || ' for account ' || viewer ||
      ' lacks one of them' AS message
    FROM annotation LEFT JOIN account ON account.id = viewer
      LEFT JOIN mailbox ON mailbox.account = annotation.account AND mailbox.id = annotation.mailbox
    WHERE annotation.account = ${account}
      AND ((annotation.mailbox <> 0 AND mailbox.id IS NULL) OR (viewer <> 0 AND account.id IS NULL)
        OR (viewer = 0) <> (SUBSTR(annotation.name, 1, 8) = '/shared/'))`
}

function* newsIsWrong(account: AccountId): Op<Told[]> {
  return yield* all<Told>`
    SELECT 'news of mailbox ' || news.mailbox || ' have modseq ' || news.modseq || ', beyond the account or without it'
      AS message
    FROM news JOIN account ON account.id = news.account
      LEFT JOIN mailbox ON mailbox.account = news.account AND mailbox.id = news.mailbox
    WHERE news.account = ${account}
      AND (news.modseq > account.modseq OR (news.mailbox <> 0 AND mailbox.id IS NULL))`
}

function* objectsAreWrong(account: AccountId): Op<Told[]> {
  return yield* all<Told>`
    SELECT 'kind ' || object_kind.kind || ' has an object ' || had.id || ' of modseq ' || had.modseq AS message
    FROM object_kind JOIN account ON account.id = object_kind.account
      JOIN (SELECT account, kind, id, modseq FROM object
        UNION ALL SELECT account, kind, id, modseq FROM object_tombstone) AS had
        ON had.account = object_kind.account AND had.kind = object_kind.kind
    WHERE object_kind.account = ${account}
      AND (had.modseq > object_kind.modseq OR object_kind.modseq > account.modseq OR had.id >= account.next_object)`
}

function* departuresAreWrong(account: AccountId): Op<Told[]> {
  const early = yield* all<Told>`
    SELECT 'uid ' || departure.uid || ' left mailbox ' || departure.mailbox || ' at modseq ' || departure.modseq ||
      ', shown since ' || departure.shown || '; its account ' || account.modseq AS message
    FROM departure JOIN account ON account.id = departure.account
    WHERE account.id = ${account} AND (departure.modseq > account.modseq OR departure.shown > departure.modseq)`
  const shown = yield* all<Told>`
    SELECT 'uid ' || uid || ' in mailbox ' || mailbox || ' came at modseq ' || added || ', shown since ' || shown AS message
    FROM message WHERE account = ${account} AND shown < added`
  return [...early, ...shown]
}

/** Length of a text in octets of UTF-8. PostgreSQL's has U+E000 before what it cannot hold (`postgres/driver.ts`). */
function octets(text: Fragment): Fragment {
  return dialect({
    sqlite: sql`OCTET_LENGTH(${text})`,
    pg: sql`OCTET_LENGTH(REPLACE(${text}, '\ue000', ''))`,
  })
}

/** Blobs against the emails, the unfinished messages of the queue and the uploads that name them. Row by row state of the whole store, so in one read. */
export function* auditBlobs(): Op<AuditFinding[]> {
  const rows = yield* all<Told>`
    SELECT 'blob ' || id || ' has refs ' || refs || '; found ' || n || ' that name it' AS message
    FROM (SELECT blob.id, blob.refs, COALESCE(counted.n, 0) AS n
      FROM blob LEFT JOIN (SELECT blob, COUNT(*) AS n FROM
          (SELECT blob FROM email UNION ALL SELECT blob FROM queue_message WHERE finished_at IS NULL
            UNION ALL SELECT blob FROM upload) AS naming
        GROUP BY blob) AS counted ON counted.blob = blob.id
      ) AS compared
    WHERE refs <> n ORDER BY id`
  const sizes = yield* all<Told>`
    SELECT 'blob ' || id || ' says ' || size || ' bytes; found ' || OCTET_LENGTH(data) AS message
    FROM blob WHERE data IS NOT NULL AND OCTET_LENGTH(data) <> size ORDER BY id`
  return [...rows, ...sizes].map(({ message }) => ({ check: 'blob', account: null, message }))
}

/** Up to `limit` blobs with files after `after`, for the comparison with what is on the disk. */
export function* blobKeys(request: {
  after: number
  limit: number
}): Op<{ id: number; key: string; size: number }[]> {
  return yield* all<{ id: number; key: string; size: number }>`
    SELECT id, key, size FROM blob WHERE id > ${request.after} AND key IS NOT NULL ORDER BY id LIMIT ${request.limit}`
}

/** Those of the keys that a blob has. */
export function* knownKeys(keys: readonly string[]): Op<string[]> {
  const asked = JSON.stringify(keys)
  const listed = dialect({
    sqlite: sql`(SELECT value FROM json_each(${asked}))`,
    pg: sql`(SELECT value FROM json_array_elements_text(${asked}::json))`,
  })
  const rows = yield* all<{
    key: string
  }>`SELECT key FROM blob WHERE key IN (SELECT value FROM ${listed} AS listed)`
  return rows.map(({ key }) => key)
}
