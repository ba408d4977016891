// What one client knows of the mailboxes that it watches with NOTIFY (RFC 5465) beside the selected one, made of what it was told and of
// what it did itself: RFC 5465 §5 lets a server be silent about that.
//
// - STATUS comes of what is watched and not selected, with the values that the model has.
// - LIST comes where names were asked for: of a name that is there, or, as \NonExistent, of one that is not any more.
// - After each change, whoever made it, the client has the counts of all that it watches.
import { Illegal, isList, numberOf, pairsOf, wordOf, wordsOf } from './responses.ts'
import { canonical } from './mailboxes.ts'
import { statusItems } from './actions/mailboxes.ts'
import type { Account, Mailbox } from './mailboxes.ts'
import type { Session } from './session.ts'
import type { Untagged } from './responses.ts'

export interface Wish {
  means(name: string, account: Account): boolean
  /** FlagChange too, or names. */
  readonly flags: boolean
  readonly names: boolean
}

/** Values by item; those of MESSAGES, UIDNEXT, and of UNSEEN and HIGHESTMODSEQ where they are wanted. */
type Values = Map<string, number>

interface Picture {
  readonly name: string
  readonly values: Values
}

const valueOf = new Map(statusItems)

export class Watching {
  readonly #session: Session
  readonly #wish: Wish
  #pictures = new Map<Mailbox, Picture>()
  #names = new Set<string>()

  constructor(session: Session, wish: Wish) {
    this.#session = session
    this.#wish = wish
  }

  /** Mailboxes of which STATUS may come. */
  get watched(): Mailbox[] {
    const { account, view } = this.#session
    return account.mailboxes.filter(
      (mailbox) => mailbox.selectable && mailbox !== view?.mailbox && this.#wish.means(mailbox.name, account),
    )
  }

  /** Items that the client is kept up to date with. */
  get items(): string[] {
    const { condstore } = this.#session.modes
    const flags = this.#wish.flags ? ['UNSEEN', ...(condstore ? ['HIGHESTMODSEQ'] : [])] : []
    return ['MESSAGES', 'UIDNEXT', ...flags]
  }

  get #wantedNames(): string[] {
    const { account } = this.#session
    return account.names.filter((name) => this.#wish.means(name, account))
  }

  /** A command of its own has ended: what it did it knows, and what others did before it was told before. */
  refresh(): void {
    this.#pictures = new Map(this.watched.map((mailbox) => [mailbox, this.#pictureOf(mailbox)]))
    this.#names = new Set(this.#wantedNames)
  }

  #pictureOf(mailbox: Mailbox): Picture {
    return { name: mailbox.name, values: new Map(this.items.map((item) => [item, actual(mailbox, item)])) }
  }

  /** Something is said that no command asked for. */
  hear(response: Untagged): void {
    if (response.name === 'STATUS') this.#hearStatus(response)
    if (response.name === 'LIST') this.#hearList(response)
  }

  #hearStatus({ values: [named, list], line }: Untagged): void {
    const name = canonical(wordOf(named))
    const mailbox = this.watched.find((each) => each.name === name)
    if (mailbox === undefined) throw new Illegal(`nobody watches that: ${line}`)
    const values: Values = new Map(this.#pictures.get(mailbox)?.values)
    for (const [item, value] of pairsOf(list)) {
      if (numberOf(value) !== actual(mailbox, item))
        throw new Illegal(`${item} of ${name} is ${actual(mailbox, item)}: ${line}`)
      values.set(item, numberOf(value))
    }
    this.#pictures.set(mailbox, { name, values })
  }

  #hearList({ values, line }: Untagged): void {
    const name = wordOf(values[2])
    const { account } = this.#session
    if (!this.#wish.names) throw new Illegal(`nobody wants names: ${line}`)
    const isGone = wordsOf(values[0]).includes('\\nonexistent')
    if (isGone !== (account.find(name) === undefined)) throw new Illegal(`${name} is not so: ${line}`)
    const old = oldNameIn(values[3])
    // RFC 5465 §5.4: "When a mailbox is renamed, its children are renamed too. No additional MailboxName events are sent". What was in
    // INBOX moves, and INBOX stays (RFC 3501 §6.3.5).
    const moved = old === null || old === 'INBOX' ? [] : [...this.#names].filter(isAtOrBelow(old))
    for (const each of moved) {
      this.#names.delete(each)
      this.#names.add(name + each.slice(old?.length))
    }
    if (isGone) this.#names.delete(name)
    else this.#names.add(name)
  }

  /** Holds the pictures to the model. */
  compare(): void {
    const pictures = this.#pictures
    this.#pictures = new Map()
    for (const mailbox of this.watched) {
      const picture = pictures.get(mailbox)
      // RFC 5465 §5: of a mailbox that it did not watch before there is nothing to tell while it is empty.
      if (picture === undefined && mailbox.messages.length > 0)
        throw new Illegal(`the client was told nothing of ${mailbox.name}`)
      const now = this.#pictureOf(mailbox)
      for (const [item, value] of picture?.values ?? []) {
        // A new name is a change of the mailbox, and none of its messages.
        if (item === 'HIGHESTMODSEQ' && picture?.name !== mailbox.name) continue
        const actually = now.values.get(item)
        if (actually !== undefined && actually !== value)
          throw new Illegal(`${item} of ${mailbox.name} is ${actually}, and the client was told ${value}`)
      }
      this.#pictures.set(mailbox, now)
    }
    const names = this.#wantedNames
    if (this.#wish.names) {
      const known = [...this.#names].filter((name) => this.#wish.means(name, this.#session.account)).sort()
      if (known.join() !== names.join())
        throw new Illegal(`there are ${names.join()}, and the client was told of ${known.join()}`)
    }
    this.#names = new Set(names)
  }
}

function isAtOrBelow(top: string): (name: string) => boolean {
  return (name) => name === top || name.startsWith(`${top}/`)
}

function actual(mailbox: Mailbox, item: string): number {
  const value = valueOf.get(item)
  if (value === undefined) throw new Illegal(`${item} was not asked for`)
  return value(mailbox)
}

/** RFC 5258 §4: `("OLDNAME" ("a"))` among the extended data. */
function oldNameIn(extended: Untagged['values'][number] | undefined): string | null {
  if (!isList(extended)) return null
  const at = extended.findIndex((each) => !isList(each) && each !== null && wordOf(each) === 'OLDNAME')
  const names = at === -1 ? undefined : extended[at + 1]
  return isList(names) ? wordOf(names[0]) : null
}
