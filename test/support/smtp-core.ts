// An SMTP core in the hands of a test: what it wrote, what it asked, and answers by the type of question.
import type { Output, TlsState } from '../../src/base/core.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { SmtpCore } from '../../src/smtp/proto/core.ts'
import type { SmtpLimits } from '../../src/smtp/proto/limits.ts'
import { goOn, type SmtpAnswer, type SmtpQuestion } from '../../src/smtp/proto/questions.ts'
import type { SmtpSettings } from '../../src/smtp/proto/session.ts'

export const testLimits: SmtpLimits = {
  maxMessageSize: 50_000_000,
  maxLineSize: 0,
  maxCommandSize: 2048,
  maxAuthLineSize: 12_288,
  maxDiscardedLine: 65_536,
  maxDiscardedMessage: 1_000_000_000,
  maxRecipients: 1000,
  maxMessagesPerConnection: 0,
  maxErrors: 50,
  maxRefusedRecipients: 1000,
  maxAuthFailures: 5,
  commandTimeout: 300_000,
  dataTimeout: 300_000,
  minDataProgress: 16_384,
}

export interface TestCoreOptions {
  readonly limits?: SmtpLimits
  readonly startTls?: boolean
  readonly admission?: SmtpSettings['admission']
  readonly sasl?: boolean
  readonly clearTextAllowed?: boolean
  readonly answers?: { readonly [Type in SmtpQuestion['type']]?: SmtpAnswer }
}

export interface TestCore {
  /** Everything written so far. */
  readonly text: string
  /** Types of all questions so far. */
  readonly asked: string[]
  /** Content (Latin-1) of the messages whose `end` was asked. */
  readonly messages: string[]
  readonly questions: SmtpQuestion[]
  readonly outputs: Output<SmtpQuestion>[]
  readonly closed: boolean
  open(): void
  feed(bytes: Uint8Array | string): void
  secure(): void
  expire(): void
  end(): void
  shutdown(): void
}

const tls: TlsState = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: null,
  exporter: null,
  serverEndPoint: null,
}

/** A core whose questions are answered at once: by `answers`, else with consent. */
export function makeTestCore(options: TestCoreOptions = {}): TestCore {
  const { answers = {} } = options
  const core = new SmtpCore({
    hostName: 'mx.example.org',
    limits: options.limits ?? testLimits,
    startTls: options.startTls ?? false,
    admission: options.admission ?? { tls: false, authentication: false },
    sasl:
      options.sasl === true
        ? {
            clearTextAllowed: options.clearTextAllowed ?? true,
            scram: true,
            random: new SeededRandom(1),
            serverSecret: new Uint8Array(32),
            scramIterations: 4096,
          }
        : null,
  })
  const state = {
    text: '',
    closed: false,
    asked: [] as string[],
    messages: [] as string[],
    questions: [] as SmtpQuestion[],
    outputs: [] as Output<SmtpQuestion>[],
  }
  let content = ''
  const note = (question: SmtpQuestion): SmtpAnswer => {
    state.asked.push(question.type)
    state.questions.push(question)
    if (question.type === 'data') content = ''
    if (question.type === 'content') content += Buffer.from(question.bytes).toString('latin1')
    if (question.type === 'end') state.messages.push(content)
    return answers[question.type] ?? goOn
  }
  const carry = (first: Output<SmtpQuestion>[]): void => {
    let outputs: Output<SmtpQuestion>[] | null = first
    while (outputs !== null) {
      let next: Output<SmtpQuestion>[] | null = null
      for (const output of outputs) {
        if (state.closed) throw new Error('an output after close')
        if (next !== null) throw new Error('an output after a question')
        state.outputs.push(output)
        if (output.type === 'write') state.text += output.bytes.toString()
        else if (output.type === 'close') state.closed = true
        else if (output.type === 'ask') next = core.answer(note(output.question))
      }
      outputs = next
    }
  }
  return {
    get text() {
      return state.text
    },
    get closed() {
      return state.closed
    },
    asked: state.asked,
    messages: state.messages,
    questions: state.questions,
    outputs: state.outputs,
    open: () => carry(core.open(null)),
    feed: (bytes) => {
      if (!state.closed) carry(core.receive(typeof bytes === 'string' ? Buffer.from(bytes) : bytes))
    },
    secure: () => carry(core.secured(tls)),
    expire: () => carry(core.expire()),
    end: () => carry(core.ended()),
    shutdown: () => carry(core.shutdown()),
  }
}
