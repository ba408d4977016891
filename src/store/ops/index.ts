// Every operation of the store, by name. Reads may run on a read-only connection and beside the writer; writes are
// serialised (SQLite) or lock the account's row (PostgreSQL). An engine runs them; `client.ts` makes the contract of them.
import { auditQueue } from '../audit-queue.ts'
import * as audit from '../audit.ts'
import { copy, move } from './copy.ts'
import { append } from './append.ts'
import { deliver, dropOrphanBlobs } from './deliver.ts'
import * as directory from './directory.ts'
import { fileDeliveries } from './file-deliveries.ts'
import { addEmail } from './email-add.ts'
import { changeEmails, destroyEmails } from './email-changes.ts'
import { changeMailbox, destroyMailbox, makeMailbox } from './mailbox-changes.ts'
import { expunge } from './expunge.ts'
import { guarded } from './guarded.ts'
import { changesSince, forgetTombstones } from './feed.ts'
import { setFlags } from './flags.ts'
import { keywordsIn } from './keywords.ts'
import { acquireLease, releaseLease } from './leases.ts'
import * as mailboxes from './mailboxes.ts'
import * as admin from './queue-admin.ts'
import { dropReports, settle } from './queue-settle.ts'
import { cancelSubmission } from './queue-cancel.ts'
import * as work from './queue-work.ts'
import * as remembered from './remembered.ts'
import * as search from './search-index.ts'
import * as objects from './objects.ts'
import { departuresSince } from './departures.ts'
import { datedMailboxes, emailTextBatch, mailboxNewsSince, placeBatch } from './emails.ts'
import * as annotated from './annotations.ts'
import * as sharing from './sharing.ts'
import { findUrlKey, makeUrlKey, resetUrlKey } from './url-keys.ts'
import { forgetThreadKeys } from './threads.ts'
import * as uploads from './uploads.ts'
import * as view from './view.ts'

const {
  listDomains,
  hasDomain,
  listAccounts,
  oldestAccount,
  getAccount,
  credentialsOf,
  listAliases,
  findAddress,
  findLocalPart,
} = directory
const { addDomain, removeDomain, addAccount, updateAccount, removeAccount, setAlias, removeAlias } = directory
const { installationSecret, findInstallationSecret } = directory
const { listMailboxes, getMailbox, findMailbox, subscriptions } = mailboxes
const { createMailbox, removeMailbox, renameMailbox, setSpecialUse, setSubscription, claimRecent } = mailboxes
const { openMailbox, loadView, messageBatch, messageTextBatch, structureBatch, locateBlob } = view
const { loadEmails, loadSizes, deletedBytes, loadModSeqs, vanishedSince } = view
const { accessList, setAccess, rightsIn, sharingAccounts, sharedMailboxes } = sharing
const { annotations, annotationBytes, setAnnotations } = annotated
const { addUpload, copyUpload, findUpload, expireUploads } = uploads
const { accountsWithObjects } = objects
const { listObjects, getObjects, findObject, objectsSince, changeObjects, expireObjects } = objects
const { auditAccounts, auditAccount, auditBlobs, blobKeys, knownKeys } = audit
const { queueDomains, nextDue, claimDue, beginAttempts, renewLeases, recoverLeases, queueOverdue } = work
const { queueList, queueEntry, findQueued, findSent, reportsDue, queueShape, queueTotals } = admin
const { changeQueued, purgeQueue } = admin
const { findSuppressed, listSuppressions, recall, recallAll, hookEvents, hookCursors } = remembered
const { suppress, unsuppress, chargeRate, remember, claimHookCursor, setHookCursor } = remembered
const { pruneHookEvents, pruneExpired } = remembered
const { accountsToIndex, searchProgress, emailsToIndex, emailsBetween, searchSegments, searchBlocks } = search
const { beginSegment, putSearchBlocks, saveSegment, skipIndexing, sweepSearchIndex, dropSearchIndex } = search

export const reads = {
  accountsToIndex,
  searchProgress,
  emailsToIndex,
  emailsBetween,
  searchSegments,
  searchBlocks,
  findInstallationSecret,
  listDomains,
  hasDomain,
  listAccounts,
  oldestAccount,
  getAccount,
  credentialsOf,
  listAliases,
  findAddress,
  findLocalPart,
  listMailboxes,
  getMailbox,
  findMailbox,
  subscriptions,
  openMailbox,
  loadView,
  messageBatch,
  messageTextBatch,
  structureBatch,
  locateBlob,
  loadEmails,
  deletedBytes,
  loadModSeqs,
  loadSizes,
  vanishedSince,
  findUrlKey,
  accessList,
  rightsIn,
  sharingAccounts,
  sharedMailboxes,
  annotations,
  annotationBytes,
  accountsWithObjects,
  listObjects,
  getObjects,
  findObject,
  objectsSince,
  findUpload,
  placeBatch,
  emailTextBatch,
  departuresSince,
  datedMailboxes,
  mailboxNewsSince,
  keywordsIn,
  changesSince,
  auditAccounts,
  auditAccount,
  auditBlobs,
  blobKeys,
  knownKeys,
  auditQueue,
  queueDomains,
  nextDue,
  queueOverdue,
  reportsDue,
  queueList,
  queueEntry,
  findQueued,
  findSent,
  queueShape,
  queueTotals,
  findSuppressed,
  listSuppressions,
  recall,
  recallAll,
  hookEvents,
  hookCursors,
}

/** Those of the queue, what belongs to it, and the full-text index: none changes an account, a domain or an address. */
export const queueWrites = {
  claimDue,
  beginAttempts,
  renewLeases,
  recoverLeases,
  settle,
  dropReports,
  changeQueued,
  purgeQueue,
  suppress,
  unsuppress,
  chargeRate,
  remember,
  claimHookCursor,
  setHookCursor,
  pruneHookEvents,
  pruneExpired,
  beginSegment,
  putSearchBlocks,
  saveSegment,
  skipIndexing,
  sweepSearchIndex,
  dropSearchIndex,
}

export const writes = {
  guarded,
  addEmail,
  changeEmails,
  destroyEmails,
  makeMailbox,
  changeMailbox,
  destroyMailbox,
  cancelSubmission,
  addDomain,
  removeDomain,
  addAccount,
  updateAccount,
  removeAccount,
  setAlias,
  removeAlias,
  installationSecret,
  deliver,
  fileDeliveries,
  append,
  createMailbox,
  removeMailbox,
  renameMailbox,
  setSpecialUse,
  setSubscription,
  claimRecent,
  setFlags,
  expunge,
  copy,
  move,
  makeUrlKey,
  resetUrlKey,
  setAccess,
  setAnnotations,
  changeObjects,
  expireObjects,
  addUpload,
  copyUpload,
  expireUploads,
  acquireLease,
  releaseLease,
  dropOrphanBlobs,
  forgetTombstones,
  forgetThreadKeys,
  ...queueWrites,
}

export type Reads = typeof reads
export type Writes = typeof writes
