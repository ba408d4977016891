// An SMTP core in the hands of a test: what it wrote, what it asked, and answers by the type of question.
import type { Output, TlsState } from '../../src/base/core.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { SmtpCore } from '../../src/smtp/proto/core.ts'
import type { SmtpLimits } from '../../src/smtp/proto/limits.ts'
import { noOffers, type SmtpOffers } from '../../src/smtp/proto/offers.ts'
import { goOn, type SmtpAnswer, type SmtpQuestion } from '../../src/smtp/proto/questions.ts'
import type { SaslSettings, SmtpSettings } from '../../src/smtp/proto/session.ts'
import { feedEveryWay } from './feed.ts'

export const testLimits: SmtpLimits = {
  maxMessageSize: 50_000_000,
  maxLineSize: 0,
  maxCommandSize: 4096,
  maxAuthLineSize: 12_288,
  maxDiscardedLine: 65_536,
  maxDiscardedMessage: 1_000_000_000,
  maxRecipients: 1000,
  maxRecipientDomains: 0,
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
  readonly dialect?: SmtpSettings['dialect']
  readonly offers?: Partial<SmtpOffers>
  /** The connection begins under TLS, with this beside the usual; absent: in clear text. */
  readonly tls?: Partial<TlsState>
  readonly tarpit?: SmtpSettings['tarpit']
  readonly clearTextAllowed?: boolean
  readonly mechanisms?: Pick<SaslSettings, 'cramMd5' | 'tokens' | 'certificates'>
  readonly consults?: SmtpSettings['consults']
  readonly answers?: { readonly [Type in SmtpQuestion['type']]?: SmtpAnswer }
}

const tls: TlsState = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: null,
  exporter: null,
  serverEndPoint: null,
  peerCertificate: null,
}

/** A core whose questions are answered at once: by `answers`, else with consent. */
export class TestCore {
  /** Everything written so far. */
  text = ''
  closed = false
  handedOver = false
  /** Types of all questions so far. */
  readonly asked: string[] = []
  readonly questions: SmtpQuestion[] = []
  readonly outputs: Output<SmtpQuestion>[] = []
  /** Content (Latin-1) of the messages whose `end` was asked. */
  readonly messages: string[] = []
  readonly #core: SmtpCore
  readonly #answers: NonNullable<TestCoreOptions['answers']>
  readonly #tls: TlsState | null
  #content: string[] = []

  constructor(options: TestCoreOptions = {}) {
    this.#answers = options.answers ?? {}
    this.#tls = options.tls === undefined ? null : { ...tls, ...options.tls }
    this.#core = new SmtpCore(testSettings(options))
  }

  open(): void {
    this.#carry(this.#core.open(this.#tls))
  }

  /** Nothing reaches a core that has closed. */
  feed(bytes: Uint8Array | string): void {
    if (!this.closed) this.#carry(this.#core.receive(typeof bytes === 'string' ? Buffer.from(bytes) : bytes))
  }

  secure(): void {
    this.#carry(this.#core.secured(tls))
  }

  expire(): void {
    this.#carry(this.#core.expire())
  }

  end(): void {
    this.#carry(this.#core.ended())
  }

  shutdown(): void {
    this.#carry(this.#core.shutdown())
  }

  #carry(first: Output<SmtpQuestion>[]): void {
    let outputs: Output<SmtpQuestion>[] | null = first
    while (outputs !== null) {
      let next: Output<SmtpQuestion>[] | null = null
      for (const output of outputs) {
        if (this.closed) throw new Error('an output after close')
        if (next !== null) throw new Error('an output after a question')
        this.outputs.push(output)
        if (output.type === 'write') this.text += output.bytes.toString()
        else if (output.type === 'close') this.closed = true
        else if (output.type === 'hand-over') this.closed = this.handedOver = true
        else if (output.type === 'ask') next = this.#core.answer(this.#answer(output.question))
      }
      outputs = next
    }
  }

  #answer(question: SmtpQuestion): SmtpAnswer {
    this.asked.push(question.type)
    this.questions.push(question)
    if (question.type === 'data') this.#content = []
    if (question.type === 'content') this.#content.push(Buffer.from(question.bytes).toString('latin1'))
    if (question.type === 'end') this.messages.push(this.#content.join(''))
    return this.#answers[question.type] ?? goOn
  }
}

type Bare<Question> = Question extends unknown ? Omit<Question, 'client' | 'envelope'> : never
/** A question without what goes on changing after it. */
export type BareQuestion = Bare<SmtpQuestion>

function bare(question: SmtpQuestion): BareQuestion {
  return Object.fromEntries(
    Object.entries(question).filter(([key]) => key !== 'client' && key !== 'envelope'),
    // What is left over has the other keys of its type.
  ) as unknown as BareQuestion
}

export interface Talk {
  /** Reply codes (of last lines) after the greeting. */
  readonly codes: string
  readonly text: string
  /** Types of questions, `content` apart. */
  readonly asked: string[]
  readonly questions: BareQuestion[]
  readonly messages: string[]
  readonly closed: boolean
  readonly handedOver: boolean
}

/** Feeds the input every way; what comes of it. */
export function talk(input: string | Uint8Array, options: TestCoreOptions = {}): Talk {
  return feedEveryWay(input, (chunks) => {
    const core = new TestCore(options)
    core.open()
    for (const chunk of chunks) core.feed(chunk)
    const codes = core.text
      .split('\r\n')
      .filter((line) => /^\d{3} /.test(line))
      .slice(1)
      .map((line) => line.slice(0, 3))
      .join(' ')
    return {
      ...{ codes, text: core.text, messages: core.messages },
      ...{ closed: core.closed, handedOver: core.handedOver },
      asked: core.asked.filter((type) => type !== 'content'),
      questions: core.questions.filter(({ type }) => type !== 'content').map(bare),
    }
  })
}

function testSettings(options: TestCoreOptions): SmtpSettings {
  return {
    hostName: 'mx.example.org',
    dialect: options.dialect ?? 'smtp',
    offers: { ...noOffers, ...options.offers },
    tarpit: options.tarpit ?? null,
    ...(options.consults && { consults: options.consults }),
    limits: options.limits ?? testLimits,
    startTls: options.startTls ?? false,
    admission: options.admission ?? { tls: false, authentication: false },
    sasl:
      options.sasl === true
        ? {
            clearTextAllowed: options.clearTextAllowed ?? true,
            scram: true,
            ...options.mechanisms,
            random: new SeededRandom(1),
            serverSecret: new Uint8Array(32),
            scramIterations: 4096,
          }
        : null,
  }
}
