// `import 'posthorn/testing/vitest'` adds the matchers to Vitest's `expect`, with their types.
import { expect } from 'vitest'
import { type MailMatchers, mailMatchers } from './matchers.ts'

declare module 'vitest' {
  // Parameters and defaults are those of Vitest's own declaration, which is merged with this one.
  interface Matchers<
    R extends void | Promise<void> = void | Promise<void>,
    T = unknown,
  > extends MailMatchers<R> {}
}

expect.extend(mailMatchers)
