// A server that has had mail for some minutes, for the pictures of the admin page: to its own people, to hosts that take it, to one that
// asks for patience and one that is away, and from strangers who want what is not here.
import nodemailer from 'nodemailer'
import type { TestContext } from 'node:test'
import { openCatcherHouse } from '../../support/catcher-house.ts'
import { type House, openHouse, password } from '../harness.ts'

export const operator = 'ada@tern.example'

const listen = (service: 'smtp' | 'submission' | 'http') =>
  ({ service, address: '127.0.0.1', port: 0, tls: 'none' }) as const
const writers = ['ann', 'bob', 'cleo', 'dana', 'emil'].map((name) => `${name}@tern.example`)
const elsewhere = [
  'kim@larkspur.example',
  'desk@library.example',
  'mei@tanaka.example',
  'olu@adeyemi.example',
]
const subjects = ['Timetable', 'Offer 2041', 'Re: the boat', 'Minutes', 'Photos from Sunday']

/** Milliseconds between two moments of traffic. */
const rhythm = 400

/** To somebody here, and to somebody whose host asks for patience: one message with a story. */
export const storied = 'rose@picky.example'

/** The house, once there has been traffic for that long. */
export async function openBusyHouse(context: TestContext, seconds: number): Promise<House> {
  const greylisted = {
    ...{ name: 'greylisted', stage: 'rcpt' as const },
    action: { type: 'reply' as const, code: 451, text: 'Greylisted: please come again in five minutes' },
  }
  const world = await openCatcherHouse(context)
  const picky = await openCatcherHouse(context, { catcher: { chaos: { rules: [greylisted] } } })
  const route = (name: string, recipient: string, port: number) => ({
    name,
    kind: 'host' as const,
    recipients: [recipient],
    host: '127.0.0.1',
    port,
    tls: 'none' as const,
  })
  const house = await openHouse({
    hostname: 'mail.tern.example',
    listeners: [listen('smtp'), listen('submission'), listen('http')],
    relay: {
      enabled: true,
      routes: [
        route('picky', 'picky.example', picky.smtpPort),
        route('partner', 'partner.example', 1),
        route('bulk', 'bulk.example', 1),
        route('world', '*', world.smtpPort),
      ],
    },
  })
  const { operations } = house.posthorn.backend
  await operations.run('domain.add', { name: 'tern.example' })
  for (const address of writers) await operations.run('account.add', { address, password })
  await operations.run('account.add', { address: operator, password, role: 'admin' })
  await drive(house, seconds)
  return house
}

async function drive(house: House, seconds: number): Promise<void> {
  const portOf = (service: string): number =>
    house.posthorn.listeners.find((one) => one.service === service)?.port ?? 0
  const transports = writers.map((user) =>
    nodemailer.createTransport({
      ...{ host: '127.0.0.1', port: portOf('submission'), ignoreTLS: true, pool: true },
      auth: { user, pass: password },
    }),
  )
  const stranger = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: portOf('smtp'), ignoreTLS: true, name: 'mx.elsewhere.example' },
  })
  const send = async (index: number, to: readonly string[]): Promise<void> => {
    const at = index % writers.length
    const subject = subjects[index % subjects.length] ?? ''
    const mail = { from: writers[at] ?? '', to: [...to], subject, text: `${subject}\n` }
    await transports[at]?.sendMail(mail)
  }
  await send(1, ['ann@tern.example', storied])
  const end = performance.now() + seconds * 1000
  for (let index = 0; performance.now() < end; index++) {
    // It swells and sinks, as days do.
    const many = Math.round(2 + 2 * Math.sin(index / 25) + (index % 3))
    const work: Promise<unknown>[] = Array.from({ length: many }, (_, number) => {
      const other = writers[(index + number + 1) % writers.length] ?? ''
      return send(index + number, number % 3 === 0 ? [elsewhere[index % 4] ?? '', other] : [other])
    })
    if (index % 14 === 0) work.push(send(index, [`order-${index}@picky.example`]))
    if (index % 19 === 0) work.push(send(index, [`team-${index}@partner.example`]))
    if (index % 40 === 0) work.push(send(index, [`list-${index}@bulk.example`]))
    if (index % 3 === 0) {
      const to = index % 2 === 0 ? 'nobody@tern.example' : 'somebody@far.example'
      const mail = { from: 'eve@elsewhere.example', to, subject: 'Hello', text: 'Hello' }
      work.push(stranger.sendMail(mail).catch(() => undefined))
    }
    await Promise.all(work)
    await new Promise((resolve) => setTimeout(resolve, rhythm))
  }
  for (const transport of transports) transport.close()
  stranger.close()
}
