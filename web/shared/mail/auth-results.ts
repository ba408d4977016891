// Authentication-Results (RFC 8601) in plain words: who vouches for a message, and who does not. Only the topmost field is believed,
// which this server wrote: others may have come with the message.

export interface AuthVerdict {
  readonly method: string
  readonly result: string
  readonly tone: 'good' | 'warn' | 'bad' | 'plain'
  readonly text: string
}

const names: Readonly<Record<string, string>> = {
  spf: 'SPF',
  dkim: 'DKIM',
  dmarc: 'DMARC',
  arc: 'ARC',
  iprev: 'Reverse DNS',
  auth: 'Log-in',
}

function wordsFor(method: string, result: string, about: string): string {
  const of = about === '' ? '' : ` ${about}`
  const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    spf: {
      pass: `The sending server may send for${of || ' that domain'}.`,
      fail: `The sending server may not send for${of || ' that domain'}.`,
      softfail: `The sending server probably may not send for${of || ' that domain'}.`,
      none: 'The sender’s domain does not say who may send for it.',
    },
    dkim: {
      pass: `Signed by${of || ' its domain'}, and unchanged since.`,
      fail: 'The signature does not fit: it was changed on the way, or is forged.',
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
    iprev: { pass: 'The server’s name and address fit.', fail: 'The server’s name and address do not fit.' },
    auth: { pass: 'Sent by someone who logged in here.' },
  }
  return table[method]?.[result] ?? `The result is “${result}”.`
}

function toneOf(result: string): AuthVerdict['tone'] {
  if (result === 'pass') return 'good'
  if (result === 'fail' || result === 'permerror' || result === 'policy') return 'bad'
  return result === 'softfail' || result === 'temperror' ? 'warn' : 'plain'
}

/** The verdicts of one field's value. */
export function explainAuthentication(value: string): AuthVerdict[] {
  const plain = value.replaceAll(/\((?:[^()\\]|\\.)*\)/g, ' ')
  return plain
    .split(';')
    .slice(1)
    .flatMap((part) => {
      const match = /^\s*([a-z-]+)(?:\/\d+)?\s*=\s*([a-z]+)/i.exec(part)
      if (match === null) return []
      const method = (match[1] ?? '').toLowerCase()
      const result = (match[2] ?? '').toLowerCase()
      if (names[method] === undefined) return []
      const about =
        /(?:header\.d|header\.from|smtp\.mailfrom|header\.i|policy\.iprev)=["@]?([^\s;"]+)/.exec(part)?.[1] ??
        ''
      return [
        {
          method: names[method] ?? method,
          result,
          tone: toneOf(result),
          text: wordsFor(method, result, about),
        },
      ]
    })
}
