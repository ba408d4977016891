// Making an EmailSubmission (RFC 8621 §7.5): checks what is to be sent, by whom and to whom, and hands it to submission, which sends it as it
// would any other message. The rules are those of the submission port; the record is made in the commit that takes the message.
import { Buffer } from 'node:buffer'
import type { Random } from '../../base/random.ts'
import type { SubmissionConfig } from '../../config/sections/submission.ts'
import type { SubmissionRecord, SubmissionStatus } from '../../delivery/submission-record.ts'
import type { SubmittedRecipient, Submitter, SubmitRefusal } from '../../delivery/submitter.ts'
import { parseAddressList } from '../../mail/address-list.ts'
import { type Address, addressKey, tryAddress } from '../../mail/address.ts'
import { type AuthorField, readAuthorship } from '../../mail/authorship.ts'
import type { MessageOptions, RecipientOptions } from '../../mail/delivery-options.ts'
import { fieldValue, type HeaderField, messageIds, splitHeader } from '../../mail/header.ts'
import type { EmailText } from '../../store/emails.ts'
import type { ObjectId } from '../../store/model.ts'
import { submissionKind } from '../../store/submissions.ts'
import { invalidProperties, refusalOf, SetError, unsettable } from '../proto/errors.ts'
import { memberOf, objectOf, type Json, type JsonObject } from '../proto/json.ts'
import { Wrong } from '../proto/shape.ts'
import type { IdentityParts } from './identity.ts'
import { loadIdentities, ownsEmail, parseIdentity } from './identity-records.ts'
import type { MailAccess } from './mail-access.ts'
import { tryEmailNumber } from './mail-writing.ts'
import type { AccountCall } from './module.ts'
import type { ObjectTypeStore } from './object-type.ts'
import {
  type Envelope,
  readEnvelope,
  readMessageParameters,
  readRecipientParameters,
} from './submission-envelope.ts'
import { describeSubmission, liveSubmissions } from './submission-records.ts'

export interface SubmissionParts extends IdentityParts {
  readonly access: MailAccess
  readonly submitter: Pick<Submitter, 'submit'>
  readonly random: Random
  readonly config: SubmissionConfig
  readonly maxRecipients: number
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  /** Whether webhooks are told of what becomes of mail. */
  readonly webhooks: 'on' | 'off'
}

interface Sending {
  readonly parts: SubmissionParts
  readonly call: AccountCall
  readonly submissions: ObjectTypeStore
  readonly identities: ObjectTypeStore
}

/** An Email on its way, with what its header says. */
interface Letter {
  readonly text: EmailText
  readonly fields: readonly HeaderField[]
  readonly identityId: string
  /** The identity's address. */
  readonly identityEmail: string
}

interface Recipient {
  readonly email: string
  readonly address: Address
  readonly options: RecipientOptions
}

export async function send(sending: Sending, object: JsonObject): Promise<JsonObject | SetError> {
  const known = new Set(['identityId', 'emailId', 'envelope'])
  const strangers = Object.keys(object).filter((name) => !known.has(name))
  const refused = unsettable(strangers)
  if (!sending.call.caller.scopes.has('send')) {
    return new SetError('forbiddenToSend', 'What you logged in with does not open sending.')
  }
  const letter = await findLetter(sending, object)
  const given = memberOf(object, 'envelope') ?? null
  const read = given === null ? null : readEnvelope(given)
  const unsound =
    read instanceof Wrong ? invalidProperties(['envelope'], `envelope: ${read.description}`) : null
  const wrong = refusalOf([refused, letter, unsound])
  if (wrong !== null) return wrong
  if (letter instanceof SetError || read instanceof Wrong) throw new Error('what is wrong was not told')
  const unfit = await judge(sending, letter)
  if (unfit !== null) return unfit
  const envelope = read ?? madeEnvelope(sending, letter)
  if (envelope instanceof SetError) return envelope
  return submit(sending, { letter, envelope, isGiven: given !== null })
}

async function findLetter(
  { parts, call, identities }: Sending,
  object: JsonObject,
): Promise<Letter | SetError> {
  const { account } = call.place
  const resolve = (value: Json | undefined): string =>
    typeof value === 'string' ? (call.createdIds.resolve(value) ?? '') : ''
  const identityId = resolve(memberOf(object, 'identityId'))
  const all = await loadIdentities(identities, { account, now: call.now() })
  const identity = all.find(({ id }) => identities.idOf(account.id, id) === identityId)
  const email = tryEmailNumber(call.place, resolve(memberOf(object, 'emailId')))
  const view = await parts.access.view(await parts.access.rights(call.place))
  const isThere = email !== undefined && view.find(email) !== -1
  // RFC 8621 §7.5: "cannot be found … "invalidProperties"".
  const wrong = [...(identity === undefined ? ['identityId'] : []), ...(isThere ? [] : ['emailId'])]
  if (identity === undefined || email === undefined || !isThere) return invalidProperties(wrong)
  for await (const [text] of parts.store.emailTexts({ account: account.id, emails: [email] })) {
    if (text === undefined) break
    const { maxMessageSize } = parts
    if (maxMessageSize > 0 && text.size > maxMessageSize) {
      return new SetError('tooLarge', `More than ${maxMessageSize} octets.`, { maxSize: maxMessageSize })
    }
    const fields = splitHeader(await headerOf(parts, text)).fields
    return { text, fields, identityId, identityEmail: parseIdentity(identity).email }
  }
  return invalidProperties(['emailId'])
}

/** As a binary string, no more of it than submission takes. */
async function headerOf(
  { store, config }: SubmissionParts,
  { blob, size, prefix }: EmailText,
): Promise<string> {
  const end = Math.min(size - Buffer.byteLength(prefix), config.maxHeaderSize)
  const chunks: Uint8Array[] = []
  for await (const chunk of store.blobs.read(blob, { start: 0, end })) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

const propertyOf: Readonly<Record<AuthorField, string>> = {
  From: 'from',
  Sender: 'sender',
  'Resent-From': 'header:Resent-From:asAddresses',
  'Resent-Sender': 'header:Resent-Sender:asAddresses',
}

/** RFC 8621 §7.5 invalidEmail and forbiddenFrom: RFC 6409 §6.3. */
async function judge({ parts, call }: Sending, { fields }: Letter): Promise<SetError | null> {
  const authorship = readAuthorship(fields)
  if (!authorship.ok) {
    const property = authorship.fault === 'no-sender' ? 'sender' : propertyOf[authorship.field]
    return invalidEmail([property], `${authorship.field}: ${authorship.fault}`)
  }
  if (!parts.config.checkFrom) return null
  const resent = authorship.resent && parts.config.allowResent
  for (const { field, address } of authorship.claims) {
    if (resent && !field.startsWith('Resent-')) continue
    if (!(await ownsEmail(parts, call.place.account, addressKey(address)))) {
      return new SetError('forbiddenFrom', `${field} names an address that is not yours to write under.`)
    }
  }
  return null
}

function invalidEmail(properties: readonly string[], description: string): SetError {
  return new SetError('invalidEmail', description, { properties })
}

/** RFC 8621 §7: "the server MUST generate this from the referenced Email". */
function madeEnvelope({ call }: Sending, letter: Letter): Envelope | SetError {
  const named = (name: string): string[] =>
    letter.fields.filter((field) => field.name === name).flatMap((field) => addressesOf(field))
  const senders = named('sender')
  const authors = senders.length > 0 ? senders : named('from')
  const [author, ...more] = authors
  if (author === undefined || more.length > 0) {
    return invalidEmail([senders.length > 0 ? 'sender' : 'from'], 'One address is wanted to send under.')
  }
  // RFC 8621 §7: "If the address found from this is not allowed by the Identity …, the "email" property from the Identity MUST be used".
  const own = letter.identityEmail.startsWith('*@') ? call.place.account.address : letter.identityEmail
  const mailFrom = isOfIdentity(author, letter.identityEmail) ? author : own
  const rcptTo = new Map<string, string>()
  for (const email of ['to', 'cc', 'bcc'].flatMap(named)) {
    const address = tryAddress(email, { utf8: true })
    const key = address === undefined ? email : addressKey(address, { localPartCase: 'preserve' })
    if (!rcptTo.has(key)) rcptTo.set(key, email)
  }
  return {
    mailFrom: { email: mailFrom, parameters: null },
    rcptTo: [...rcptTo.values()].map((email) => ({ email, parameters: null })),
  }
}

/** RFC 8621 §6 `email`: of a whole domain, or one address. */
function isOfIdentity(email: string, identity: string): boolean {
  const one = tryAddress(email, { utf8: true })
  if (one === undefined) return false
  if (identity.startsWith('*@')) return addressKey(one).endsWith(identity.slice(1).toLowerCase())
  const other = tryAddress(identity, { utf8: true })
  return other !== undefined && addressKey(one) === addressKey(other)
}

const mostAddresses = 10_000

function addressesOf(field: HeaderField): string[] {
  const { addresses } = parseAddressList(fieldValue(field), mostAddresses)
  return addresses.flatMap(({ mailbox, host }) => {
    // RFC 5322 §3.4: marks of groups have no host.
    if (host === null || mailbox === null) return []
    const [local, domain] = [mailbox, host].map((text) => Buffer.from(text, 'latin1').toString('utf8'))
    return [domain === '' ? (local ?? '') : `${local}@${domain}`]
  })
}

interface Draft {
  readonly letter: Letter
  readonly envelope: Envelope
  readonly isGiven: boolean
}

async function submit(sending: Sending, draft: Draft): Promise<JsonObject | SetError> {
  const { parts, call } = sending
  const { envelope, letter } = draft
  const path = await reversePath(sending, envelope)
  if (path instanceof SetError) return path
  const recipients = await readRecipients(sending, envelope)
  if (recipients instanceof SetError) return recipients
  const options = readMessageParameters(envelope.mailFrom.parameters, {
    config: parts.config,
    now: call.now(),
  })
  if ('wrong' in options) return invalidProperties(['envelope'], `mailFrom: ${options.wrong} is not known so`)
  const limited = await charge(sending, recipients.length)
  if (limited !== null) return limited
  const utf8 = needsUtf8(letter, path === null ? recipients : [{ address: path }, ...recipients])
  return hand(sending, {
    ...draft,
    path,
    recipients,
    options: utf8 ? { ...options, smtpUtf8: true } : options,
  })
}

/** RFC 8621 §7.5 forbiddenMailFrom. */
async function reversePath(
  { parts, call }: Sending,
  { mailFrom }: Envelope,
): Promise<Address | null | SetError> {
  if (mailFrom.email === '') return null
  const address = tryAddress(mailFrom.email, { utf8: true })
  if (address === undefined) return invalidProperties(['envelope'], 'mailFrom: that is no address')
  const { account } = call.place
  if (!parts.config.checkSender || (await ownsEmail(parts, account, mailFrom.email))) return address
  return new SetError('forbiddenMailFrom', `${mailFrom.email} is not yours to send under.`)
}

async function readRecipients(
  { parts }: Sending,
  { rcptTo }: Envelope,
): Promise<readonly Recipient[] | SetError> {
  if (rcptTo.length === 0) return new SetError('noRecipients', 'Nobody is named as a recipient.')
  const { maxRecipients } = parts
  if (rcptTo.length > maxRecipients) {
    return new SetError('tooManyRecipients', `More than ${maxRecipients}.`, { maxRecipients })
  }
  const recipients: Recipient[] = []
  const wrong: string[] = []
  for (const { email, parameters } of rcptTo) {
    const address = tryAddress(email, { utf8: true })
    const options = readRecipientParameters(parameters)
    if ('wrong' in options) return invalidProperties(['envelope'], `rcptTo: ${options.wrong} is not known so`)
    if (address === undefined || (await leadsNowhere(parts, address))) wrong.push(email)
    else recipients.push({ email, address, options })
  }
  if (wrong.length === 0) return recipients
  return new SetError('invalidRecipients', 'Not all addresses can be sent to.', { invalidRecipients: wrong })
}

/** Of our own domains: nobody has it. */
async function leadsNowhere({ directory }: SubmissionParts, address: Address): Promise<boolean> {
  const { type } = await directory.resolve(address)
  return type !== 'local' && type !== 'not-local' && type !== 'over-quota'
}

const hour = 3_600_000

/** The counts of the submission port (RFC 6409 §5.1). */
async function charge({ parts, call }: Sending, recipients: number): Promise<SetError | null> {
  const start = Math.floor(call.now() / hour) * hour
  const { messagesPerHour, recipientsPerHour } = parts.config
  const counts = [
    ['messages', 1, messagesPerHour],
    ['recipients', recipients, recipientsPerHour],
  ] as const
  for (const [what, amount, limit] of counts) {
    if (limit === 0) continue
    const key = `${what}:${call.place.account.id}`
    const charged = await parts.store.chargeRate({ key, start, amount, limit })
    if (!charged.ok) return new SetError('rateLimit', `More than ${limit} ${what} in this hour.`)
  }
  return null
}

/** RFC 6531 §3.4: a local part or a header beyond US-ASCII. */
function needsUtf8({ fields }: Letter, addresses: readonly { readonly address: Address }[]): boolean {
  return (
    addresses.some(({ address }) => /[^\0-\x7f]/.test(address.localPart)) ||
    fields.some(({ raw }) => /[^\0-\x7f]/.test(raw))
  )
}

async function hand(
  sending: Sending,
  work: Draft & {
    readonly path: Address | null
    readonly recipients: readonly Recipient[]
    readonly options: MessageOptions
  },
): Promise<JsonObject | SetError> {
  const { parts, call } = sending
  const { account } = call.place
  const { letter, path, recipients, options } = work
  const sendAt = options.holdUntil ?? call.now()
  const recordOf = (told: readonly SubmittedRecipient[]): SubmissionRecord => ({
    identityId: letter.identityId,
    ...{ email: letter.text.email, thread: letter.text.thread, envelope: work.envelope, sendAt },
    messageId: messageIds(letter.fields.find(({ name }) => name === 'message-id')?.raw ?? '', 1)[0] ?? null,
    ...{ canceled: false, isOver: false, dsn: [], mdn: [] },
    status: statusOf(recipients, { told, isHeld: options.holdUntil !== null }),
  })
  const expiresAt = sendAt + call.limits.submissionTime
  // What is sent is sent: nothing of the call is tried again from here on.
  call.guard?.spend()
  const result = await parts.submitter.submit({
    ...{ reversePath: path, options, origin: 'api', account: account.id },
    recipients: recipients.map(({ address, options: own }) => ({ address, options: own })),
    // RFC 8621 §7.5: without Bcc, which submission takes out; and without the trace of how it came here.
    content: parts.store.blobs.read(letter.text.blob),
    came: { protocol: 'HTTP', remoteAddress: null },
    keeps: {
      ...{ account: account.id, kind: submissionKind, expiresAt },
      value: (done) => JSON.stringify(recordOf(done.recipients)),
    },
  })
  if (!result.ok) return submitError(result, { recipients, maxSize: parts.maxMessageSize })
  const object =
    result.object ?? (await keepAlone(sending, { record: recordOf(result.recipients), expiresAt }))
  return describeMade(sending, { object, isGiven: work.isGiven })
}

/** What a filter threw away was sent all the same, as far as the sender knows. */
async function keepAlone(
  { parts, call }: Sending,
  { record, expiresAt }: { record: SubmissionRecord; expiresAt: number },
): Promise<ObjectId> {
  const value = JSON.stringify({ ...record, isOver: true })
  const made = await parts.store.changeObjects({
    ...{ account: call.place.account.id, kind: submissionKind, create: [{ value, expiresAt }] },
    now: call.now(),
  })
  const [id] = made.ok ? made.created : []
  if (id === undefined) throw new Error('a submission was not kept')
  return id
}

function statusOf(
  recipients: readonly Recipient[],
  { told, isHeld }: { told: readonly SubmittedRecipient[]; isHeld: boolean },
): Record<string, SubmissionStatus> {
  const byAddress = new Map(told.map((one) => [addressText(one.address), one]))
  return Object.fromEntries(
    recipients.map(({ email }): [string, SubmissionStatus] => {
      const one = byAddress.get(addressText(email))
      const displayed = 'unknown'
      if (one?.status === 'delivered' && !isHeld) {
        return [email, { smtpReply: '250 2.1.5 Delivered to the mailbox', delivered: 'yes', displayed }]
      }
      if (one?.status === 'refused' || one?.status === 'failed') {
        const [code, status] = one.reason === 'over-quota' ? [552, '5.2.2'] : [550, '5.1.1']
        return [
          email,
          { smtpReply: `${code} ${status} ${one.reason ?? 'refused'}`, delivered: 'no', displayed },
        ]
      }
      return [email, { smtpReply: '250 2.1.5 Queued', delivered: 'queued', displayed }]
    }),
  )
}

/** For finding what was told of an address: the same mailbox, however it is written. */
function addressText(email: string): string {
  const address = tryAddress(email, { utf8: true })
  return address === undefined ? email : addressKey(address)
}

function submitError(
  refused: { readonly reason: SubmitRefusal; readonly reply?: { readonly text: string } },
  { recipients, maxSize }: { readonly recipients: readonly Recipient[]; readonly maxSize: number },
): SetError {
  switch (refused.reason) {
    case 'no-recipients':
    case 'no-such-account':
    case 'over-quota':
      return new SetError('invalidRecipients', 'No recipient can be served.', {
        invalidRecipients: recipients.map(({ email }) => email),
      })
    case 'too-big':
      return new SetError('tooLarge', 'The message is too large.', { maxSize })
    case 'header-too-big':
      return invalidEmail(['headers'], 'The header is too large.')
    case 'loop':
      return invalidEmail(['headers'], 'The message has been here before.')
    case 'no-relay':
      return new SetError('forbiddenToSend', 'This server does not relay.')
    case 'queue-full':
      return new SetError('forbiddenToSend', 'The queue takes no more. Try again later.')
    case 'policy':
      return new SetError('forbiddenToSend', refused.reply?.text ?? 'A filter of this server refused it.')
  }
}

/** RFC 8620 §5.3: what the client did not say itself. */
async function describeMade(
  { parts, call, submissions }: Sending,
  { object: id, isGiven }: { readonly object: ObjectId; readonly isGiven: boolean },
): Promise<JsonObject> {
  const { account } = call.place
  const objects = await submissions.load(account.id, [submissions.idOf(account.id, id)])
  const [live] = await liveSubmissions(parts.store, { account: account.id, objects, now: call.now() })
  if (live === undefined) throw new Error('a submission was made and is not there')
  const said = new Set(['identityId', 'emailId', ...(isGiven ? ['envelope'] : [])])
  const described = describeSubmission(submissions, account.id, live)
  return objectOf(Object.entries(described).filter(([name]) => !said.has(name)))
}
