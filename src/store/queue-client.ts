// The queue's part of the contract made of its operations: see `client.ts`.
import type { Executor } from './client.ts'
import type { QueueStore } from './queue.ts'

export function queueStore(executor: Executor): Omit<QueueStore, 'onQueued'> {
  return {
    ...work(executor),
    ...administration(executor),
    ...besides(executor),
  }
}

type Work =
  | 'queueDomains'
  | 'nextDue'
  | 'claimDue'
  | 'beginAttempts'
  | 'renewLeases'
  | 'recoverLeases'
  | 'settle'
  | 'queueOverdue'
  | 'reportsDue'
  | 'dropReports'

function work(executor: Executor): Pick<QueueStore, Work> {
  return {
    queueDomains: (request) => executor.read('queueDomains', request),
    nextDue: (request) => executor.read('nextDue', request),
    claimDue: (request) => executor.write('claimDue', request),
    beginAttempts: (request) => executor.write('beginAttempts', request),
    renewLeases: (request) => executor.write('renewLeases', request),
    recoverLeases: (request) => executor.write('recoverLeases', request),
    settle: (request) => executor.write('settle', request),
    queueOverdue: (request) => executor.read('queueOverdue', request),
    reportsDue: (request) => executor.read('reportsDue', request),
    dropReports: (request) => executor.write('dropReports', request),
  }
}

type Administration =
  | 'queueList'
  | 'queueEntry'
  | 'findQueued'
  | 'findSent'
  | 'queueShape'
  | 'queueTotals'
  | 'changeQueued'
  | 'purgeQueue'

function administration(executor: Executor): Pick<QueueStore, Administration> {
  return {
    queueList: (request) => executor.read('queueList', request),
    queueEntry: (id) => executor.read('queueEntry', id),
    findQueued: (name) => executor.read('findQueued', name),
    findSent: (request) => executor.read('findSent', request),
    queueShape: (request) => executor.read('queueShape', request),
    queueTotals: () => executor.read('queueTotals'),
    changeQueued: (request) => executor.write('changeQueued', request),
    purgeQueue: (request) => executor.write('purgeQueue', request),
  }
}

function besides(executor: Executor): Omit<QueueStore, 'onQueued' | Work | Administration> {
  return {
    suppress: (entry) => executor.write('suppress', entry),
    unsuppress: (address) => executor.write('unsuppress', address),
    findSuppressed: (request) => executor.read('findSuppressed', request),
    listSuppressions: (request) => executor.read('listSuppressions', request),
    chargeRate: (request) => executor.write('chargeRate', request),
    remember: (request) => executor.write('remember', request),
    recall: (request) => executor.read('recall', request),
    recallAll: (request) => executor.read('recallAll', request),
    hookEvents: (request) => executor.read('hookEvents', request),
    hookCursors: () => executor.read('hookCursors'),
    claimHookCursor: (request) => executor.write('claimHookCursor', request),
    setHookCursor: (cursor) => executor.write('setHookCursor', cursor),
    pruneHookEvents: (upTo) => executor.write('pruneHookEvents', upTo),
  }
}
