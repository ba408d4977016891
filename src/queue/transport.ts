// What the queue needs of whoever carries mail away, without knowing how: the relay (`src/delivery`), a simulated one, or
// one that holds everything.
//
// The queue decides what is tried when; the transport decides how, and tells exactly what became of each recipient.
// A lane is one worker on one destination: a connection that is opened for the first job and kept for the next ones.
import type { Attempt, QueueMessage, QueueRecipient, RecipientOutcome } from '../store/queue.ts'

/** Recipients with the same key share connections, limits and back-off. */
export interface Destination {
  /** For example `mx example.org`, `host smart.example:587`. */
  readonly key: string
  /** The name of the route that led here, for people. */
  readonly route: string
  /** Lanes at once, at most; the queue starts with fewer and learns. */
  readonly maxConnections: number
  /** Recipients of one message in one transaction, at most. */
  readonly maxRecipients: number
}

/** One message for some recipients of one destination. */
export interface Job {
  readonly message: QueueMessage
  readonly recipients: readonly QueueRecipient[]
}

/** What became of one recipient of a job. */
export type RecipientResult =
  /** `relayed`: the next host took over the duty to report (RFC 3461 §5.2); `delivered`: it did not, or it was final. */
  | {
      readonly type: 'done'
      readonly outcome: Extract<RecipientOutcome, 'delivered' | 'relayed' | 'discarded'>
      readonly attempt: Attempt
      /** RFC 2852 §4.1.4: the sender is to hear that it was passed on, whether he asked for reports of success or not. */
      readonly owes?: 'relayed-report'
    }
  /** Not now. `recipient`, `message`, or `destination`: what the reason concerns, so that others need not try. */
  | {
      readonly type: 'deferred'
      readonly scope: 'recipient' | 'message' | 'destination'
      readonly attempt: Attempt
    }
  | { readonly type: 'failed'; readonly attempt: Attempt }
  /** The connection broke between the final dot and its reply (RFC 1047): it may have been delivered. */
  | { readonly type: 'unknown'; readonly attempt: Attempt }
  | { readonly type: 'held'; readonly reason: string }
  /** Given back: nothing was said about it to anyone. */
  | { readonly type: 'untried' }

/** Where a lane gets its work. */
export interface JobSource {
  /** The next job; null ends the lane. Waits for work as long as a warm connection is worth keeping. A lane may take the next
   * job before it has reported the last one. */
  next(): Promise<Job | null>
  /** Each job exactly once; results in the order of its recipients. */
  report(job: Job, results: readonly RecipientResult[]): void
}

export interface Transport {
  /** Where this recipient's mail goes, by the routes of the configuration; the same recipient may go elsewhere after a change of it. */
  destinationOf(recipient: QueueRecipient, message: QueueMessage): Destination
  /** Works until the source is empty, the connection is lost or `signal` aborts. Every job taken is reported. Rejects for bugs alone. */
  run(lane: {
    readonly destination: Destination
    readonly jobs: JobSource
    readonly signal: AbortSignal
  }): Promise<void>
}
