// The macros that a milter is told: named facts of the session, sent before the step that they belong to.
//
// Names and meaning are those of Sendmail and Postfix (`MILTER_README`), as far as Posthorn knows the fact: nothing is made up for
// a macro. A milter that asked for certain names at a stage gets these and no others.
import type { HookConnection, HookHello, HookMail } from '../config/hooks.ts'
import { formatAddress } from '../mail/address.ts'
import type { CommandName } from '../milter/proto/commands.ts'
import { binary } from '../milter/proto/fields.ts'
import type { MacroStage, Negotiated } from '../milter/proto/negotiation.ts'

type MacroValue = readonly [name: string, value: string]

/** What each stage tells when the milter did not choose. */
const usual: Record<MacroStage, readonly string[]> = {
  connect: [
    'j',
    'v',
    '_',
    '{daemon_name}',
    '{client_addr}',
    '{client_name}',
    '{client_port}',
    '{client_ptr}',
  ],
  helo: ['{tls_version}', '{cipher}'],
  mail: ['{auth_authen}', '{auth_type}', '{mail_addr}', '{mail_host}'],
  rcpt: ['{rcpt_addr}', '{rcpt_host}'],
  data: ['i'],
  'end-of-headers': ['i'],
  'end-of-message': ['i'],
}

export class MilterMacros {
  readonly #values = new Map<string, string>()

  /** @param hostname this host, as it greets. */
  constructor(hostname: string) {
    this.#set('j', hostname)
    this.#set('v', 'Posthorn')
  }

  connection({ service, remoteAddress, remotePort, remoteName }: HookConnection): void {
    const name = remoteName ?? 'unknown'
    this.#set('{daemon_name}', service)
    this.#set('_', `${name} [${remoteAddress}]`)
    this.#set('{client_addr}', remoteAddress)
    this.#set('{client_port}', String(remotePort))
    this.#set('{client_name}', name)
    this.#set('{client_ptr}', name)
  }

  hello({ tls }: HookHello): void {
    this.#set('{tls_version}', tls?.version)
    this.#set('{cipher}', tls?.cipher)
  }

  mail({ username, reversePath }: HookMail): void {
    this.#set('i', undefined)
    this.#set('{auth_authen}', username ?? undefined)
    // Filters take its presence for "logged in" and do not look at which mechanism it was.
    this.#set('{auth_type}', username === null ? undefined : 'SASL')
    this.#set('{mail_addr}', reversePath === null ? '' : formatAddress(reversePath))
    this.#set('{mail_host}', reversePath?.domainText)
  }

  rcpt(address: string): void {
    this.#set('{rcpt_addr}', address)
    this.#set('{rcpt_host}', address.slice(address.lastIndexOf('@') + 1))
  }

  message(id: string): void {
    this.#set('i', id)
  }

  /** What goes before that command. */
  for(command: CommandName, chosen: Negotiated['macros']): readonly MacroValue[] {
    if (command === 'header' || command === 'body') return []
    const names = chosen.get(command) ?? usual[command]
    return names.flatMap((name): MacroValue[] => {
      const value = this.#values.get(name)
      return value === undefined ? [] : [[name, value]]
    })
  }

  #set(name: string, value: string | undefined): void {
    if (value === undefined) this.#values.delete(name)
    else this.#values.set(name, binary(value))
  }
}
