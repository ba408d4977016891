// Runs the method calls of a request in their order (RFC 8620 §3.3): references resolved, unknown methods told, errors put where the
// responses would be (§3.6.2). One call's failure does not touch the next.
//
// A method is known only if the request uses its capability. Calls that a method makes implicitly run right after it, and count
// neither as calls of the request nor may they make others in turn without end: their depth is bounded.
import { errorText } from '../../events/error-text.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { MethodError } from '../proto/errors.ts'
import type { JsonObject } from '../proto/json.ts'
import { resolveReferences, type Answered } from '../proto/references.ts'
import type { Invocation } from '../proto/request.ts'
import type { CallContext, ImplicitCall, Method } from './module.ts'

export interface DispatcherParts {
  readonly methods: ReadonlyMap<string, Method>
  /** A surprise in a method: told to the log, and to the client as serverFail without its text. */
  readonly onTrouble: (method: string, error: string) => void
}

/** RFC 8621 §7.5 has EmailSubmission/set call Email/set; nothing calls anything from there. */
const implicitDepth = 2

/** Rejects never: a surprise is the answer of its call. */
export async function runCalls(
  parts: DispatcherParts,
  context: CallContext,
  calls: readonly Invocation[],
): Promise<readonly Answered[]> {
  const responses: Answered[] = []
  for (const { name, arguments: given, callId } of calls) {
    // RFC 8620 §3.7: "the server MUST first check the arguments object for any names beginning with "#"".
    const args = resolveReferences(given, responses, { room: context.limits.maxSizeRequest })
    if (args instanceof MethodError) responses.push({ name: 'error', arguments: args.toArguments(), callId })
    else await runOne(parts, context, { name, args, callId, responses, depth: 0 })
  }
  return responses
}

interface Run {
  readonly name: string
  readonly args: JsonObject
  readonly callId: string
  readonly responses: Answered[]
  readonly depth: number
}

async function runOne(parts: DispatcherParts, context: CallContext, run: Run): Promise<void> {
  const { name, args, callId, responses, depth } = run
  const method = parts.methods.get(name)
  // RFC 8620 §1.8: "behave as though it does not implement anything else".
  const known = method !== undefined && (depth > 0 || context.using.has(method.capability))
  const answer = known ? await guarded(parts, method, { context, args }) : new MethodError('unknownMethod')
  if (answer instanceof MethodError) {
    responses.push({ name: 'error', arguments: answer.toArguments(), callId })
    return
  }
  responses.push({ name, arguments: answer.arguments, callId })
  const next: readonly ImplicitCall[] = depth < implicitDepth ? (answer.then ?? []) : []
  for (const implicit of next) {
    await runOne(parts, context, {
      ...{ name: implicit.name, args: implicit.arguments, callId, responses },
      depth: depth + 1,
    })
  }
}

async function guarded(
  { onTrouble }: DispatcherParts,
  method: Method,
  { context, args }: { context: CallContext; args: JsonObject },
) {
  try {
    return await method.call(context, args)
  } catch (error) {
    if (error instanceof StoreUnavailable) {
      // Where the outcome is not known, some of it may have been done (RFC 8620 §3.6.2).
      return new MethodError(error.outcomeUnknown ? 'serverPartialFail' : 'serverUnavailable')
    }
    onTrouble(method.name, errorText(error))
    return new MethodError('serverFail', 'Something of ours failed; the log says what.')
  }
}
