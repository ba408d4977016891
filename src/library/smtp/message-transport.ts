// Transports that send nothing and give the message: as octets (`streamTransport`), or its fields as JSON (`jsonTransport`). What could not
// be sent is refused as it would be when sending.
import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { answered, type Answered } from './answered.ts'
import { type MailToSend, MailWriter, type WriterPlugin } from './compose.ts'
import {
  checkWriterOptions,
  type JsonTransportOptions,
  type StreamTransportOptions,
} from './transport-options.ts'

export interface WrittenMail {
  readonly messageId: string
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  /** Octets: of the message with the line ends of mail, or of the JSON. */
  readonly messageSize: number
  /** With `jsonTransport` a text, with `buffer` a Buffer, else a stream. */
  readonly message: Readable | Buffer | string
}

export class MessageTransport implements AsyncDisposable {
  readonly options: StreamTransportOptions | JsonTransportOptions
  readonly #writer: MailWriter

  constructor(options: StreamTransportOptions | JsonTransportOptions) {
    checkWriterOptions(options)
    this.options = options
    this.#writer = new MailWriter(options, 'jsonTransport' in options ? 'fields' : 'octets')
  }

  /** Rejects with `SmtpError` (`EENVELOPE`, `EMESSAGE`). */
  sendMail(mail: MailToSend): Promise<WrittenMail>
  sendMail(mail: MailToSend, callback: Answered<WrittenMail>): void
  sendMail(mail: MailToSend, callback?: Answered<WrittenMail>): Promise<WrittenMail> | void {
    return answered(this.#write(mail), callback)
  }

  /** There is nobody to ask. */
  verify(): Promise<true>
  verify(callback: Answered<true>): void
  verify(callback?: Answered<true>): Promise<true> | void {
    return answered(Promise.resolve<true>(true), callback)
  }

  isIdle(): boolean {
    return true
  }

  use(step: 'compile' | 'stream', plugin: WriterPlugin): this {
    this.#writer.use(step, plugin)
    return this
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async #write(mail: MailToSend): Promise<WrittenMail> {
    if ('jsonTransport' in this.options) {
      const { from, to, messageId, fields } = await this.#writer.describe(mail)
      const message = JSON.stringify(fields)
      return { messageId, envelope: { from, to }, messageSize: Buffer.byteLength(message), message }
    }
    const { from, to, messageId, bytes } = await this.#writer.compose(mail)
    const sent = { messageId, envelope: { from, to }, messageSize: bytes.length }
    return { ...sent, message: formOf(bytes, this.options) }
  }
}

function formOf(bytes: Uint8Array, options: StreamTransportOptions): Readable | Buffer {
  const { buffer = false, newline = 'windows' } = options
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const octets =
    newline === 'windows' ? whole : Buffer.from(whole.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
  return buffer ? octets : Readable.from([octets], { objectMode: false })
}
