// How people prove who they are, and how many wrong guesses anyone gets. Who the people are is in the store.
import { z } from 'zod'
import { count, duration } from '../fields.ts'

/** Wrong guesses, and who pays for them. In every count 0 lifts the limit. */
const throttleSection = z
  .strictObject({
    window: duration('1h', 'The time in which a full count of failures is forgotten, evenly.'),
    failuresPerPrefix: count(
      50,
      'Different wrong log-ins from one network (see the prefixes) in a window; 0 is no limit.',
    ),
    failuresPerAccount: count(
      100,
      'Different wrong passwords for one name in a window, from networks where it never logged in; 0 is no limit.',
    ),
    failuresFromKnownPrefix: count(
      100,
      'Different wrong passwords for one name in a window from a network where it has logged in; 0 is no limit.',
    ),
    knownFor: duration('30d', 'How long a network counts as known to a name after a log-in.'),
    ipv4PrefixBits: z
      .int()
      .min(8)
      .max(32)
      .default(32)
      .describe('Bits of an IPv4 address that make a network.'),
    ipv6PrefixBits: z
      .int()
      .min(16)
      .max(128)
      .default(64)
      .describe('Bits of an IPv6 address that make a network.'),
    wrongCodes: count(
      10,
      'Wrong codes of an authenticator app for one name in a window, from networks where it never logged in; as many from one where it has. 0 is no limit.',
    ),
    memory: count(
      100_000,
      'Entries kept of each kind (networks, names, passwords tried); the oldest go first.',
    ),
  })
  .prefault({})

/** Whose access token this is; null where it is nobody's. May throw: the client then tries again later. */
export type VerifyToken = (token: string) => string | null | Promise<string | null>

const tokenIssuerSection = z.strictObject({
  issuer: z.string().min(1).describe('The `iss` of its tokens, letter for letter.'),
  audience: z.string().min(1).describe('What the `aud` of a token must hold: tokens for others are refused.'),
  jwks: z
    .string()
    .min(1)
    .refine((text) => !/^(?!https:)[a-z][a-z0-9+.-]*:\/\//i.test(text), 'an https URL or a file')
    .describe('Its public keys (JWKS): an https URL, or a file.'),
  usernameClaim: z.string().min(1).default('email').describe('The claim that holds the log-in name.'),
})

export type TokenIssuer = z.output<typeof tokenIssuerSection>

export const authSection = z
  .strictObject({
    allowClearText: z
      .boolean()
      .default(false)
      .describe('Take passwords on connections without TLS. For development only.'),
    maxFailuresPerConnection: count(5, 'Failed log-ins before a connection is closed; 0 is no limit.'),
    maxResponseBytes: count(
      12_288,
      'Octets of one SASL response in base64 by SMTP and POP3 (RFC 4954 §4); IMAP has imap.lineBeforeLogin.',
    ),
    argon2Memory: z
      .int()
      .min(8)
      .max(4_194_304)
      .default(19_456)
      .describe('Memory of one password hash, in KiB.'),
    argon2Passes: z.int().min(1).max(100).default(2).describe('Passes over that memory.'),
    hashConcurrency: z.int().min(1).max(64).default(2).describe('Password hashes computed at the same time.'),
    hashQueue: count(200, 'Log-ins that wait for a hash; beyond them the answer is "try again later".'),
    scramIterations: z
      .int()
      .min(4096)
      .max(1_000_000)
      .default(10_000)
      .describe('PBKDF2 iterations of new SCRAM-SHA-256 verifiers (RFC 7677 §3: at least 4096).'),
    cramMd5: z
      .boolean()
      .default(false)
      .describe(
        'Offer CRAM-MD5, for devices that know nothing better, and keep what it needs of each password: as good as the password for whoever steals it.',
      ),
    tokens: z
      .array(tokenIssuerSection)
      .default([])
      .describe('Whose access tokens open accounts (SASL OAUTHBEARER and XOAUTH2, only under TLS).'),
    verifyToken: z
      .custom<VerifyToken>((value) => typeof value === 'function', 'a function')
      .optional()
      .describe('A function (token) => username or null, asked for tokens that no issuer above knows.'),
    cacheTime: duration(
      '5m',
      'A password that was right is not hashed again for this long; 0 hashes each time.',
    ),
    cacheEntries: count(10_000, 'Right passwords remembered, as keyed hashes.'),
    minPasswordLength: count(
      1,
      'Characters that a new password needs; operators set them, so only the empty one is refused by default.',
    ),
    maxAppPasswords: count(100, 'App passwords of an account.'),
    maxPasskeys: count(25, 'Passkeys of an account.'),
    usedNoted: duration('1h', 'How old what is kept of the last use of an app password may be.'),
    enrolTime: duration('1h', 'For a new authenticator app to be confirmed by a code.'),
    challengeTime: duration('5m', 'For a passkey to answer.'),
    maxChallenges: count(
      10_000,
      'Answered challenges that a server remembers until they end, so that an answer is good once.',
    ),
    throttle: throttleSection,
  })
  .prefault({})

export type AuthConfig = z.output<typeof authSection>
export type ThrottleConfig = AuthConfig['throttle']

/** How addresses are read. */
export const directorySection = z
  .strictObject({
    subaddressSeparator: z
      .string()
      .max(1)
      .default('+')
      .describe('What parts `ann+x` into `ann` and `x` (RFC 5233 §1); empty for no subaddresses.'),
    defaultDomain: z
      .string()
      .nullable()
      .default(null)
      .describe('The domain of a log-in name that has none; null demands full addresses.'),
    postmaster: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'Who gets mail for a postmaster that no account or alias names (RFC 5321 §4.5.1); null is the oldest account.',
      ),
    maxAliasDepth: count(10, 'Aliases that may lead to one another.'),
    maxAliasTargets: count(1000, 'Addresses that one address may lead to, all levels together.'),
    quotaBytes: z
      .int()
      .nonnegative()
      .nullable()
      .default(null)
      .describe('Octets a new account may keep; null is unlimited.'),
    quotaMessages: z
      .int()
      .nonnegative()
      .nullable()
      .default(null)
      .describe('Messages a new account may keep; null is unlimited.'),
  })
  .prefault({})

export type DirectoryConfig = z.output<typeof directorySection>
