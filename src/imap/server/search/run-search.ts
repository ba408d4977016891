// A search of one mailbox, reading no more than the answer needs: first what the view knows, then columns of facts kept in memory, then
// the full-text index, and at last the octets of messages that are still undecided.
//
// - The index is a filter: where it is not sure, or has not come to a message yet, the message is read. Without an index everything
//   works the same, by reading.
// - Expunged messages match nothing, told or not.
// - Long work goes in turns (`Pace`) and shows signs of life (`Progress`); it ends when the client is gone.
import { decodeStructure } from '../../../mail/mime/codec.ts'
import { errorText } from '../../../events/error-text.ts'
import { judge } from './judge.ts'
import * as searchEvents from '../../../events/search.ts'
import { StoreUnavailable } from '../../../store/store.ts'
import { limitMessages } from '../messages/message-limit.ts'
import { MessageBytes } from '../messages/message-bytes.ts'
import { Pace } from '../pace.ts'
import { place, placeValues } from './placing.ts'
import { Progress } from '../progress.ts'
import { rangesOf } from '../messages/numbers.ts'
import { readMessage } from './read-message.ts'
import { scopeOf } from './scope.ts'
import { tryReadySearch } from './ready-search.ts'
import type { CommandRun } from '../context.ts'
import type { EmailId } from '../../../store/model.ts'
import type { Evidence } from './judge.ts'
import type { FactKind, MailboxFacts } from './facts/mailbox-facts.ts'
import type { FuzzyJudge, SearchAnswer, Searcher, TextKey } from '../../../search/search.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { ReadySearch, Searched } from './ready-search.ts'
import type { SearchProgram } from '../../proto/grammar/search-key.ts'

/** So few messages are read without asking the index. */
const fewMessages = 20
/** So many undecided messages are worth loading the headers of the whole mailbox. */
const manyMessages = 2_000
/** Messages that may be missing in the facts of headers, and are loaded for a search that could do without. */
const smallGap = 1_000

export interface FoundMessages {
  readonly searched: Searched
  /** Indexes of the view, ascending. */
  readonly matches: readonly number[]
  /** RFC 6203 §4: 1 to 100. */
  readonly scoreOf: (index: number) => number
  /** RFC 7162 §3.1.5: 0 where it is not known. */
  readonly modSeqOf: (index: number) => number
  readonly facts: MailboxFacts
  /** RFC 9738 §3.1: the lowest UID that was looked at, where some were left out. */
  readonly lowest: number | null
}

/** Undefined: the charset is not known. */
export async function runSearch(
  run: CommandRun,
  searched: Searched,
  program: SearchProgram,
): Promise<FoundMessages | undefined> {
  const ready = tryReadySearch(program, { searched, now: run.session.parts.clock.now() })
  return ready && new Search(run, searched, ready).run()
}

/** Loads facts of a mailbox up to the last message of the view. */
export async function loadFacts(
  run: CommandRun,
  of: { searched: Searched; facts: MailboxFacts; kinds: readonly FactKind[] },
): Promise<void> {
  const { searched, facts, kinds } = of
  const { account, mailbox, view } = searched
  const { store } = run.session.parts
  if (view.length === 0) return
  const progress = new Progress(run, view.length)
  let done = 0
  const onBatch = (messages: number): boolean => {
    done += messages
    void progress.tell(done)
    return !run.output.gone
  }
  await facts.load({ store, account, mailbox, kinds, upTo: view.uid(view.length - 1), onBatch })
}

/** One search at work. */
class Search {
  readonly #run: CommandRun
  readonly #searched: Searched
  readonly #ready: ReadySearch
  readonly #facts: MailboxFacts
  readonly #pace = new Pace()
  readonly #progress: Progress
  readonly #matches: number[] = []
  /** Scores of messages that were read. */
  readonly #readScores = new Map<number, readonly number[]>()
  #evidence: Evidence

  constructor(run: CommandRun, searched: Searched, ready: ReadySearch) {
    this.#run = run
    this.#searched = searched
    this.#ready = ready
    const { account, mailbox, view } = searched
    this.#facts = run.session.parts.facts.of(account, mailbox, view.length)
    this.#progress = new Progress(run, view.length)
    const nothing = ready.texts.map(() => null)
    this.#evidence = {
      ...{ view, rows: null, texts: null, modSeqs: null, threads: null },
      ...{ columns: nothing, answers: nothing, indexedUpTo: 0 },
    }
  }

  async run(): Promise<FoundMessages> {
    const { view } = this.#searched
    await this.#gather()
    const scope = scopeOf(this.#ready.criteria, view.length)
    const { indexes, lowest } = limitMessages(this.#run, view, scope)
    let open = await this.#judge(indexes)
    if (open.length > fewMessages && this.#run.session.parts.searcher !== null) {
      await this.#askIndex()
      open = await this.#judge(rangesOf(open))
    }
    if (open.length > manyMessages && this.#columnsWouldHelp()) {
      await this.#loadTexts()
      open = await this.#judge(rangesOf(open))
    }
    if (open.length > 0) await this.#read(open)
    const matches = this.#inOrder()
    const { modSeqs } = this.#evidence
    return {
      ...{ searched: this.#searched, matches, facts: this.#facts, lowest },
      scoreOf: (index) => this.#scoreOf(index),
      modSeqOf: (index) => modSeqs?.[index] ?? 0,
    }
  }

  #inOrder(): number[] {
    const matches = this.#matches
    let ascends = true
    for (let at = 1; at < matches.length && ascends; at++)
      ascends = (matches[at - 1] ?? 0) < (matches[at] ?? 0)
    return ascends ? matches : matches.sort((a, b) => a - b)
  }

  /** What the keys want for certain. */
  async #gather(): Promise<void> {
    const { needs } = this.#ready
    const { account, mailbox, view } = this.#searched
    const { store } = this.#run.session.parts
    if (needs.rows) await this.#loadRows()
    if (needs.sentDates || this.#columnsAreThere()) await this.#loadTexts()
    if (needs.modSeqs) {
      const { uids, modSeqs } = await store.loadModSeqs({ account, mailbox })
      this.#evidence = { ...this.#evidence, modSeqs: placeValues(view, uids, modSeqs) }
    }
    if (needs.threads) {
      const { uids, threads } = await store.loadEmails({ account, mailbox })
      this.#evidence = { ...this.#evidence, threads: placeValues(view, uids, threads) }
    }
  }

  async #loadRows(): Promise<void> {
    const { view } = this.#searched
    const { rows } = this.#facts
    await loadFacts(this.#run, { searched: this.#searched, facts: this.#facts, kinds: ['rows'] })
    this.#evidence = { ...this.#evidence, rows: { facts: rows, places: place(view, rows.uids) } }
  }

  /** Loads facts of headers, and looks for the texts that are of the envelope. */
  async #loadTexts(): Promise<void> {
    const { view } = this.#searched
    const { texts } = this.#facts
    await loadFacts(this.#run, { searched: this.#searched, facts: this.#facts, kinds: ['texts'] })
    const columns: (Uint8Array | null)[] = []
    for (const { part, fuzzy } of this.#ready.texts) {
      const searches = part.of === 'envelope' && !(fuzzy && this.#run.session.parts.searcher !== null)
      columns.push(searches ? await texts.texts[part.field].find(part.text, this.#pace) : null)
    }
    this.#evidence = { ...this.#evidence, columns, texts: { facts: texts, places: place(view, texts.uids) } }
  }

  #ofEnvelope(): boolean {
    return this.#ready.texts.some(({ part }) => part.of === 'envelope')
  }

  /** Headers are in memory, or nearly, or there is nothing else to ask. */
  #columnsAreThere(): boolean {
    const { view } = this.#searched
    if (!this.#ofEnvelope() || view.length === 0) return false
    if (this.#run.session.parts.searcher === null) return view.length > fewMessages
    return this.#facts.texts.nextUid + smallGap > view.uid(view.length - 1)
  }

  #columnsWouldHelp(): boolean {
    return this.#evidence.texts === null && this.#ofEnvelope()
  }

  async #askIndex(): Promise<void> {
    const { searcher } = this.#run.session.parts
    const { texts } = this.#ready
    const { columns } = this.#evidence
    const asked = texts.flatMap(({ key }, number) =>
      key === null || (columns[number] ?? null) !== null ? [] : [{ key, number }],
    )
    if (searcher === null || asked.length === 0) return
    if (this.#evidence.rows === null) await this.#loadRows()
    const answer = await this.#lookUp(searcher, asked)
    if (answer === null) return
    const answers = texts.map((_, number) => {
      const at = asked.findIndex((each) => each.number === number)
      return answer.keys[at] ?? null
    })
    this.#evidence = { ...this.#evidence, answers, indexedUpTo: answer.indexedUpTo }
  }

  /** Null where the index cannot be read: it is derived, and the messages themselves are there. */
  async #lookUp(
    searcher: Searcher,
    asked: readonly { readonly key: TextKey }[],
  ): Promise<SearchAnswer | null> {
    const { account } = this.#searched
    const { sink, parts } = this.#run.session
    try {
      return await searcher.lookUp({ account, keys: asked.map(({ key }) => key), signal: sink.gone })
    } catch (error) {
      if (error instanceof StoreUnavailable || sink.gone.aborted) throw error
      parts.events.emit(searchEvents.indexUnreadable, { account, error: errorText(error) })
      return null
    }
  }

  /** Keeps those that match; gives those that are undecided. */
  async #judge(indexes: Ranges): Promise<number[]> {
    const { view } = this.#searched
    const { criteria, keys } = this.#ready
    const evidence = this.#evidence
    const open: number[] = []
    for (const [first, last] of indexes) {
      for (let index = first; index <= last; index++) {
        if (view.anyGone && view.isGone(view.uid(index))) continue
        const verdict = judge(criteria, index, evidence)
        if (verdict === true) this.#matches.push(index)
        else if (verdict === null) open.push(index)
        const others = this.#pace.spend(keys)
        if (others === undefined) continue
        await others
        if (this.#run.output.gone) return []
        await this.#progress.tell(index)
      }
    }
    return open
  }

  /** Reads messages that nothing else decides. */
  async #read(open: readonly number[]): Promise<void> {
    const { account, mailbox, view } = this.#searched
    const { store, config } = this.#run.session.parts
    const { criteria, keys } = this.#ready
    const fuzzy = await this.#fuzzyJudges()
    const texts = this.#ready.texts.map((text, number) => ({
      ...text,
      fuzzy: (fuzzy[number] ?? null) !== null,
    }))
    const wanted = new Set(open)
    const uids = view.selection(rangesOf(open))
    const progress = new Progress(this.#run, open.length)
    let done = 0
    for await (const batch of store.messageTexts({ account, mailbox, uids })) {
      for (const message of batch) {
        const index = view.indexOf(message.uid)
        if (index === -1 || !wanted.has(index)) continue
        const bytes = new MessageBytes(store.blobs, message, decodeStructure(message.structure))
        const { reading, scores } = await readMessage(bytes, {
          ...{ texts, fuzzy, budget: config },
          decides: (so) => judge(criteria, index, this.#evidence, so) !== null,
        })
        if (judge(criteria, index, this.#evidence, reading) === true) {
          this.#matches.push(index)
          if (scores.some((score) => score > 0)) this.#readScores.set(index, scores)
        }
        const others = this.#pace.spend(keys + 1_000)
        if (others !== undefined) await others
      }
      if (this.#run.output.gone) return
      done += batch.length
      await progress.tell(done)
    }
  }

  async #fuzzyJudges(): Promise<(FuzzyJudge | null)[]> {
    const { searcher } = this.#run.session.parts
    return Promise.all(
      this.#ready.texts.map(({ key, fuzzy }) =>
        fuzzy && key !== null && searcher !== null ? searcher.fuzzyJudge(key) : null,
      ),
    )
  }

  /** RFC 6203 §4: of several fuzzy keys that match, the mean. */
  #scoreOf(index: number): number {
    const { rows, answers } = this.#evidence
    const read = this.#readScores.get(index)
    const email = rows === null ? 0 : rows.facts.emails.at(rows.places[index] ?? -1)
    let sum = 0
    let count = 0
    for (const [number, { fuzzy }] of this.#ready.texts.entries()) {
      if (!fuzzy) continue
      const answer = answers[number] ?? null
      const score = read?.[number] ?? (answer === null ? 0 : scoreOf(answer, email))
      if (score === 0) continue
      sum += score
      count++
    }
    return count === 0 ? 100 : Math.min(100, Math.max(1, Math.round(sum / count)))
  }
}

function scoreOf(answer: NonNullable<Evidence['answers'][number]>, email: number): number {
  const id = email as EmailId
  return answer.judge(id) === true ? answer.score(id) : 0
}
