// The load of the SMTP workloads: smtp-source of the Postfix package.
import { runProgram } from '../server.ts'

/** One run of smtp-source. */
export interface SmtpLoad {
  readonly port: number
  readonly sessions: number
  readonly messages: number
  /** Octets of the body. */
  readonly size: number
  readonly connections: 'kept' | 'one a message'
  readonly recipients?: number
  readonly recipient?: string
  /** Sent as it stands, instead of what smtp-source makes; lines end with LF. */
  readonly file?: string
}

/** Runs it and gives the seconds until every message was answered. */
export async function smtpSource(load: SmtpLoad): Promise<number> {
  const parameters = [
    ...(load.connections === 'kept' ? ['-d'] : []),
    ...['-s', String(load.sessions), '-m', String(load.messages)],
    ...(load.file === undefined ? ['-l', String(load.size)] : ['-F', load.file]),
    ...(load.recipients === undefined ? [] : ['-r', String(load.recipients)]),
    ...['-f', 'sender@client.test', '-t', load.recipient ?? 'user0@bench.test', '-M', 'client.test'],
    `127.0.0.1:${load.port}`,
  ]
  const start = performance.now()
  await runProgram('smtp-source', parameters)
  return (performance.now() - start) / 1000
}
