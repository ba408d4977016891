// Reads all messages of a maildrop over POP3, for `posthorn read`: USER, PASS, STAT, RETR of each, QUIT (RFC 1939).
import { connect } from 'node:net'
import { CommandError, exitCode } from './io.ts'

const maxReplyBytes = 256 * 1024 * 1024

/** Messages of the maildrop, oldest first, dots unstuffed. Rejects with a `CommandError` that says what to do. */
export async function* readMaildrop(options: {
  host: string
  port: number
  username: string
  password: string
}): AsyncGenerator<Buffer> {
  const socket = connect({ host: options.host, port: options.port })
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  let held: Buffer = Buffer.alloc(0)
  const until = async (end: string): Promise<Buffer> => {
    for (;;) {
      const at = held.indexOf(end)
      if (at >= 0) {
        const found = held.subarray(0, at + end.length)
        held = held.subarray(at + end.length)
        return found
      }
      const next = await chunks.next()
      if (next.done === true || held.length > maxReplyBytes)
        throw new Error('the server closed the connection')
      held = Buffer.concat([held, next.value])
    }
  }
  const line = async (): Promise<string> => (await until('\r\n')).toString('utf8').trimEnd()
  const ask = async (command: string): Promise<string> => {
    if (/[\r\n]/.test(command)) throw new CommandError(exitCode.usage, 'An address holds no line end.')
    socket.write(`${command}\r\n`)
    const reply = await line()
    if (!reply.startsWith('+OK')) throw new CommandError(exitCode.refused, `The server said: ${reply}`)
    return reply
  }
  try {
    await line()
    await ask(`USER ${options.username}`)
    await ask(`PASS ${options.password}`)
    const total = Number((await ask('STAT')).split(' ')[1])
    for (let number = 1; number <= total; number++) {
      await ask(`RETR ${number}`)
      yield unstuffed(await until('\r\n.\r\n'))
    }
    await ask('QUIT')
  } catch (error) {
    if (error instanceof CommandError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(
      exitCode.unavailable,
      `No mail can be read from ${options.host}:${options.port}: ${reason}. Is a server running there? \`--pop3 HOST:PORT\` names another.`,
    )
  } finally {
    socket.destroy()
  }
}

/** RFC 1939 §3: the final dot goes, and one dot of each line that starts with two. */
function unstuffed(reply: Buffer): Buffer {
  const text = reply.subarray(0, reply.length - 3).toString('latin1')
  return Buffer.from(text.replaceAll(/^\.\./gm, '.'), 'latin1')
}
