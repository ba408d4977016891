// What a listener is for. The role decides who may send what to whom; everything else is the same code.

/**
 * `mx`: mail from anywhere for our own recipients (port 25). `submission`: mail from our own users, after log-in (465, 587;
 * RFC 6409). `lmtp`: mail from a host of ours for local recipients, a reply for each (RFC 2033). `odmr`: hosts that log in and
 * take the mail of their domains away by ATRN (RFC 2645). `catcher`: everything is taken, for development.
 */
export type SmtpRole = 'mx' | 'submission' | 'lmtp' | 'odmr' | 'catcher'
