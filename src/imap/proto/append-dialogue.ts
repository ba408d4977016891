// One APPEND or REPLACE from its first literal to its answer: what is asked, what streams, what is dropped.
//
// The octets of a message go to the handler chunk by chunk. A stretch of the command between two literals is read whole
// (`grammar/append.ts`) and its steps are asked in one question. Whoever refuses, handler or grammar, ends the dialogue with a
// tagged answer, and what the client still sends of the command is dropped.
import { Cursor, LiteralWanted, ParseError } from './grammar/cursor.ts'
import type { AppendPlace, AppendReader, AppendReading } from './grammar/append.ts'
import type { Effect, ImapAnswer, ImapQuestion } from './commands/command.ts'
import type { Fragment } from './fragments.ts'
import type { Modes } from './modes.ts'

type Done = Extract<ImapAnswer, { type: 'done' }>
type AppendEffect = Extract<Effect, { do: 'append' }>

/** A literal that is announced. */
export interface Announced {
  readonly size: number
  readonly synchronizing: boolean
}

/** What the session does next for the dialogue. */
export type AppendMove =
  | { readonly move: 'ask'; readonly question: ImapQuestion }
  /** For the client: octets, or the rest of the command. */
  | { readonly move: 'wait' }
  /** Let the announced literal come: to the handler, or into the command. */
  | { readonly move: 'stream' | 'collect'; readonly synchronizing: boolean }
  /** `drop`: the announced literal and what follows, or what is left of the one that streams. */
  | { readonly move: 'finish'; readonly done: Done; readonly drop: 'literal' | 'rest' | 'nothing' }

const tooBig: Done = { type: 'done', status: 'NO', code: 'TOOBIG', text: 'The message is too big' }

export class AppendDialogue {
  readonly tag: string
  readonly #effect: AppendEffect
  readonly #options: { readonly messageSize: number; readonly modes: Modes }
  readonly #reader: AppendReader
  #place: AppendPlace
  #waiting: 'steps' | 'chunk' | 'abort' | null = null
  /** Announced and not decided upon. */
  #announced: Announced | null = null
  /** What is answered once the handler has forgotten the messages. */
  #refusal: Done = tooBig

  constructor(tag: string, effect: AppendEffect, options: { messageSize: number; modes: Modes }) {
    this.tag = tag
    this.#effect = effect
    this.#options = options
    this.#reader = effect.reader
    this.#place = effect.reading.place
  }

  /** Whether an answer of the handler is outstanding. */
  get asking(): boolean {
    return this.#waiting !== null
  }

  begin(announced: Announced | null): AppendMove {
    this.#announced = announced
    if (this.#isTooBig(announced)) return { move: 'finish', done: tooBig, drop: 'literal' }
    const { mailbox, replaces, reading } = this.#effect
    const { modes } = this.#options
    const octets = announced?.size ?? null
    const unasked = announced?.synchronizing === false
    this.#waiting = 'steps'
    return {
      move: 'ask',
      question: { type: 'append', mailbox, replaces, modes, steps: reading.steps, octets, unasked },
    }
  }

  fragment(fragment: Fragment): AppendMove {
    if (fragment.type === 'chunk') {
      if (fragment.bytes.length === 0) return { move: 'wait' }
      this.#waiting = 'chunk'
      return { move: 'ask', question: { type: 'append-chunk', bytes: fragment.bytes } }
    }
    if (fragment.type === 'refused' || fragment.type === 'hopeless')
      return this.#abort(bad('the line is not right'))
    return this.#stretch(fragment)
  }

  /** The command goes on behind a literal. */
  #stretch(fragment: Extract<Fragment, { type: 'command' | 'literal' }>): AppendMove {
    const announced = fragment.type === 'literal' ? fragment : null
    this.#announced = announced
    let reading: AppendReading
    try {
      const cursor = new Cursor(fragment.parts, { pending: announced !== null, modes: this.#options.modes })
      reading = this.#reader.read(cursor, this.#place)
    } catch (error) {
      if (!(error instanceof ParseError)) throw error
      if (!(error instanceof LiteralWanted) || announced === null) return this.#abort(bad(error.message))
      if (fragment.type === 'literal' && fragment.tooBig) return this.#abort(bad('the literal is too big'))
      this.#announced = null
      return { move: 'collect', synchronizing: announced.synchronizing }
    }
    if (this.#isTooBig(announced)) return this.#abort(tooBig)
    this.#place = reading.place
    this.#waiting = 'steps'
    const octets = announced?.size ?? null
    const unasked = announced?.synchronizing === false
    const { modes } = this.#options
    return { move: 'ask', question: { type: 'append-more', steps: reading.steps, octets, unasked, modes } }
  }

  answered(answer: ImapAnswer): AppendMove {
    const waited = this.#waiting
    this.#waiting = null
    if (waited === 'abort') return this.#finish(this.#refusal, 'nothing')
    if (answer.type === 'done') return this.#finish(answer, waited === 'chunk' ? 'rest' : 'nothing')
    if (answer.type !== 'proceed') throw new Error('an APPEND was answered with something else')
    const announced = this.#announced
    this.#announced = null
    return announced === null ? { move: 'wait' } : { move: 'stream', synchronizing: announced.synchronizing }
  }

  #finish(done: Done, drop: 'rest' | 'nothing'): AppendMove {
    return { move: 'finish', done, drop: this.#announced === null ? drop : 'literal' }
  }

  #abort(refusal: Done): AppendMove {
    this.#refusal = refusal
    this.#waiting = 'abort'
    return { move: 'ask', question: { type: 'append-abort' } }
  }

  #isTooBig(announced: Announced | null): boolean {
    return announced !== null && announced.size > this.#options.messageSize
  }
}

function bad(text: string): Done {
  return { type: 'done', status: 'BAD', text: `Syntax error: ${text}` }
}
