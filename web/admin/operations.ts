// The operations of `/api/v1/admin/…`, by the names that the command line knows them by, with the types that the API's own schemas say.
//
// What lets somebody in or shuts somebody out wants a fresh session: the server says `proof-required`, the page asks for the password,
// and the same is asked again.
import type { AdminAnswer, AdminOperationName } from '../../src/http/api/admin.ts'
import { api } from '../shared/api.ts'
import { withProof } from '../shared/ui/proof.tsx'

export type { AdminAnswer, AdminOperationName }
export type Account = AdminAnswer<'account.list'>[number]
export type Domain = AdminAnswer<'domain.list'>[number]
export type Alias = AdminAnswer<'alias.list'>[number]
export type QueuedMessage = AdminAnswer<'queue.show'>
export type QueuedRecipient = QueuedMessage['recipients'][number]
export type LogRecord = AdminAnswer<'server.watch-log'>
export type Trace = AdminAnswer<'server.trace'>[number]
export type Overview = AdminAnswer<'server.overview'>
export type Series = AdminAnswer<'server.series'>
export type Setting = AdminAnswer<'server.config'>[number]

const base = '/api/v1/admin/'

/** Rejects with `ApiError`: of an expected no, in the server's words. */
export async function ask<Name extends AdminOperationName>(
  name: Name,
  parameters: object = {},
): Promise<AdminAnswer<Name>> {
  return withProof(() => api.post<AdminAnswer<Name>>(base + name, parameters))
}

/** Where events are watched, for `EventSource`. */
export function watchPath(parameters: Readonly<Record<string, string>>): string {
  return `${base}server.watch-log?${new URLSearchParams(parameters)}`
}

/** What an error says, for people. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
