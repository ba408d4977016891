// Streams outlive the request that opened them: sessions end, passwords change, app passwords are over, roles are taken away meanwhile.
import type { HttpEnvironment, HttpScope } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'

/** Whether the credentials of a request still open what it asked for. While the store cannot say, nothing changes. */
export async function stillMay(
  request: Request,
  env: HttpEnvironment<Account>,
  scope: HttpScope,
): Promise<boolean> {
  const judged = await env.authenticate(request)
  return judged.ok ? judged.caller.scopes.has(scope) : judged.response.status === 503
}
