// Who vouches for a message, and who does not, in plain words: what the server found of SPF, DKIM, DMARC and ARC. What fields of the message
// say of it is nobody's business here, since anybody can write them.

/** As the server tells it. */
export interface AuthResult {
  readonly method: 'spf' | 'dkim' | 'dmarc' | 'arc'
  /** RFC 8601 §2.7. */
  readonly result: string
  readonly domain: string
  readonly reason: string
}

export interface AuthVerdict {
  readonly method: string
  readonly result: string
  readonly tone: 'good' | 'warn' | 'bad' | 'plain'
  readonly text: string
}

const names: Readonly<Record<AuthResult['method'], string>> = {
  spf: 'SPF',
  dkim: 'DKIM',
  dmarc: 'DMARC',
  arc: 'ARC',
}

function wordsFor(method: string, result: string, about: string): string {
  const of = about === '' ? '' : ` ${about}`
  const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    spf: {
      pass: `The sending server may send for${of || ' that domain'}.`,
      fail: `The sending server may not send for${of || ' that domain'}.`,
      softfail: `The sending server probably may not send for${of || ' that domain'}.`,
      neutral: `${about || 'That domain'} does not say whether the sending server may send for it.`,
      none: 'The sender’s domain does not say who may send for it.',
    },
    dkim: {
      pass: `Signed by${of || ' its domain'}, and unchanged since.`,
      fail: 'The signature does not fit: it was changed on the way, or is forged.',
      neutral: 'The signature does not fit, or cannot be read: it may have been changed on the way.',
      none: 'It is not signed.',
    },
    dmarc: {
      pass: `The address in From is proven to be of${of || ' its domain'}.`,
      fail: 'The address in From is not proven: it may be forged.',
      none: 'The domain of From asks for no proof.',
    },
    arc: {
      pass: 'Those who passed it on vouch for what they saw.',
      fail: 'The chain of those who passed it on is broken.',
    },
  }
  return table[method]?.[result] ?? `The result is “${result}”.`
}

function toneOf(result: string): AuthVerdict['tone'] {
  if (result === 'pass') return 'good'
  if (result === 'fail' || result === 'permerror' || result === 'policy') return 'bad'
  return /^(?:softfail|neutral|temperror)$/.test(result) ? 'warn' : 'plain'
}

/** Each result in words. */
export function explainAuthentication(results: readonly AuthResult[]): AuthVerdict[] {
  return results.map(({ method, result, domain, reason }) => ({
    ...{ method: names[method], result, tone: toneOf(result) },
    text: `${wordsFor(method, result, domain)}${reason === '' ? '' : ` (${reason})`}`,
  }))
}
