// The way in for every message: one delivery for all protocols, with what the queue needs to know of a message when it comes. It
// stands on the store alone, so that a command without a server queues mail as well.
import type { Checkpoint } from '../base/checkpoint.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Config } from '../config/schema.ts'
import { type BounceReader, createBounceReader } from '../delivery/bounces.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { QueueGauge } from '../delivery/queue-gauge.ts'
import { createStoreDelivery } from '../delivery/store-delivery.ts'
import { withSubmissionReports } from '../delivery/submission-reports.ts'
import { Submitter } from '../delivery/submitter.ts'
import { VacationResponder } from '../delivery/vacation.ts'
import type { Directory } from '../directory/directory.ts'
import type { Events } from '../events/event.ts'
import type { Policy } from '../hooks/policy.ts'
import { Express } from '../queue/express.ts'
import { FairTurns } from '../queue/fairness.ts'
import { createReturnPaths, type ReturnPaths } from '../queue/return-paths.ts'
import { ingest } from '../store/ingest.ts'
import type { Store } from '../store/store.ts'

export interface WayInParts {
  readonly config: Config
  readonly store: Store
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** Of this installation: what protects return paths against forging. */
  readonly secret: Uint8Array
  readonly checkpoint: Checkpoint | undefined
  /** Hooks, milters and HTTP hooks; null where nobody is asked. */
  readonly policy: Policy | null
  /** What stands around the delivery: a catcher; absent: nothing. */
  readonly around?: ((delivery: Delivery) => Delivery) | null
}

export interface WayIn {
  readonly delivery: Delivery
  readonly submitter: Submitter
  readonly vacation: VacationResponder
  readonly bounces: BounceReader
  readonly returnPaths: ReturnPaths
  /** Shared with the queue of this process. */
  readonly turns: FairTurns
  readonly express: Express
  /** Whether what becomes of mail is kept for webhooks. */
  readonly webhooks: 'on' | 'off'
}

export function createWayIn(parts: WayInParts): WayIn {
  const { config, store, directory, clock, random, events, secret, checkpoint } = parts
  const { retry, reports, returnPath } = config.queue
  const key = { secret, hashLength: returnPath.hashLength }
  const { separator } = returnPath
  const returnPaths = createReturnPaths({ clock, key, srsMaxAge: returnPath.srsMaxAge, separator })
  const webhooks = config.webhooks.length > 0 ? 'on' : 'off'
  const bounces = createBounceReader({ store, events, rules: config.queue.bounces, returnPaths, webhooks })
  const turns = new FairTurns()
  const express = new Express()
  const { around = null } = parts
  const vacation = new VacationResponder({
    ...{ store, blobs: store.blobs, directory, clock, random, events, hostname: config.hostname },
  })
  const filing = createStoreDelivery({
    ...{ store, events, bounces, webhooks, checkpoint },
    limits: {
      maxReceived: config.smtp.maxReceived,
      // A catcher is one recipient of all mail, however automatic.
      automaticPerHour: around === null ? config.queue.automaticPerHour : 0,
    },
    relays: config.relay.enabled ? 'on' : 'off',
    queue: {
      policy: {
        expireAfter: retry.expireAfter,
        delayAfter: reports.delayAfter,
        ...{ srs: returnPath.srs, separator, key },
      },
      turns,
      express,
      gauge: new QueueGauge({ store, clock, limit: config.queue.maxMessages }),
    },
  })
  // A catcher answers nobody.
  const reporting = { store, blobs: store.blobs, events, maxSize: config.queue.bounces.maxSize }
  const delivery =
    around === null ? withSubmissionReports(vacation.around(filing), reporting) : around(filing)
  const submitter = new Submitter({
    ...{ directory, delivery, clock, random, store, events, policy: parts.policy },
    readStaged: (blob, range) => store.blobs.readStaged(blob, range),
    stage: () => ingest({ blobs: store.blobs, limits: config.mime }),
    hostname: config.hostname,
    maxMessageSize: config.maxMessageSize,
    maxHeaderSize: config.submission.maxHeaderSize,
  })
  vacation.answerBy(submitter)
  return { delivery, submitter, vacation, bounces, returnPaths, turns, express, webhooks }
}
