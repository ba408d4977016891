// The flags of sendmail(1), as programs that expect /usr/sbin/sendmail give them. They are older than any option parser: one dash,
// a letter, and a value that may stick to it (`-fann@example.org`, `-oi`, `-bs`), so that no library reads them.
//
// Every flag is honoured, or refused by name; the few that ask for what is always so here are listed as such.

/** What sendmail(1) was asked for. */
export interface SendmailCall {
  /** `-bm` a message on standard input; `-bs` a session of SMTP; `-bp` the queue; `-bi` the alias table; `-q` try the queue. */
  readonly mode: 'message' | 'session' | 'list' | 'aliases' | 'run-queue'
  /** `-f`, `-r`: the reverse-path; '' for `<>`; null where not given. */
  readonly from: string | null
  /** `-F`: the full name, for a From field that is missing. */
  readonly fullName: string | null
  /** `-t`: the recipients stand in To, Cc and Bcc. */
  readonly recipientsFrom: 'arguments' | 'header'
  /** Without `-i` or `-oi` a line with a single dot ends the message. */
  readonly dot: 'ends' | 'is-text'
  /** `-N`: RFC 3461 §4.1, `never` or a list. */
  readonly notify: readonly string[] | null
  /** `-R`: RFC 3461 §4.3. */
  readonly ret: 'full' | 'headers' | null
  /** `-V`: RFC 3461 §4.4. */
  readonly envId: string | null
  readonly recipients: readonly string[]
}

export type SendmailFlags =
  | { readonly ok: true; readonly call: SendmailCall }
  | { readonly ok: false; readonly message: string }

/** Flags that ask for what Posthorn always does: 8 bits kept, errors by a report, no rewriting of a gateway's mail. */
const alwaysSo: readonly RegExp[] = [
  /^-B(7BIT|8BITMIME)$/i,
  /^-(e|oe)[mqwe]$/,
  /^-(m|om|G|U|n|oo|v|od[biqd]|oA.*|L.+|A[cm]|X.+)$/,
]

const modes: Readonly<Record<string, SendmailCall['mode']>> = {
  '-bm': 'message',
  '-bs': 'session',
  '-bp': 'list',
  '-bi': 'aliases',
}

type Draft = { -readonly [K in keyof SendmailCall]: SendmailCall[K] }

/** Reads the arguments; those after `--`, and those without a dash, are recipients. */
export function parseSendmailFlags(argv: readonly string[]): SendmailFlags {
  const call: Draft & { recipients: string[] } = {
    mode: 'message',
    from: null,
    fullName: null,
    recipientsFrom: 'arguments',
    dot: 'ends',
    notify: null,
    ret: null,
    envId: null,
    recipients: [],
  }
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') {
      call.recipients.push(...argv.slice(at + 1))
      break
    }
    if (!word.startsWith('-') || word === '-') call.recipients.push(word)
    else if (/^-[frFNRV]/.test(word)) {
      const value = word.length > 2 ? word.slice(2) : argv[++at]
      if (value === undefined) return { ok: false, message: `${word} needs a value` }
      const problem = takeValue(call, word[1] ?? '', value)
      if (problem !== null) return { ok: false, message: problem }
    } else {
      const problem = takeSwitch(call, word)
      if (problem !== null) return { ok: false, message: problem }
    }
  }
  return { ok: true, call }
}

function takeSwitch(call: Draft, word: string): string | null {
  const mode = modes[word]
  if (mode !== undefined) call.mode = mode
  // -q with an interval asks a daemon to run the queue by itself; here `posthorn serve` always does.
  else if (/^-q$/.test(word)) call.mode = 'run-queue'
  else if (word === '-t' || word === '-ti') {
    call.recipientsFrom = 'header'
    if (word === '-ti') call.dot = 'is-text'
  } else if (word === '-i' || word === '-oi') call.dot = 'is-text'
  else if (/^-[bq]/.test(word)) return `${word} is the daemon's work: run \`posthorn serve\``
  else if (!alwaysSo.some((pattern) => pattern.test(word)))
    return `${word} is not a flag of this sendmail; \`posthorn sendmail --help\` lists them`
  return null
}

function takeValue(call: Draft, flag: string, value: string): string | null {
  switch (flag) {
    case 'f':
    case 'r':
      call.from = value.replace(/^<(.*)>$/s, '$1')
      return null
    case 'F':
      call.fullName = value
      return null
    case 'N': {
      const words = value.toLowerCase().split(',')
      const known = words.every((word) => ['success', 'failure', 'delay'].includes(word))
      if (value.toLowerCase() === 'never') call.notify = []
      else if (known) call.notify = words
      else return `-N takes never, or success, failure and delay with commas between`
      return null
    }
    case 'R':
      if (!/^(full|hdrs)$/i.test(value)) return '-R takes full or hdrs'
      call.ret = value.toLowerCase() === 'full' ? 'full' : 'headers'
      return null
    default:
      call.envId = value
      return null
  }
}
