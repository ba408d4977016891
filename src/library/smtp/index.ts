// The door of `posthorn/smtp`: a server and a client of SMTP as building blocks.
export { SmtpServer } from './server.ts'
export type { AuthAnswer, DataAnswer, SmtpServerOptions } from './options.ts'
export type { SmtpServerAddress, SmtpServerAuth, SmtpServerSession, SmtpServerStream } from './session.ts'
export { SmtpRefusal } from './refusal.ts'
export { createTransport, type SentMail, SmtpTransport, type TransportOptions } from './client.ts'
export type { MailToSend } from './compose.ts'
export { SmtpError, type SmtpErrorCode } from './failure.ts'
