// What is done to an account, by IMAP, by JMAP and by deliveries, to the server and to the model.
import assert from 'node:assert/strict'
import { textAt } from '../../support/jmap-house.ts'
import type { Json, JsonObject } from '../../../src/jmap/proto/json.ts'
import { acrossActions } from './across.ts'
import {
  type Action,
  allTrue,
  idsOf,
  keywords,
  madeIn,
  type Making,
  pickMessages,
  quoted,
  selectable,
  someKeywords,
  someMailboxes,
} from './making.ts'
import type { Dice } from '../imap/dice.ts'
import type { Scene } from './scene.ts'
import { textOf } from './scene.ts'
import { flagOf, keywordsOf, type Email, type Mailbox } from './shared-model.ts'
import { seenBy } from './views.ts'

const imapFlags = [
  '\\Seen',
  '\\Seen',
  '\\Deleted',
  '\\Deleted',
  '\\Flagged',
  '\\Answered',
  '\\Draft',
  'Word',
  '$Junk',
]
const newPaths = ['Work', 'Work/A', 'Work/B', 'Work/A/Deep', 'Old', 'Old/X', 'INBOX/Sub', 'More']

// IMAP

const store: Action = async (making) => {
  const picked = await pickMessages(making)
  if (picked === null) return
  const { dice, scene, who } = making
  const flags = [...new Set([dice.pick(imapFlags), dice.pick(imapFlags)])]
  const mode = dice.pick(['+', '+', '-', ''])
  await scene.imap(who, `UID STORE ${picked.uids} ${mode}FLAGS.SILENT (${flags.join(' ')})`)
  for (const place of picked.places) {
    if (mode === '') place.flags = new Set()
    for (const flag of flags) {
      if (mode === '-') place.flags.delete(flag.toLowerCase())
      else place.flags.add(flag.toLowerCase())
    }
  }
}

const transfer =
  (command: 'COPY' | 'MOVE'): Action =>
  async (making) => {
    const picked = await pickMessages(making)
    if (picked === null) return
    const { scene, dice, who } = making
    const to = dice.pick(selectable(making))
    await scene.imap(who, `UID ${command} ${picked.uids} ${quoted(to)}`)
    for (const { email, flags } of picked.places) scene.model.put(email, to, flags)
    if (command === 'MOVE') scene.model.remove((place) => picked.places.includes(place))
  }

const expunge: Action = async (making) => {
  const picked = await pickMessages(making)
  if (picked === null) return
  const { scene, dice, who } = making
  const byUid = dice.oneIn(2)
  await scene.imap(who, byUid ? `UID EXPUNGE ${picked.uids}` : 'EXPUNGE')
  const gone = byUid ? picked.places : scene.model.in(picked.mailbox)
  scene.model.remove((place) => gone.includes(place) && place.flags.has('\\deleted'))
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

function dateTime(time: number): string {
  const [year, month, day, clock] = new Date(time).toISOString().split(/[-T.]/)
  return `"${day}-${months[Number(month) - 1]}-${year} ${clock} +0000"`
}

const append: Action = async (making) => {
  const { scene, dice, who } = making
  const mailbox = dice.pick(selectable(making))
  const letter = scene.letter(dice)
  const flags = [...new Set(dice.some(imapFlags))]
  const receivedAt = scene.now - dice.between(0, 5) * 60_000
  const text = textOf(letter)
  const size = `{${text.length}+}`
  await scene.imap(
    who,
    `APPEND ${quoted(mailbox)} (${flags.join(' ')}) ${dateTime(receivedAt)} ${size}\r\n${text}`,
  )
  const email = scene.model.emailOf(letter, receivedAt)
  scene.model.put(
    email,
    mailbox,
    flags.map((flag) => flag.toLowerCase()),
  )
}

const deliver: Action = async ({ scene, dice }) => {
  const letter = scene.letter(dice)
  await scene.deliver(letter)
  const inbox = scene.model.find('INBOX')
  assert.ok(inbox)
  scene.model.put(scene.model.emailOf(letter, scene.now), inbox, [])
}

const create: Action = async ({ scene, dice, who }) => {
  const path = dice.pick(newPaths)
  const there = scene.model.find(path)?.selectable === true
  await scene.imap(who, `CREATE ${path}`, there ? 'NO' : 'OK')
  if (!there) scene.model.make(path)
}

const rename: Action = async ({ scene, dice, who }) => {
  const { model } = scene
  const mailbox = dice.pick(model.mailboxes)
  const to = dice.pick(newPaths)
  const isInbox = mailbox.path === 'INBOX'
  const works = model.find(to) === undefined && (isInbox || !to.startsWith(`${mailbox.path}/`))
  await scene.imap(who, `RENAME ${quoted(mailbox)} ${to}`, works ? 'OK' : 'NO')
  if (!works) return
  if (isInbox) {
    const target = model.make(to)
    for (const { email, flags } of model.in(mailbox)) model.put(email, target, flags)
    model.remove((place) => place.mailbox === mailbox)
    return
  }
  const above = to.slice(0, Math.max(0, to.lastIndexOf('/')))
  if (above !== '' && model.find(above) === undefined) model.make(above)
  model.rename(mailbox, to)
}

const remove: Action = async ({ scene, dice, who }) => {
  const { model } = scene
  const mailbox = dice.pick(model.mailboxes)
  const hasInferiors = model.inferiors(mailbox.path).length > 0
  const works = mailbox.path !== 'INBOX' && (mailbox.selectable || !hasInferiors)
  await scene.imap(who, `DELETE ${quoted(mailbox)}`, works ? 'OK' : 'NO')
  if (!works) return
  if (!hasInferiors) return model.forget(mailbox)
  // What stays is another mailbox of the same name, with an id of its own.
  model.forget(mailbox)
  model.mailboxes.push({ id: '', path: mailbox.path, selectable: false, role: null, sortOrder: 0 })
}

const subscribe: Action = async ({ scene, dice, who }) => {
  const { path } = dice.pick(scene.model.mailboxes)
  const on = dice.oneIn(2)
  await scene.imap(who, `${on ? '' : 'UN'}SUBSCRIBE "${path}"`)
  if (on) scene.model.subscribed.add(path)
  else scene.model.subscribed.delete(path)
}

const share: Action = async (making) => {
  const { scene, dice, who } = making
  const mailbox = dice.pick(selectable(making))
  const rights = dice.pick(['', 'l', 'lr', 'lrs', 'lrswite'])
  const { address } = scene.guest
  await scene.imap(
    who,
    rights === ''
      ? `DELETEACL ${quoted(mailbox)} ${address}`
      : `SETACL ${quoted(mailbox)} ${address} ${rights}`,
  )
  if (rights === '') scene.model.rights.delete(mailbox)
  else scene.model.rights.set(mailbox, rights)
}

// JMAP

/** What becomes of the model where JMAP changes an email. */
function change(
  { scene: { model } }: Making,
  email: Email,
  asked: {
    readonly before: readonly string[]
    readonly after: readonly string[]
    readonly mailboxes: readonly Mailbox[]
  },
): void {
  const places = model.shownPlaces(email)
  const add = asked.after.filter((keyword) => !asked.before.includes(keyword)).map(flagOf)
  const take = asked.before.filter((keyword) => !asked.after.includes(keyword)).map(flagOf)
  for (const { flags } of places) {
    for (const flag of take) flags.delete(flag)
    for (const flag of add) flags.add(flag)
  }
  const flags = keywordsOf(places).map(flagOf)
  const held = new Set(places.map(({ mailbox }) => mailbox))
  for (const mailbox of asked.mailboxes) if (!held.has(mailbox)) model.put(email, mailbox, flags)
  model.remove((place) => places.includes(place) && !asked.mailboxes.includes(place.mailbox))
}

interface Wish {
  readonly email: Email
  readonly patch: JsonObject
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly mailboxes: readonly Mailbox[]
}

function wishFor(making: Making, email: Email): Wish {
  const { dice, scene } = making
  const places = scene.model.shownPlaces(email)
  const before = keywordsOf(places)
  const held = [...new Set(places.map(({ mailbox }) => mailbox))]
  let [after, mailboxes]: [string[], Mailbox[]] = [before, held]
  const patch: Record<string, Json> = {}
  const what = dice.below(6)
  if (what < 3) {
    if (dice.oneIn(2)) {
      after = someKeywords(dice)
      patch['keywords'] = allTrue(after)
    } else {
      const keyword = dice.pick(keywords)
      const on = dice.oneIn(2)
      after = before.filter((one) => one !== keyword)
      if (on) after.push(keyword)
      patch[`keywords/${keyword}`] = on ? true : null
    }
  }
  if (what > 1) {
    if (dice.oneIn(2)) {
      mailboxes = someMailboxes(making)
      patch['mailboxIds'] = idsOf(mailboxes)
    } else {
      const mailbox = dice.pick(selectable(making))
      const on = dice.oneIn(2)
      mailboxes = held.filter((one) => one !== mailbox)
      if (on) mailboxes.push(mailbox)
      patch[`mailboxIds/${mailbox.id}`] = on ? true : null
    }
  }
  return { email, patch, before, after, mailboxes }
}

function pickEmails({ scene, dice }: Making): Email[] {
  const all = scene.model.shown().map(({ email }) => email)
  if (all.length === 0) return []
  return [...new Set([dice.pick(all), ...(dice.oneIn(2) ? [dice.pick(all), dice.pick(all)] : [])])]
}

const setEmails: Action = async (making) => {
  const wishes = pickEmails(making).map((email) => wishFor(making, email))
  if (wishes.length === 0) return
  const update = Object.fromEntries(wishes.map(({ email, patch }) => [email.id, patch]))
  const told = await making.scene.set('Email/set', { update })
  for (const wish of wishes) {
    const { id } = wish.email
    if (wish.mailboxes.length === 0) assert.equal(refusalOf(told, 'notUpdated', id), 'invalidProperties')
    else {
      assert.deepEqual((told['updated'] as JsonObject | null)?.[id], null, JSON.stringify(told))
      change(making, wish.email, wish)
    }
  }
}

function refusalOf(told: JsonObject, where: string, key: string): string {
  const error = (told[where] as JsonObject | null)?.[key] as JsonObject | undefined
  return textAt(error, 'type')
}

/** A guest with rights here and there sets a keyword. */
const setAsGuest: Action = async (making) => {
  const { scene, dice } = making
  const sees = seenBy(scene.model, 'guest')
  const seen = scene.model.shown(sees)
  if (seen.length === 0) return
  const { email, keywords: before } = dice.pick(seen)
  const keyword = dice.pick(keywords)
  const on = dice.oneIn(2)
  const after = [...before.filter((one) => one !== keyword), ...(on ? [keyword] : [])]
  const changes = before.includes(keyword) !== on
  const places = scene.model.shownPlaces(email)
  const right = keyword === '$seen' ? 's' : 'w'
  const may =
    !changes || places.every(({ mailbox }) => scene.model.rights.get(mailbox)?.includes(right) === true)
  const update = { [email.id]: { [`keywords/${keyword}`]: on ? true : null } }
  // RFC 8620 §2 isReadOnly: where he may change nothing at all.
  if ([...scene.model.rights.values()].every((rights) => /^[lr]*$/.test(rights))) {
    assert.equal(await scene.tryAsGuest('Email/set', { update }), 'accountReadOnly')
    return
  }
  const told = await scene.set('Email/set', { update }, 'guest')
  if (!may) {
    assert.equal(refusalOf(told, 'notUpdated', email.id), 'forbidden')
    return
  }
  assert.deepEqual((told['updated'] as JsonObject | null)?.[email.id], null, JSON.stringify(told))
  change(making, email, { before, after, mailboxes: places.map(({ mailbox }) => mailbox) })
}

const destroyEmails: Action = async (making) => {
  const emails = pickEmails(making)
  if (emails.length === 0) return
  const told = await making.scene.set('Email/set', { destroy: emails.map(({ id }) => id) })
  assert.deepEqual((told['destroyed'] as string[]).toSorted(), emails.map(({ id }) => id).toSorted())
  making.scene.model.remove(({ email }) => emails.includes(email))
}

const createEmail: Action = async (making) => {
  const { scene, dice } = making
  const letter = scene.letter(dice)
  const mailboxes = someMailboxes(making)
  const words = someKeywords(dice)
  const [own = '', ...others] = letter.names
  const object = {
    ...{ mailboxIds: idsOf(mailboxes), keywords: allTrue(words), from: [{ email: letter.from }] },
    ...{ subject: letter.subject, messageId: [own], 'header:X-Nr:asText': String(letter.nr) },
    ...(others.length === 0 ? {} : { references: others }),
    ...{
      bodyValues: { t: { value: `Text ${letter.nr}.\n` } },
      textBody: [{ partId: 't', type: 'text/plain' }],
    },
    receivedAt: `${new Date(scene.now).toISOString().slice(0, 19)}Z`,
  }
  keep(making, madeIn(await scene.set('Email/set', { create: { k: object } }), 'k'), {
    letter,
    mailboxes,
    words,
  })
}

function keep(
  { scene: { model, now } }: Making,
  made: JsonObject,
  {
    letter,
    mailboxes,
    words,
  }: { letter: Parameters<typeof textOf>[0]; mailboxes: Mailbox[]; words: string[] },
): void {
  const email = model.emailOf(letter, now)
  email.id = textAt(made, 'id')
  if (email.thread.id === '') email.thread.id = textAt(made, 'threadId')
  assert.equal(made['threadId'], email.thread.id, 'the thread of what was created')
  for (const mailbox of mailboxes) model.put(email, mailbox, words.map(flagOf))
}

const importEmail: Action = async (making) => {
  const { scene, dice } = making
  const letter = scene.letter(dice)
  const blobId = await scene.upload(letter)
  const mailboxes = someMailboxes(making)
  const words = someKeywords(dice)
  const receivedAt = `${new Date(scene.now).toISOString().slice(0, 19)}Z`
  const one = { blobId, mailboxIds: idsOf(mailboxes), keywords: allTrue(words), receivedAt }
  keep(making, madeIn(await scene.set('Email/import', { emails: { k: one } }), 'k'), {
    letter,
    mailboxes,
    words,
  })
}

const createMailbox: Action = async ({ scene, dice }) => {
  const { model } = scene
  const parent = dice.oneIn(2) ? dice.pick(model.mailboxes) : null
  const name = dice.pick(['A', 'B', 'Old', 'Work', 'New'])
  const path = parent === null ? name : `${parent.path}/${name}`
  const [isSubscribed, sortOrder] = [dice.oneIn(2), dice.below(3)]
  const works = model.find(path) === undefined
  const object = { name, parentId: parent?.id ?? null, isSubscribed, sortOrder }
  const told = await scene.set('Mailbox/set', { create: { k: object } })
  if (!works) return assert.equal(refusalOf(told, 'notCreated', 'k'), 'alreadyExists')
  const mailbox = model.make(path)
  mailbox.id = textAt(madeIn(told, 'k'), 'id')
  mailbox.sortOrder = sortOrder
  if (isSubscribed) model.subscribed.add(path)
  else model.subscribed.delete(path)
}

const changeMailbox: Action = async ({ scene, dice }) => {
  const { model } = scene
  const mailbox = dice.pick(model.mailboxes)
  const { id, path } = mailbox
  const update = async (patch: JsonObject, works: boolean | string): Promise<boolean> => {
    const told = await scene.set('Mailbox/set', { update: { [id]: patch } })
    if (works === true)
      assert.deepEqual((told['updated'] as JsonObject | null)?.[id], null, JSON.stringify(told))
    else assert.equal(refusalOf(told, 'notUpdated', id), works)
    return works === true
  }
  switch (dice.below(4)) {
    case 0: {
      const isSubscribed = dice.oneIn(2)
      await update({ isSubscribed }, true)
      if (isSubscribed) model.subscribed.add(path)
      else model.subscribed.delete(path)
      return
    }
    case 1: {
      const sortOrder = dice.below(4)
      await update({ sortOrder }, true)
      mailbox.sortOrder = sortOrder
      return
    }
    case 2: {
      const role = dice.pick([null, 'archive', 'junk', 'trash'])
      if (path === 'INBOX') return
      const taken = role !== null && model.mailboxes.some((one) => one !== mailbox && one.role === role)
      if (await update({ role }, taken ? 'invalidProperties' : true)) mailbox.role = role
      return
    }
    default:
      return moveMailbox(scene, { mailbox, dice, update })
  }
}

async function moveMailbox(
  { model }: Scene,
  {
    mailbox,
    dice,
    update,
  }: {
    mailbox: Mailbox
    dice: Dice
    update: (patch: JsonObject, works: boolean | string) => Promise<boolean>
  },
): Promise<void> {
  const parent = dice.oneIn(3) ? null : dice.pick(model.mailboxes)
  const name = dice.pick(['A', 'B', 'Old', 'Work', 'New'])
  const before = mailbox.path
  const to = parent === null ? name : `${parent.path}/${name}`
  const works =
    before === 'INBOX'
      ? 'forbidden'
      : to.startsWith(`${before}/`)
        ? 'invalidProperties'
        : to === before || model.find(to) === undefined || 'alreadyExists'
  if (!(await update({ name, parentId: parent?.id ?? null }, works)) || to === before) return
  model.rename(mailbox, to)
  // Decision: what is subscribed is the mailbox's by JMAP, whatever its name is.
  for (const name of [...model.subscribed]) {
    if (name !== before && !name.startsWith(`${before}/`)) continue
    model.subscribed.delete(name)
    model.subscribed.add(to + name.slice(before.length))
  }
}

const destroyMailbox: Action = async ({ scene, dice }) => {
  const { model } = scene
  const mailbox = dice.pick(model.mailboxes)
  const onDestroyRemoveEmails = dice.oneIn(2)
  const hasEmails = model.in(mailbox).some(({ flags }) => !flags.has('\\deleted'))
  const refusal =
    mailbox.path === 'INBOX'
      ? 'forbidden'
      : model.inferiors(mailbox.path).length > 0
        ? 'mailboxHasChild'
        : hasEmails && !onDestroyRemoveEmails
          ? 'mailboxHasEmail'
          : null
  const told = await scene.set('Mailbox/set', { destroy: [mailbox.id], onDestroyRemoveEmails })
  if (refusal !== null) return assert.equal(refusalOf(told, 'notDestroyed', mailbox.id), refusal)
  assert.deepEqual(told['destroyed'], [mailbox.id])
  model.forget(mailbox)
  model.subscribed.delete(mailbox.path)
}

const wait: Action = async ({ scene, dice }) => {
  await scene.clock.advance(dice.between(1, 90_000) * 1000)
}

const forget: Action = ({ scene }) => scene.forget()

export const actions = {
  ...{ store, expunge, append, deliver, create, rename, remove, subscribe, share },
  ...{ copy: transfer('COPY'), move: transfer('MOVE') },
  ...{ setEmails, setAsGuest, destroyEmails, createEmail, importEmail },
  ...acrossActions,
  ...{ createMailbox, changeMailbox, destroyMailbox, wait, forget },
} satisfies Record<string, Action>
