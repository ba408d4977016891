// `import 'posthorn/testing/jest'` adds the matchers to Jest's `expect` (the global one), with their types for `@jest/globals`, for
// `@types/jest` and for the package `expect`.
import type {} from 'expect'
import { type MailMatchers, mailMatchers } from './matchers.ts'

declare module 'expect' {
  // Parameters are those of the package's own declaration, which is merged with this one.
  interface Matchers<R extends void | Promise<void>, T = unknown> extends MailMatchers<R> {}
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the name under which `@types/jest` has it
  namespace jest {
    // oxlint-disable-next-line typescript/no-empty-object-type -- parameters are merged only where they are the same
    interface Matchers<R, T = {}> extends MailMatchers<R> {}
  }
}

interface Expect {
  extend(matchers: typeof mailMatchers): void
}

// Jest has no module that works in every set-up: its global is what a set-up file finds.
const { expect } = globalThis as { readonly expect?: Expect }
if (expect === undefined) {
  throw new Error(
    'posthorn/testing/jest is for the set-up files of Jest (setupFilesAfterEnv), where `expect` is a global',
  )
}
expect.extend(mailMatchers)
