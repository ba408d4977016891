// The TXT record that says a domain has an MTA-STS policy (RFC 8461 §3.1).

/** RFC 8461 §3.1: `sts-id`. */
const idPattern = /^[A-Za-z0-9]{1,32}$/
const fieldPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/
const longestRecord = 4096

/** Where the record stands. */
export function stsRecordName(domain: string): string {
  return `_mta-sts.${domain}`
}

/** RFC 8461 §3.3: where the policy is. */
export function stsPolicyUrl(domain: string): URL {
  return new URL(`https://mta-sts.${domain}/.well-known/mta-sts.txt`)
}

/**
 * The policy's id from all TXT records of the name; undefined where there is no (single, well-formed) one:
 * "if the number of resulting records is not one … senders MUST assume the recipient domain does not have an available
 * MTA-STS Policy" (RFC 8461 §3.1).
 */
export function tryStsRecord(records: readonly string[]): string | undefined {
  // RFC 8461 §3.1: records that do not begin with "v=STSv1;" are discarded.
  const candidates = records.filter((record) => /^v=STSv1[ \t]*;/.test(record))
  const [record] = candidates
  if (record === undefined || candidates.length !== 1 || record.length > longestRecord) return undefined
  let id: string | undefined
  for (const field of record.split(';').slice(1)) {
    const text = field.trim()
    if (text === '') continue
    const equals = text.indexOf('=')
    const name = text.slice(0, equals).trimEnd()
    const value = text.slice(equals + 1).trimStart()
    if (equals < 1 || !fieldPattern.test(name)) return undefined
    // RFC 8461 §3.1: fields other than the version and the id are extensions, which are ignored.
    if (name !== 'id' || id !== undefined) continue
    if (!idPattern.test(value)) return undefined
    id = value
  }
  return id
}
