// The line that begins a message in an mbox file (RFC 4155 §Appendix A, and what programs have written since 1979).
//
// `From`, a space, the sender, and a date as asctime(3) writes it, perhaps with a zone, `remote from`, or a day and month the
// other way round. Strict enough that a sentence which begins with "From " is none: there must be a time and a year.
import { formatAsctime, tryDate } from '../date.ts'

const shape = /^From (?:\S+ +|"[^"]*"\S* +)?(?=.*\d{1,2}:\d{2}).*\b\d{4}\b/

/** Longer lines begin no message. */
const longestFromLine = 1_000

/** Whether a line (without its end) begins a message. */
export function isFromLine(line: string): boolean {
  return line.startsWith('From ') && line.length <= longestFromLine && shape.test(line)
}

/** The moment that it tells, in milliseconds since the epoch; a time without a zone is UTC. */
export function fromLineTime(line: string): number | undefined {
  const rest = line.slice('From '.length)
  const date =
    /(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +)?(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2})\b.*$/.exec(
      rest,
    )
  if (date === null) return undefined
  const time = tryDate(date[0].replace(/ remote from .*$/, ''))?.time
  // Programs that know no date write the epoch.
  return time === undefined || time <= 0 ? undefined : time
}

/** A From_ line without its end. */
export function formatFromLine(sender: string, time: number): string {
  const safe = /^[\x21-\x7e]{1,254}$/.test(sender) ? sender : 'MAILER-DAEMON'
  return `From ${safe} ${formatAsctime(time)}`
}
