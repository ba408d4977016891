// What a log line says about something that was thrown: never just "[object Object]", never a second exception.

/** The name, code and message of an error, and of its cause, in one line. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
  const cause = error.cause === undefined ? '' : `; caused by ${errorText(error.cause)}`
  return `${error.name}: ${error.message}${code}${cause}`.replaceAll(/\s+/g, ' ')
}
