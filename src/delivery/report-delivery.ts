// Sends the queue's reports: to the mailbox, the other host, or the list's owner that a return path leads to.
import type { Events } from '../events/event.ts'
import { reportDropped } from '../events/queue.ts'
import type { Directory, Resolution } from '../directory/directory.ts'
import { type Address, formatAddress, tryAddress } from '../mail/address.ts'
import { plainMessageOptions, plainRecipientOptions } from '../mail/delivery-options.ts'
import { formatDeliveredTo, formatReturnPath } from '../mail/received.ts'
import type { OutgoingReport } from '../queue/reports.ts'
import type { ReturnPaths } from '../queue/return-paths.ts'
import type { BounceReader } from './bounces.ts'
import type { Arrival, ArrivalRecipient, Delivery, RemoteRecipient } from './delivery.ts'

export interface ReportDeliveryOptions {
  readonly directory: Pick<Directory, 'resolve' | 'resolvePostmaster'>
  readonly delivery: Delivery
  readonly returnPaths: ReturnPaths
  readonly bounces: BounceReader
  readonly events: Events
}

/** What `createReports` takes as `send`. Rejects with `StoreUnavailable`, or where it can be tried again. */
export function createReportDelivery(
  options: ReportDeliveryOptions,
): (report: OutgoingReport) => Promise<'sent' | 'nobody'> {
  const { delivery } = options
  return async (report) => {
    const where = await destinationsOf(report, options)
    if (where.recipients.length === 0 && where.remote.length === 0) return 'nobody'
    const to = report.to === null ? undefined : tryAddress(report.to, { utf8: true })
    const arrival: Arrival = {
      // RFC 3461 §6.1: the null reverse-path.
      reversePath: null,
      ...where,
      message: report.message,
      structure: report.structure,
      trace: (recipient) => traceOf(recipient, to?.utf8 ?? false),
      receivedAt: report.at,
      id: report.id,
      origin: 'report',
      sender: 'reports',
      options: {
        ...plainMessageOptions,
        body: report.eightBit ? '8BITMIME' : '7BIT',
        smtpUtf8: to?.utf8 ?? false,
        priority: report.priority,
        requireTls: report.requireTls,
      },
      reported: report.rows,
    }
    const result = await delivery.deliver(arrival)
    if (result.ok) return 'sent'
    if (result.reason === 'queue-full') throw new Error('the queue takes no report')
    // No room, no account, a loop: there is nobody else to tell.
    return 'nobody'
  }
}

interface Where {
  readonly recipients: readonly ArrivalRecipient[]
  readonly remote: readonly RemoteRecipient[]
}

const nowhere: Where = { recipients: [], remote: [] }

async function destinationsOf(report: OutgoingReport, options: ReportDeliveryOptions): Promise<Where> {
  const { directory, returnPaths, bounces, events } = options
  // Nothing may come of a report to the postmaster but itself.
  const never = { ...plainRecipientOptions, notify: [] }
  if (report.to === null) return found(await directory.resolvePostmaster(), { options: never })
  const address = tryAddress(report.to, { utf8: true })
  const dropped = (reason: string): Where => {
    events.emit(reportDropped, { message: report.id, kind: report.kind, to: report.to ?? '', reason })
    return nowhere
  }
  if (address === undefined) return dropped('no-address')
  const path = returnPaths.tryReturnPath(address)
  let target: Address | undefined = address
  if (path?.type === 'forward') target = path.address
  if (path?.type === 'list-bounce') {
    const { owner, member } = path
    target = tryAddress(owner, { utf8: true })
    const [about] = report.about
    if (about?.action === 'failed' && !about.status.startsWith('5.7')) {
      await bounces.countMember({ owner, member, status: about.status, at: report.at })
    }
  }
  if (target === undefined) return dropped('no-address')
  const resolution = await directory.resolve(target)
  if (resolution.type === 'not-local') {
    return { recipients: [], remote: [{ address: target, via: null, list: null }] }
  }
  return found(resolution, { via: formatAddress(target) })
}

function found(
  resolution: Resolution,
  extra: { via?: string; options?: ArrivalRecipient['options'] },
): Where {
  if (resolution.type !== 'local') return nowhere
  const { options } = extra
  return {
    recipients: resolution.recipients.map(({ account, deliveredTo }) => ({
      ...{ account: account.id, deliveredTo },
      ...(options && { options }),
    })),
    remote: resolution.remote.map((one) => ({ ...one, ...(options && { options }) })),
  }
}

function traceOf(recipient: ArrivalRecipient | null, utf8: boolean): string {
  if (recipient === null) return ''
  const address = tryAddress(recipient.deliveredTo, { utf8: true })
  return formatReturnPath(null) + (address === undefined ? '' : formatDeliveredTo(address, { utf8 }))
}
