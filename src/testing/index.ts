// The door of `posthorn/testing`: a mail server within a test, inboxes to wait at, messages to look at, and what to demand of them.
export {
  type TestingAddress,
  type TestingOptions,
  type TestingProtocol,
  type TestPosthorn,
  createPosthorn,
} from './posthorn.ts'
export { Inbox, NoMailError, type WaitOptions } from './inbox.ts'
export { Mail, type MailAddress, type MailAttachment, type MailHeader } from './message.ts'
export type { AuthenticationOptions } from './authentication.ts'
export type { Failure } from './failures.ts'
export type { MailMatch, TextMatch } from './match.ts'
export { type MailMatchers, mailMatchers, type MatcherResult } from './matchers.ts'
export { expectMail, type MailExpectation } from './assertions.ts'
export type { MovingClock } from './moving-clock.ts'
