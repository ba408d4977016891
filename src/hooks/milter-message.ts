// How a message is cut up for a milter, and how the changes that it asks for become a rewrite.
//
// Header fields go as they stand, folding and case included, since a signature may cover every octet; only the line breaks inside
// are LF, as Sendmail has them. A field that no frame of a milter can hold is cut: no honest message has one.
import { Buffer } from 'node:buffer'
import type { Rewrite } from '../config/hooks.ts'
import { splitHeader } from '../mail/header.ts'
import type { MilterCommand } from '../milter/proto/commands.ts'
import { unicode } from '../milter/proto/fields.ts'
import { chunkOctets } from '../milter/proto/frames.ts'
import type { MilterChange } from '../milter/proto/replies.ts'
import { BadAnswer } from './decision.ts'

/** A field as the protocol has it, in binary strings. */
export interface MilterField {
  readonly name: string
  readonly value: string
}

const maxFieldOctets = 60_000

/** The fields of a header; `space` says whether the blank after the colon is part of the value. */
export function milterFields(header: string, { space }: { space: 'kept' | 'dropped' }): MilterField[] {
  return splitHeader(header).fields.map(({ raw, start }) => {
    const name = header.slice(start, header.indexOf(':', start)).trimEnd()
    const value = raw
      .replace(/\r?\n$/, '')
      .replaceAll('\r\n', '\n')
      .slice(0, maxFieldOctets)
    return { name, value: space === 'dropped' && value.startsWith(' ') ? value.slice(1) : value }
  })
}

/** A body in pieces that a frame can hold. */
export async function* bodyChunks(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<MilterCommand & { type: 'body' }, void, undefined> {
  for await (const piece of body) {
    for (let at = 0; at < piece.length; at += chunkOctets) {
      yield { type: 'body', bytes: piece.subarray(at, at + chunkOctets) }
    }
  }
}

/** Collects what a milter asks for at the end of a message. */
export class MilterChanges {
  readonly #counts = new Map<string, number>()
  readonly #header: NonNullable<Rewrite['header']>[number][] = []
  readonly #added: string[] = []
  readonly #removed: string[] = []
  readonly #body: Uint8Array[] = []
  readonly #limits: { readonly maxBody: number; readonly maxRewrites: number }
  #bodyOctets = 0
  #replaced: 'body' | null = null
  #sender: string | null = null
  quarantine: string | null = null

  constructor(fields: readonly MilterField[], limits: { maxBody: number; maxRewrites: number }) {
    this.#limits = limits
    for (const { name } of fields) this.#count(name)
  }

  /** Throws `BadAnswer` for what cannot be honoured. */
  add(change: MilterChange): void {
    const asked = this.#header.length + this.#added.length + this.#removed.length
    if (asked >= this.#limits.maxRewrites)
      throw new BadAnswer(`more than ${this.#limits.maxRewrites} changes`)
    switch (change.type) {
      case 'add-header':
        this.#addField(change, 'end')
        return
      case 'insert-header':
        // Sendmail and Postfix count their own Received field, which is not in the message yet, as number 0.
        this.#addField(change, change.index <= 1 ? 'start' : change.index - 1)
        return
      case 'change-header':
        this.#changeField(change)
        return
      case 'add-recipient':
        this.#added.push(bare(change.address))
        return
      case 'delete-recipient':
        this.#removed.push(bare(change.address))
        return
      case 'change-sender':
        if (change.parameters !== '')
          throw new BadAnswer('a new sender with parameters, which are not supported')
        this.#sender = bare(change.address)
        return
      case 'replace-body':
        this.#replaceBody(change.bytes)
        return
      case 'quarantine':
        this.quarantine = unicode(change.reason).replaceAll(/[^\x20-\x7e]/g, ' ')
    }
  }

  /** What came together; null where nothing is to be changed. Still to be checked (`readRewrite`). */
  rewrite(): Rewrite | null {
    const nothing = this.#header.length + this.#added.length + this.#removed.length === 0
    if (nothing && this.#replaced === null && this.#sender === null) return null
    return {
      ...(this.#sender === null ? {} : { reversePath: this.#sender }),
      ...(this.#added.length === 0 ? {} : { addRecipients: this.#added }),
      ...(this.#removed.length === 0 ? {} : { removeRecipients: this.#removed }),
      ...(this.#header.length === 0 ? {} : { header: this.#header }),
      ...(this.#replaced === null ? {} : { body: Buffer.concat(this.#body) }),
    }
  }

  #addField({ name, value }: MilterField, at: 'start' | 'end' | number): void {
    this.#count(name)
    this.#header.push({ type: 'add', name, value: fieldText(value), at })
  }

  #changeField({ name, value, index: asked }: MilterField & { index: number }): void {
    const index = Math.max(1, asked)
    const present = index <= (this.#counts.get(name.toLowerCase()) ?? 0)
    if (value === '') {
      if (present) this.#header.push({ type: 'remove', name, index })
    } else if (present) this.#header.push({ type: 'change', name, index, value: fieldText(value) })
    else this.#addField({ name, value }, 'end')
  }

  #replaceBody(bytes: Uint8Array): void {
    this.#replaced = 'body'
    this.#bodyOctets += bytes.length
    if (this.#bodyOctets > this.#limits.maxBody) throw new BadAnswer('the new body is too large')
    this.#body.push(bytes)
  }

  #count(name: string): void {
    const key = name.toLowerCase()
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }
}

/** One blank after the colon is ours to write, whether the milter gives it or not. */
function fieldText(value: string): string {
  const text = unicode(value).replace(/\r?\n$/, '')
  return text.startsWith(' ') ? text.slice(1) : text
}

/** Without the angle brackets. */
function bare(path: string): string {
  return unicode(path).replace(/^<(.*)>$/s, '$1')
}
