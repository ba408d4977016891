// The store's contract made of its operations: what both engines share above the running of them. An engine brings an
// `Executor`; this turns packed results into those of the contract and cuts long readings into batches.
import { flagRows, type Told } from './changes.ts'
import type { AnnotationStore } from './annotations.ts'
import { emailStore } from './email-client.ts'
import type { EmailChangeStore } from './email-changes.ts'
import type { MailboxChangeStore } from './mailbox-changes.ts'
import type { EmailStore } from './emails.ts'
import { AccountMoved, type AccountPoint, type GuardedWrites, type GuardStore } from './guarded.ts'
import type { StoreLimits } from './limits.ts'
import type { Message, MessageText, ModSeq, Uid } from './model.ts'
import type { ObjectStore } from './objects.ts'
import type { OpResult } from './op.ts'
import type { Guardable } from './ops/guarded.ts'
import type { Reads, Writes } from './ops/index.ts'
import { queueStore } from './queue-client.ts'
import { searchIndexStore } from './search-client.ts'
import type { SearchIndexStore } from './search-index.ts'
import type { QueueStore } from './queue.ts'
import type { SharingStore } from './sharing.ts'
import type { SubmissionStore } from './submissions.ts'
import type { UploadStore } from './uploads.ts'
import type { DirectoryStore, LeaseStore, MailStore, UidSelection } from './store.ts'

/** Runs operations by name. Rejects with `StoreUnavailable` where the engine could not. */
export interface Executor {
  read<K extends keyof Reads>(name: K, ...parameters: Parameters<Reads[K]>): Promise<OpResult<Reads[K]>>
  /** Resolves after the commit, and after its changes were published. */
  write<K extends keyof Writes>(name: K, ...parameters: Parameters<Writes[K]>): Promise<OpResult<Writes[K]>>
  /** Lets others have a turn between two batches of a long reading, where reads don't wait by themselves. */
  breathe?(): Promise<void>
}

/** What an engine publishes after a commit. */
export type Publication = readonly Told[]

/** All of the contract that is operations. */
export type OperationStore = DirectoryStore &
  Omit<MailStore, 'subscribe' | 'subscribeBatched'> &
  SharingStore &
  AnnotationStore &
  ObjectStore &
  UploadStore &
  EmailStore &
  EmailChangeStore &
  MailboxChangeStore &
  SubmissionStore &
  GuardStore &
  Omit<SearchIndexStore, 'onMail'> &
  LeaseStore &
  Omit<QueueStore, 'onQueued'>

export function operationStore(executor: Executor, limits: StoreLimits): OperationStore {
  return {
    ...directoryStore(executor),
    ...mailboxStore(executor, limits),
    ...messageStore(executor, limits),
    ...lookUpStore(executor, limits),
    ...queueStore(executor),
    ...searchIndexStore(executor),
    ...sharingStore(executor, limits),
    ...objectStore(executor, limits),
    ...uploadStore(executor),
    ...emailStore(executor),
    ...mailChangeStore(executor, limits),
    guarded: (points, done) => guardedStore(executor, limits, { points, done }),
    acquireLease: (request) => executor.write('acquireLease', request),
    releaseLease: (request) => executor.write('releaseLease', request),
  }
}

function sharingStore(executor: Executor, limits: StoreLimits): SharingStore & AnnotationStore {
  return {
    accessList: (request) => executor.read('accessList', request),
    setAccess: (request) => executor.write('setAccess', request, limits),
    rightsIn: (request) => executor.read('rightsIn', request),
    sharingAccounts: (viewer) => executor.read('sharingAccounts', viewer),
    sharedMailboxes: (request) => executor.read('sharedMailboxes', request),
    annotations: (request) => executor.read('annotations', request),
    annotationBytes: (account) => executor.read('annotationBytes', account),
    setAnnotations: (request) => executor.write('setAnnotations', request, limits),
  }
}

function objectStore(executor: Executor, limits: StoreLimits): ObjectStore {
  return {
    accountsWithObjects: (kind) => executor.read('accountsWithObjects', kind),
    listObjects: (request) => executor.read('listObjects', request),
    getObjects: (request) => executor.read('getObjects', request),
    findObject: (request) => executor.read('findObject', request),
    changeObjects: (request) => executor.write('changeObjects', request, limits),
    objectsSince: (request) => executor.read('objectsSince', request),
  }
}

function mailChangeStore(
  executor: Executor,
  limits: StoreLimits,
): EmailChangeStore & MailboxChangeStore & SubmissionStore {
  return {
    cancelSubmission: (request) => executor.write('cancelSubmission', request, limits),
    makeMailbox: (request) => executor.write('makeMailbox', request, limits),
    changeMailbox: (request) => executor.write('changeMailbox', request, limits),
    destroyMailbox: (request) => executor.write('destroyMailbox', request, limits),
    changeEmails: (request) => executor.write('changeEmails', request, limits),
    destroyEmails: (request) => executor.write('destroyEmails', request),
    addEmail: (request) => executor.write('addEmail', request, limits),
  }
}

function guardedStore(
  executor: Executor,
  limits: StoreLimits,
  { points, done }: { points: readonly AccountPoint[]; done: (modSeq: ModSeq) => void },
): GuardedWrites {
  const write = async <K extends keyof Guardable>(
    name: K,
    request: Parameters<Guardable[K]>[0],
  ): Promise<OpResult<Guardable[K]>> => {
    const answer = await executor.write('guarded', { points, name, request }, limits)
    if (answer.moved) throw new AccountMoved('the account has changed meanwhile')
    done(answer.modSeq)
    // What the operation of this name gives.
    return answer.result as OpResult<Guardable[K]>
  }
  return {
    addEmail: (request) => write('addEmail', request),
    changeEmails: (request) => write('changeEmails', request),
    destroyEmails: (request) => write('destroyEmails', request),
    makeMailbox: (request) => write('makeMailbox', request),
    changeMailbox: (request) => write('changeMailbox', request),
    destroyMailbox: (request) => write('destroyMailbox', request),
    changeObjects: (request) => write('changeObjects', request),
    cancelSubmission: (request) => write('cancelSubmission', request),
  }
}

function uploadStore(executor: Executor): UploadStore {
  return {
    addUpload: (request) => executor.write('addUpload', request),
    copyUpload: (request) => executor.write('copyUpload', request),
    findUpload: (request) => executor.read('findUpload', request),
  }
}

function directoryStore(executor: Executor): DirectoryStore {
  return {
    addDomain: (request) => executor.write('addDomain', request),
    listDomains: () => executor.read('listDomains'),
    removeDomain: (name) => executor.write('removeDomain', name),
    hasDomain: (name) => executor.read('hasDomain', name),
    addAccount: (request) => executor.write('addAccount', request),
    listAccounts: (request = {}) => executor.read('listAccounts', request),
    oldestAccount: () => executor.read('oldestAccount'),
    getAccount: (id) => executor.read('getAccount', id),
    updateAccount: (request) => executor.write('updateAccount', request),
    removeAccount: (id) => executor.write('removeAccount', id),
    credentialsOf: (address) => executor.read('credentialsOf', address),
    setAlias: (request) => executor.write('setAlias', request),
    listAliases: (request = {}) => executor.read('listAliases', request),
    removeAlias: (address) => executor.write('removeAlias', address),
    // Read first: only the very first start of an installation has anything to write.
    installationSecret: async (proposed) =>
      (await executor.read('findInstallationSecret')) ?? executor.write('installationSecret', proposed),
    findAddress: (address) => executor.read('findAddress', address),
    locateAddress: (address) => executor.read('findAddress', address),
    findLocalPart: (request) => executor.read('findLocalPart', request),
  }
}

type MailboxMethods =
  | 'listMailboxes'
  | 'getMailbox'
  | 'findMailbox'
  | 'locateMailbox'
  | 'createMailbox'
  | 'removeMailbox'
  | 'renameMailbox'
  | 'setSpecialUse'
  | 'subscriptions'
  | 'setSubscription'
  | 'openMailbox'

function mailboxStore(executor: Executor, limits: StoreLimits): Pick<MailStore, MailboxMethods> {
  /** Claims at work, by account and mailbox. */
  const claims = new Map<string, Promise<unknown>>()
  return {
    listMailboxes: (account) => executor.read('listMailboxes', account),
    getMailbox: (request) => executor.read('getMailbox', request),
    findMailbox: (request) => executor.read('findMailbox', request),
    locateMailbox: (request) => executor.read('findMailbox', request),
    createMailbox: (request) => executor.write('createMailbox', request, limits),
    removeMailbox: (request) => executor.write('removeMailbox', request),
    renameMailbox: (request) => executor.write('renameMailbox', request, limits),
    setSpecialUse: (request) => executor.write('setSpecialUse', request),
    subscriptions: (account) => executor.read('subscriptions', account),
    setSubscription: (request) => executor.write('setSubscription', request),
    async openMailbox({ account, mailbox, claimRecent }) {
      const key = `${account}/${mailbox}`
      for (;;) {
        const open = await executor.read('openMailbox', { account, mailbox })
        // Nothing new to claim: no write for a SELECT.
        if (!open || !claimRecent || open.recentFrom === open.mailbox.uidNext) return open
        // A message is told to many sessions at once: one of them writes, and the others find nothing left to claim.
        const before = claims.get(key)
        if (before !== undefined) {
          await before.catch(() => undefined)
          continue
        }
        const claim = executor.write('claimRecent', { account, mailbox }).finally(() => claims.delete(key))
        claims.set(key, claim)
        return await claim
      }
    },
  }
}

type MessageMethods = Omit<MailStore, 'subscribe' | 'subscribeBatched' | MailboxMethods | LookUpMethods>

function messageStore(executor: Executor, limits: StoreLimits): MessageMethods {
  const breathe = async (): Promise<void> => executor.breathe?.()
  const rows = limits.batchRows
  return {
    deliver: (request) => executor.write('deliver', request, limits),
    append: (request) => executor.write('append', request, limits),
    loadView: (request) => executor.read('loadView', request),
    messages: (request) =>
      batches<Message>({
        uids: request.uids,
        rows,
        breathe,
        load: (uids, limit) => executor.read('messageBatch', { ...request, uids, limit }),
        uidOf: ({ uid }) => uid,
        weigh: () => 1,
      }),
    messageTexts: (request) =>
      batches<MessageText>({
        uids: request.uids,
        rows: request.data === true ? Math.min(rows, rowsWithData) : rows,
        breathe,
        load: (uids, limit) => executor.read('messageTextBatch', { ...request, uids, limit }),
        uidOf: ({ uid }) => uid,
        weigh: ({ structure, prefix, data }) => structure.length + prefix.length + (data?.length ?? 0),
      }),
    structures: (request) =>
      batches<readonly [Uid, string]>({
        uids: request.uids,
        rows,
        breathe,
        load: (uids, limit) => executor.read('structureBatch', { ...request, uids, limit }),
        uidOf: ([uid]) => uid,
        weigh: ([, structure]) => structure.length,
      }),
    async setFlags(request) {
      const set = await executor.write('setFlags', request, limits)
      if (!set.ok) return set
      const { columns, modSeq, refused } = set
      // Objects only for who wants them.
      return {
        ok: true,
        columns,
        modSeq,
        refused,
        get changed() {
          return flagRows(columns, modSeq)
        },
      }
    },
    expunge: (request) => executor.write('expunge', request),
    copy: (request) => executor.write('copy', request, limits),
    move: (request) => executor.write('move', request, limits),
  }
}

type LookUpMethods =
  | 'loadEmails'
  | 'keywordsIn'
  | 'deletedBytes'
  | 'loadModSeqs'
  | 'loadSizes'
  | 'vanishedSince'
  | 'urlKey'
  | 'resetUrlKey'
  | 'changesSince'

function lookUpStore(executor: Executor, limits: StoreLimits): Pick<MailStore, LookUpMethods> {
  return {
    loadEmails: (request) => executor.read('loadEmails', request),
    keywordsIn: (request) => executor.read('keywordsIn', request, limits),
    deletedBytes: (request) => executor.read('deletedBytes', request),
    loadSizes: (request) => executor.read('loadSizes', request),
    loadModSeqs: (request) => executor.read('loadModSeqs', request),
    vanishedSince: (request) => executor.read('vanishedSince', request),
    // Read first: a key is made once.
    urlKey: async (request) =>
      (await executor.read('findUrlKey', request)) ?? executor.write('makeUrlKey', request),
    resetUrlKey: (request) => executor.write('resetUrlKey', request),
    changesSince: (request) => executor.read('changesSince', request),
  }
}

/** Keys of threads looked through in one write. */
const keysAtOnce = 1_000

/**
 * Drops tombstones that are old enough, and, of the accounts that had some, the keys of threads whose emails are all gone: so a
 * reply finds its thread for as long after the last message went. How many tombstones were dropped.
 */
export async function forget(executor: Executor, request: { now: number; before: number }): Promise<number> {
  const { dropped, accounts } = await executor.write('forgetTombstones', request)
  for (const account of accounts) {
    for (let after: number | null = -1; after !== null;) {
      after = await executor.write('forgetThreadKeys', { account, after, limit: keysAtOnce })
    }
  }
  return dropped
}

/** Rows of one batch at most where the octets of small messages come along. */
const rowsWithData = 100
/** Text in one batch that is enough; when one holds more, the next ones have fewer rows. */
const batchCharacters = 1_000_000
const firstTextRows = 50

interface Batches<Row> {
  readonly uids: UidSelection
  readonly rows: number
  readonly breathe: () => Promise<void>
  readonly load: (uids: UidSelection, limit: number) => Promise<Row[]>
  readonly uidOf: (row: Row) => number
  readonly weigh: (row: Row) => number
}

/** Reads a selection piece by piece, as large as the rows allow. */
async function* batches<Row>(options: Batches<Row>): AsyncGenerator<Row[]> {
  let limit = Math.min(options.rows, firstTextRows)
  let rest: UidSelection = options.uids
  while (rest.length > 0) {
    const { piece, after } = nextPiece(rest, limit)
    const rows = await options.load(piece, limit)
    const last = rows.at(-1)
    const [only] = piece
    const more =
      piece.length === 1 &&
      only &&
      last !== undefined &&
      rows.length >= limit &&
      options.uidOf(last) < only[1]
    rest = more ? [[options.uidOf(last) + 1, only[1]], ...after] : after
    if (rows.length > 0) yield rows
    if (rest.length > 0) await options.breathe()
    let weight = 0
    for (const row of rows) weight += options.weigh(row)
    if (weight > batchCharacters) limit = Math.max(1, Math.floor(limit / 4))
    else if (weight < batchCharacters / 4) limit = Math.min(options.rows, limit * 2)
  }
}

/** Ranges from the front that span no more than `limit` UIDs together, or the first one alone. */
function nextPiece(uids: UidSelection, limit: number): { piece: UidSelection; after: UidSelection } {
  let span = 0
  let taken = 0
  for (const [first, last] of uids) {
    span += last - first + 1
    if (span > limit) break
    taken++
  }
  const cut = Math.max(1, taken)
  return { piece: uids.slice(0, cut), after: uids.slice(cut) }
}
