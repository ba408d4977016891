// A client's session against a scripted server, and messages to send.
import assert from 'node:assert/strict'
import type { VirtualClock } from '../../src/base/virtual-clock.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import type { ClientOptions, OpenResult, SmtpClient } from '../../src/smtp/client/client.ts'
import type { DialogueLine } from '../../src/smtp/client/dialogue.ts'
import type { OutgoingMessage, TransactionResult } from '../../src/smtp/client/outgoing.ts'
import { openSmtpClient } from '../../src/smtp/client/session.ts'
import { connectScripted, type ScriptedOptions, type ScriptedServer } from './scripted-server.ts'

export interface Scene {
  readonly clock: VirtualClock
  readonly server: ScriptedServer
  readonly opened: Promise<OpenResult>
  /** What the dialogue showed. */
  readonly dialogue: DialogueLine[]
}

/** A client that has connected and hears what the test lets the server say. */
export function openScene(
  options: Partial<ClientOptions> & { readonly network?: ScriptedOptions } = {},
): Scene {
  const { network, ...rest } = options
  const { clock, client, server } = connectScripted(network)
  const dialogue: DialogueLine[] = []
  const opened = openSmtpClient(client, {
    dialect: 'smtp',
    heloName: 'relay.example.org',
    clock,
    onDialogue: (line) => dialogue.push(line),
    ...rest,
  })
  return { clock, server, opened, dialogue }
}

export interface Ready extends Omit<Scene, 'opened'> {
  readonly session: SmtpClient
}

/** The same, greeted: the server offers these extensions. */
export async function greetedScene(
  extensions: readonly string[],
  options: Partial<ClientOptions> & { readonly network?: ScriptedOptions } = {},
): Promise<Ready> {
  const { opened, ...scene } = openScene(options)
  await scene.server.greet(...extensions)
  const result = await opened
  assert.equal(result.type, 'open')
  return { ...scene, session: result.session }
}

export type MessageInput = Partial<Omit<OutgoingMessage, 'recipients' | 'content'>> & {
  readonly to?: readonly string[]
  readonly recipients?: OutgoingMessage['recipients']
  readonly text?: string | Uint8Array
  readonly content?: OutgoingMessage['content']
}

/** A message from `a@example.org` to `b@example.net`, unless the test says otherwise. */
export function outgoing(input: MessageInput = {}): OutgoingMessage {
  const { text = 'Subject: x\r\n\r\nHello\r\n', to = ['b@example.net'], ...rest } = input
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  return {
    reversePath: 'a@example.org',
    recipients: to.map((address) => ({ address, options: plainRecipientOptions })),
    options: plainMessageOptions,
    size: bytes.length,
    eightBit: false,
    content: async function* () {
      yield bytes
    },
    ...rest,
  }
}

/** Outcomes in short: `accepted`, `refused rcpt 550`, `unknown lost`, … */
export function summary(result: TransactionResult): string[] {
  return result.recipients.map((outcome) => {
    switch (outcome.type) {
      case 'accepted':
        return 'accepted'
      case 'refused':
        return `refused ${outcome.stage} ${outcome.reply.code}`
      case 'lost':
      case 'unknown':
        return `${outcome.type} ${outcome.ending.type}`
      case 'cannot-carry':
        return `cannot-carry ${outcome.reason}`
      case 'beyond-limit':
        return `beyond ${outcome.limit}`
      case 'content-failed':
        return 'content-failed'
    }
  })
}
