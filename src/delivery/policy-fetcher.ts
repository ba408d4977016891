// Fetches the policy file of MTA-STS by https (RFC 8461 §3.3): status 200, plain text, nothing else counts.
import { longestPolicy } from '../auth/mta-sts/policy.ts'
import { stsPolicyUrl } from '../auth/mta-sts/record.ts'
import type { HttpsRequest } from './https-request.ts'
import type { PolicyFetcher } from './sts-policies.ts'

export function createPolicyFetcher(options: {
  readonly request: HttpsRequest
  readonly timeoutMilliseconds: number
}): PolicyFetcher {
  return {
    async fetch(domain) {
      const answer = await options.request({
        url: stsPolicyUrl(domain),
        method: 'GET',
        headers: { accept: 'text/plain' },
        maxOctets: longestPolicy,
        timeoutMilliseconds: options.timeoutMilliseconds,
      })
      if (!answer.ok) return answer
      // RFC 8461 §3.3: "HTTP 3xx redirects MUST NOT be followed", and any other status than 200 is a failure.
      if (answer.status !== 200) return { ok: false, problem: `HTTP status ${answer.status}` }
      // RFC 8461 §3.2: the media type is text/plain.
      const type = answer.contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
      if (type !== 'text/plain')
        return { ok: false, problem: `media type ${type === '' ? 'missing' : 'not text/plain'}` }
      return { ok: true, text: answer.body }
    },
  }
}
