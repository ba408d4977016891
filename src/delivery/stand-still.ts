// The transport of a Posthorn that sends nothing: whatever is in its queue for other hosts, from a time when it did, is kept for an
// operator, with the reason.
import type { Destination, Transport } from '../queue/transport.ts'

export function makeStandStill(reason: string): Transport {
  const destination: Destination = {
    key: 'nowhere',
    route: 'nowhere',
    maxConnections: 1,
    maxRecipients: 1000,
  }
  return {
    destinationOf: () => destination,
    async run({ jobs }) {
      for (let job = await jobs.next(); job !== null; job = await jobs.next()) {
        jobs.report(
          job,
          job.recipients.map(() => ({ type: 'held', reason })),
        )
      }
    },
  }
}
