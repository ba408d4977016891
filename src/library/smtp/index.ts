// The door of `posthorn/smtp`: a server and a client of SMTP as building blocks.
// The second name is that of smtp-server, for programs that come from there.
export { SmtpServer, SmtpServer as SMTPServer } from './server.ts'
export type { SmtpServerCertificate, SmtpServerCertificates } from './identity.ts'
export type { AuthAnswer, DataAnswer, Peers, SmtpServerOptions, SmtpServerResolver } from './options.ts'
export type { SmtpLogger } from './logger.ts'
export type { SmtpServerAddress, SmtpServerAuth, SmtpServerSession, SmtpServerStream } from './session.ts'
export { SmtpRefusal } from './refusal.ts'
export { createTransport, type SentMail, SmtpTransport } from './client.ts'
export { MessageTransport, type WrittenMail } from './message-transport.ts'
export type { JsonTransportOptions, StreamTransportOptions, TransportOptions } from './transport-options.ts'
export type { MailToSend, WriterPlugin } from './compose.ts'
export { SmtpError, type SmtpErrorCode } from './failure.ts'
