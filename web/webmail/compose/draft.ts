// A message being written: its fields as signals, saved as a draft a moment after each change, sent by a submission that can be taken
// back for a few seconds (RFC 8621 §7; the delay is FUTURERELEASE, RFC 4865, where the server offers it).
import { signal, type Signal } from '@preact/signals'
import { checkSet, JmapError } from '../../shared/jmap/client.ts'
import type { EmailAddress, Id, Identity, QueryResponse, SetResponse } from '../../shared/jmap/types.ts'
import { formatSize } from '../../shared/format.ts'
import type { Quote } from '../../shared/mail/frame-messages.ts'
import type { DraftFile, DraftStart, Webmail } from '../store/webmail.ts'
import { looksLikeAddress, parseAddresses } from './addresses.ts'
import { escapeHtml, htmlToText, sendableHtml, textToHtml } from '../../shared/mail/html-text.ts'
import { readSetting } from '../../shared/settings.ts'

export interface Upload {
  readonly key: number
  readonly name: string
  readonly size: number
  readonly progress: number
  readonly abort: AbortController
}

/** Milliseconds after a change; each new one waits anew, but not for longer than this since the first. */
const saveAfter = 1500
const saveAtLatest = 8000
const saveAgainAfter = 10_000
const longestUndo = 120

/** Seconds for which what was sent can be taken back, as the user of this browser wants it. */
export function undoSeconds(): number {
  const seconds = Number(readSetting('undo-seconds', '10'))
  return Number.isInteger(seconds) && seconds >= 0 && seconds <= longestUndo ? seconds : 10
}

/** Not `randomUUID`: that is for pages over TLS alone. */
function contentId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((octet) => octet.toString(16).padStart(2, '0'))
    .join('')
}

export class DraftMessage {
  readonly webmail: Webmail
  readonly start: DraftStart
  readonly to: Signal<readonly EmailAddress[]>
  readonly cc: Signal<readonly EmailAddress[]>
  readonly bcc: Signal<readonly EmailAddress[]>
  readonly subject: Signal<string>
  readonly identityId: Signal<Id>
  readonly plain: Signal<boolean>
  readonly text: Signal<string> = signal('')
  readonly files: Signal<readonly DraftFile[]>
  readonly uploads: Signal<readonly Upload[]> = signal([])
  readonly status: Signal<'new' | 'changed' | 'saving' | 'saved' | 'failed' | 'sending'> = signal('new')
  html: string
  /** Not yet in `html`: the editor cleans it and puts it there. */
  quote: Quote | null
  /** Content-IDs of pictures in the text, by data URL. */
  readonly contentIds: Map<string, string>
  /** Resolves when what was written in the editor has come here. */
  flush: () => Promise<void> = () => Promise.resolve()
  #draftId: Id | null
  /** Drafts whose place was taken, and that could not be removed yet. */
  readonly #replaced = new Set<Id>()
  /** Sent or thrown away: nothing of it is saved any more. */
  #over = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #saving: Promise<void> = Promise.resolve()
  #lastUpload = 0
  #changedSince = 0

  constructor(webmail: Webmail, start: DraftStart) {
    this.webmail = webmail
    this.start = start
    this.to = signal(parseAddresses(start.to ?? ''))
    this.cc = signal(parseAddresses(start.cc ?? ''))
    this.bcc = signal(parseAddresses(start.bcc ?? ''))
    this.subject = signal(start.subject ?? '')
    this.plain = signal(start.plain ?? false)
    this.files = signal(start.attachments ?? [])
    this.identityId = signal(start.identityId ?? webmail.identities.value[0]?.id ?? '')
    this.#draftId = start.draftId ?? null
    const body = start.html ?? ''
    this.html =
      start.kind === 'edit'
        ? body
        : `<div><br></div>${this.signature()}${body === '' ? '' : '<div><br></div>'}${body}`
    this.quote = start.quote ?? null
    this.contentIds = new Map(start.pictures)
    for (const { cid } of this.files.value) {
      const url = cid === undefined ? undefined : this.quote?.inline[cid]
      if (cid !== undefined && url !== undefined) this.contentIds.set(url, cid)
    }
    this.text.value = htmlToText(this.html + (this.quote?.html ?? ''))
  }

  get identity(): Identity | undefined {
    const known = this.webmail.identities.value
    // A window that was opened without a network has none yet.
    return known.find(({ id }) => id === this.identityId.value) ?? known[0]
  }

  /** The identity's signature as it stands in the text. */
  signature(): string {
    const html = this.identity?.htmlSignature ?? ''
    const text = this.identity?.textSignature ?? ''
    const inside = html === '' ? (text === '' ? '' : escapeHtml(text).replaceAll('\n', '<br>')) : html
    return inside === '' ? '' : `<div class="posthorn-signature"><div>-- </div>${inside}</div><div><br></div>`
  }

  get isEmpty(): boolean {
    const people = this.to.value.length + this.cc.value.length + this.bcc.value.length
    return (
      this.start.kind === 'new' &&
      people === 0 &&
      this.subject.value === '' &&
      this.files.value.length === 0 &&
      this.#bodyText().trim() === htmlToText(this.signature()).trim()
    )
  }

  #bodyText(): string {
    return this.plain.value ? this.text.value : htmlToText(this.html)
  }

  /** The editor has cleaned the quote and put it in its place. */
  opened(html: string): void {
    this.html = html
    this.quote = null
  }

  /** Called with every change: it is saved a moment later. */
  touch(): void {
    if (this.#over || this.status.value === 'sending') return
    // Whoever writes without a pause has it saved all the same: what a browser that dies takes along is little.
    if (this.status.value !== 'changed') this.#changedSince = Date.now()
    this.status.value = 'changed'
    clearTimeout(this.#timer)
    const longest = Math.max(0, this.#changedSince + saveAtLatest - Date.now())
    this.#timer = setTimeout(() => void this.save(), Math.min(saveAfter, longest))
  }

  setPlain(plain: boolean): void {
    if (plain) this.text.value = htmlToText(this.html + (this.quote?.html ?? ''))
    else {
      this.html = textToHtml(this.text.value)
      this.quote = null
    }
    this.plain.value = plain
    this.touch()
  }

  /** Uploads a file, as an attachment or, with a data URL, as a picture in the text. */
  async attach(file: File, dataUrl?: string): Promise<void> {
    const there = [...this.files.value, ...this.uploads.value].reduce((sum, { size }) => sum + size, 0)
    const { largestFiles } = this.webmail.client
    if (there + file.size > largestFiles) {
      throw new JmapError(
        'tooLarge',
        `the files of one message may have ${formatSize(largestFiles)} together.`,
      )
    }
    const key = ++this.#lastUpload
    const abort = new AbortController()
    const show = (progress: number): void => {
      const others = this.uploads.value.filter((upload) => upload.key !== key)
      this.uploads.value = [...others, { key, name: file.name, size: file.size, progress, abort }]
    }
    show(0)
    const type = file.type === '' ? 'application/octet-stream' : file.type
    try {
      const { blobId, size } = await this.webmail.client.upload(file, {
        type,
        onProgress: show,
        signal: abort.signal,
      })
      const cid = dataUrl === undefined ? undefined : `${contentId()}@posthorn`
      if (cid !== undefined && dataUrl !== undefined) this.contentIds.set(dataUrl, cid)
      this.files.value = [
        ...this.files.value,
        { blobId, name: file.name, type, size, ...(cid === undefined ? {} : { cid }) },
      ]
      this.touch()
    } finally {
      this.uploads.value = this.uploads.value.filter((upload) => upload.key !== key)
    }
  }

  removeFile(blobId: Id): void {
    this.files.value = this.files.value.filter((file) => file.blobId !== blobId)
    this.touch()
  }

  #email(mailboxId: Id): Record<string, unknown> {
    const { identity, start } = this
    const from =
      identity === undefined
        ? { name: null, email: this.webmail.client.session.username }
        : { name: identity.name === '' ? null : identity.name, email: identity.email }
    const text = this.#bodyText()
    const html = this.plain.value ? null : sendableHtml(this.html, this.contentIds)
    // A picture that is no longer in the text is not sent either.
    const files = this.files.value.filter(({ cid }) => cid === undefined || html?.includes(`"cid:${cid}"`))
    const parts = files.map(({ blobId, name, type, cid }) => ({
      ...{ blobId, name, type },
      ...(cid === undefined ? { disposition: 'attachment' } : { disposition: 'inline', cid }),
    }))
    return {
      mailboxIds: { [mailboxId]: true },
      keywords: { $draft: true, $seen: true },
      from: [from],
      to: this.to.value,
      ...(this.cc.value.length > 0 && { cc: this.cc.value }),
      ...(this.bcc.value.length > 0 && { bcc: this.bcc.value }),
      ...(identity?.replyTo != null && { replyTo: identity.replyTo }),
      subject: this.subject.value,
      ...(start.inReplyTo !== undefined && start.inReplyTo.length > 0 && { inReplyTo: start.inReplyTo }),
      ...(start.references !== undefined && start.references.length > 0 && { references: start.references }),
      ...(start.forwardedIds !== undefined &&
        start.forwardedIds.length > 0 && {
          'header:X-Forwarded-Message-Id:asMessageIds': start.forwardedIds,
        }),
      textBody: [{ partId: 'text', type: 'text/plain' }],
      ...(html !== null && { htmlBody: [{ partId: 'html', type: 'text/html' }] }),
      bodyValues: { text: { value: text }, ...(html !== null && { html: { value: html } }) },
      ...(parts.length > 0 && { attachments: parts }),
    }
  }

  get #draftsId(): Id {
    const { store } = this.webmail
    return store.byRole('drafts')?.id ?? store.byRole('inbox')?.id ?? ''
  }

  /** Puts the new draft in the old one's place: an Email's text never changes (RFC 8621 §4). */
  async save(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#over || this.status.value === 'sending') return
    // The editor has not put the quote into the text yet; of a draft that was taken up again that is all of it.
    if (this.quote !== null && !this.plain.value) {
      if (this.status.value === 'changed') this.#timer = setTimeout(() => void this.save(), saveAfter)
      return
    }
    this.#saving = this.#saving.then(() => this.#save())
    await this.#saving
  }

  /** For closing the window; false: it could not be saved, and nobody else has the text. */
  async keep(): Promise<boolean> {
    await this.flush()
    const unsaved = (): boolean => this.status.value === 'changed' || this.status.value === 'failed'
    if (unsaved() && !this.isEmpty) await this.save()
    else await this.#saving
    return this.isEmpty || !unsaved()
  }

  async #save(): Promise<void> {
    // While it is being sent, that is what is said.
    if (this.status.value !== 'sending') this.status.value = 'saving'
    try {
      const { client } = this.webmail
      const made = await client.call<SetResponse>('Email/set', {
        create: { draft: this.#email(this.#draftsId) },
      })
      checkSet(made)
      if (this.#draftId !== null) this.#replaced.add(this.#draftId)
      this.#draftId = made.created?.['draft']?.id ?? null
      // Only now: in one call the old one would go even where the new one is refused, and nothing would be left of it.
      await this.#removeReplaced()
      // TypeScript narrows to what was set above, but a change may have come while this waited.
      if ((this.status.value as string) === 'saving') this.status.value = 'saved'
    } catch {
      if ((this.status.value as string) !== 'sending') this.status.value = 'failed'
      this.#timer = setTimeout(() => void this.save(), saveAgainAfter)
    }
  }

  /** What cannot be removed now is with the next save: the text itself is safe. */
  async #removeReplaced(): Promise<void> {
    const destroy = [...this.#replaced]
    if (destroy.length === 0) return
    await this.webmail.client.call<SetResponse>('Email/set', { destroy }).then(
      () => destroy.forEach((id) => this.#replaced.delete(id)),
      () => undefined,
    )
  }

  /** Throws it away, on the server too. */
  async discard(): Promise<void> {
    clearTimeout(this.#timer)
    this.#over = true
    for (const { abort } of this.uploads.value) abort.abort()
    await this.#saving
    const destroy = [...this.#replaced, ...(this.#draftId === null ? [] : [this.#draftId])]
    if (destroy.length > 0) await this.webmail.client.call<SetResponse>('Email/set', { destroy })
  }

  /** What stands against sending it, in words; null: nothing. */
  problem(): string | null {
    const people = [...this.to.value, ...this.cc.value, ...this.bcc.value]
    if (people.length === 0) return 'There is nobody to send it to.'
    const wrong = people.find(({ email }) => !looksLikeAddress(email))
    if (wrong !== undefined) return `“${wrong.email}” is no address.`
    if (this.uploads.value.length > 0) return 'A file is still being uploaded.'
    if (this.quote !== null && !this.plain.value) return 'The editor is not ready yet.'
    return this.identity === undefined ? 'There is no identity to send as.' : null
  }

  /**
   * Hands it over; held back until `at`, or for the seconds in which it can be taken back. Resolves to what takes it back, and says
   * which draft it is then.
   */
  async send(at: Date | null): Promise<() => Promise<Id>> {
    clearTimeout(this.#timer)
    // First of all: from here on nothing else saves, and no second key sends.
    this.status.value = 'sending'
    await this.flush()
    await this.#saving
    try {
      return await this.#hand(at)
    } catch (error) {
      this.status.value = 'failed'
      this.touch()
      throw error
    }
  }

  async #hand(at: Date | null): Promise<() => Promise<Id>> {
    const { client, store } = this.webmail
    const drafts = this.#draftsId
    const sent = store.byRole('sent')?.id ?? drafts
    const people = [...this.to.value, ...this.cc.value, ...this.bcc.value]
    const seconds = undoSeconds()
    const hold =
      at !== null
        ? { HOLDUNTIL: `${at.toISOString().slice(0, 19)}Z` }
        : seconds > 0
          ? { HOLDFOR: String(seconds) }
          : null
    const from = this.identity?.email ?? client.session.username
    const envelope = {
      mailFrom: { email: from, parameters: this.webmail.mayHold ? hold : null },
      rcptTo: people.map(({ email }) => ({ email, parameters: null })),
    }
    const batch = client.batch()
    const made = batch.add<SetResponse>('Email/set', { create: { draft: this.#email(drafts) } })
    const submitted = batch.add<SetResponse>('EmailSubmission/set', {
      create: { send: { identityId: this.identity?.id, emailId: '#draft', envelope } },
      onSuccessUpdateEmail: {
        '#send': { [`mailboxIds/${drafts}`]: null, [`mailboxIds/${sent}`]: true, 'keywords/$draft': null },
      },
    })
    await batch.send()
    const email = await made.result
    checkSet(email)
    const submission = await submitted.result
    const emailId = email.created?.['draft']?.id ?? ''
    if (submission.created?.['send'] === undefined) {
      await client.call<SetResponse>('Email/set', { destroy: [emailId] }).catch(() => undefined)
      checkSet(submission)
      throw new JmapError('serverFail', 'The server did not take it.')
    }
    this.#over = true
    await this.#afterSend()
    this.webmail.contacts.learn(people)
    const submissionId = submission.created['send'].id
    return () => this.#takeBack(submissionId, emailId, { drafts, sent })
  }

  /** The saved draft goes, the answered message is marked. */
  async #afterSend(): Promise<void> {
    const { start, webmail } = this
    const keyword = { reply: '$answered', forward: '$forwarded', new: null, edit: null }[
      start.answers ?? start.kind
    ]
    const original = keyword === null ? null : await this.#findOriginal().catch(() => null)
    await webmail.client
      .call<SetResponse>('Email/set', {
        destroy: [...this.#replaced, ...(this.#draftId === null ? [] : [this.#draftId])],
        ...(original !== null && { update: { [original]: { [`keywords/${keyword}`]: true } } }),
      })
      // The message has gone: that an old draft stays is no reason to say otherwise.
      .catch(() => undefined)
    this.#draftId = null
  }

  /** Of a draft that was taken up again, only the Message-ID of what it answers is known. */
  async #findOriginal(): Promise<Id | null> {
    const { original, forwardedIds, inReplyTo } = this.start
    if (original !== undefined) return original
    const [messageId] = forwardedIds ?? inReplyTo ?? []
    if (messageId === undefined) return null
    const filter = { header: ['Message-ID', `<${messageId}>`] }
    const { ids } = await this.webmail.client.call<QueryResponse>('Email/query', { filter, limit: 1 })
    return ids[0] ?? null
  }

  async #takeBack(submissionId: Id, emailId: Id, { drafts, sent }: { drafts: Id; sent: Id }): Promise<Id> {
    checkSet(
      await this.webmail.client.call<SetResponse>('EmailSubmission/set', {
        update: { [submissionId]: { undoStatus: 'canceled' } },
      }),
    )
    const back = { [`mailboxIds/${sent}`]: null, [`mailboxIds/${drafts}`]: true, 'keywords/$draft': true }
    checkSet(await this.webmail.client.call<SetResponse>('Email/set', { update: { [emailId]: back } }))
    return emailId
  }
}
