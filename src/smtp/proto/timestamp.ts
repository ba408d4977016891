// Moments as parameters of extensions carry them (RFC 3339 §5.6). Strict: the form is the one that clients compute, so
// whatever differs is a mistake and not a dialect.

const pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** RFC 3339 §5.6 `date-time`, in milliseconds since the epoch, fractions cut; undefined where it is none, or no such day. */
export function tryTimestamp(text: string): number | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const [zoneHour, zoneMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
  // RFC 3339 §5.7: 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60 || zoneHour > 23 || zoneMinute > 59) return undefined
  const midnight = new Date(0)
  midnight.setUTCFullYear(year, month - 1, day)
  // A day that the month does not have lands in another month.
  if (month < 1 || midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined
  const zone = (zoneHour * 60 + zoneMinute) * (match[8] === '-' ? -1 : 1)
  return midnight.getTime() + ((hour * 60 + minute - zone) * 60 + second) * 1000
}

/** RFC 3339 §5.6 `date-time` in UTC, without a fraction: the form that RFC 4865 §3 shows. */
export function formatTimestamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
