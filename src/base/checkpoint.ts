// Named places on a message's way from DATA to its 250, and on its way out of the queue, so that a test can stop the process at
// each of them. `test/crash` goes through the list: a name that the program never reaches fails there, and a new one is covered
// by being listed.
//
// Nothing is told where nobody asked: every taker has the function as an optional argument, and the places in the store
// are wrapped around it only then.

/** In the order in which a message meets them: one that is written to a file, goes elsewhere, and comes back as a report. */
export const checkpointNames = [
  'smtp.data-accepted',
  'smtp.content',
  'blob.folder-made',
  'blob.created',
  'blob.written',
  'blob.synced',
  'blob.folder-synced',
  'blob.closed',
  'smtp.staged',
  'delivery.hand-over',
  'writer.received',
  'writer.before-begin',
  'writer.statement',
  'writer.before-commit',
  'writer.after-commit',
  'writer.answered',
  'delivery.committed',
  'smtp.before-reply',
  'queue.recovered',
  'queue.claimed',
  'queue.tried',
  'queue.settling',
  'queue.settled',
  'report.begun',
  'report.staged',
  'report.hand-over',
  'report.committed',
  'report.sent',
] as const

export type CheckpointName = (typeof checkpointNames)[number]

/** Called synchronously each time the place is reached, in the thread that reached it. */
export type Checkpoint = (name: CheckpointName) => void

/** What a checkpoint module exports: functions cannot be handed to a thread, so each thread imports the module. */
export interface CheckpointModule {
  readonly checkpoint: Checkpoint
}
