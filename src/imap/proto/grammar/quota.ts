// Limits as SETQUOTA names them (RFC 9208 §7).
import type { Cursor } from './cursor.ts'

/** A resource's name in upper case, and the limit for it in the resource's own unit. */
export interface QuotaResource {
  readonly name: string
  readonly limit: number
}

/** `setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"` */
export function parseQuotaLimits(cursor: Cursor): QuotaResource[] {
  return cursor.list({ most: 50, empty: true, what: 'resources' }, () => {
    const name = cursor.keyword('a resource')
    cursor.sp()
    const digits = cursor.atom('a limit')
    // `number64`: at most 2^63 - 1 (RFC 9051 §9).
    if (!/^[0-9]{1,19}$/.test(digits)) cursor.fail('expected a limit')
    return { name, limit: Math.min(Number(digits), Number.MAX_SAFE_INTEGER) }
  })
}
