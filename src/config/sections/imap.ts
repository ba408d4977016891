// IMAP: every limit and time-out of a session, with its default.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const imapSection = z
  .strictObject({
    lineBeforeLogin: size('16 KB', 'Longest command line before log-in; a SASL response is one.'),
    line: size('64 KB', 'Longest command line after log-in; clients send long lists of UIDs.'),
    literalBeforeLogin: size('4 KB', 'Largest literal before log-in.'),
    literal: size('64 KB', 'Largest literal that is an argument and not a message.'),
    commandBeforeLogin: size('32 KB', 'Largest command before log-in, all its lines and literals together.'),
    command: size(
      '256 KB',
      'Largest command, all its lines and literals together, without an APPEND’s message.',
    ),
    drain: size(
      '1 MB',
      'A refused non-synchronizing literal is read and dropped up to this size; beyond it the session ends.',
    ),
    pipelined: size('1 MB', 'How much a client may send ahead while a command is at work.'),
    appendMessages: count(1_000, 'Messages in one APPEND.'),
    appendSize: size(
      '256 MB',
      'All messages of one APPEND together, where it has several; each has the limit of messages beside.',
    ),
    catenateParts: count(200, 'Parts in one CATENATE.'),
    urls: count(100, 'URLs in one GENURLAUTH or URLFETCH.'),
    searchDepth: count(50, 'Parentheses, NOT and OR inside each other in SEARCH.'),
    searchKeys: count(1_000, 'Search keys in one SEARCH.'),
    searchText: size('8 MB', 'How much decoded text of one message a search looks at.'),
    searchMemory: size(
      '128 MB',
      'How much is kept in memory of the headers of mailboxes that were searched, sorted or threaded, all together.',
    ),
    searchMailboxes: count(10_000, 'Mailboxes that one ESEARCH looks at.'),
    fetchItems: count(200, 'Data items in one FETCH or STATUS.'),
    messageLimit: count(
      0,
      'Messages that one FETCH, STORE, SEARCH, MOVE, COPY or UID EXPUNGE works on, told to clients (RFC 9738); 0 is no limit.',
    ),
    saveLimit: count(0, 'The same for COPY and APPEND alone; 0 is no limit.'),
    progressInterval: duration(
      '10s',
      'How often the client of a long command is told how far it is (RFC 9585).',
    ),
    headerFields: count(500, 'Field names in one HEADER.FIELDS.'),
    headerText: size('4 MB', 'How much of one header FETCH of single fields and SEARCH look at.'),
    sectionDepth: count(100, 'Depth of a body part that FETCH may name.'),
    flags: count(200, 'Flags in one STORE or APPEND.'),
    idPairs: count(30, 'Field-value pairs in ID.'),
    mailboxName: size('500 B', 'Longest mailbox name, in octets of UTF-8.'),
    mailboxLevels: count(50, 'Levels of a mailbox name.'),
    listPatterns: count(100, 'Patterns in one LIST.'),
    filterMailboxes: count(100, 'Mailboxes that one filter of NOTIFY or ESEARCH names.'),
    notifyGroups: count(50, 'Event groups in one NOTIFY.'),
    notifyMailboxes: count(
      10_000,
      'Mailboxes that one session may watch by NOTIFY; with more it is told NOTIFICATIONOVERFLOW.',
    ),
    notifyPending: count(
      1_000,
      'Changed names and annotations that wait to be told to one session that watches; beyond it NOTIFY ends with NOTIFICATIONOVERFLOW.',
    ),
    metadataEntries: count(100, 'Entries in one GETMETADATA or SETMETADATA.'),
    badCommandsBeforeLogin: count(
      10,
      'Commands that make no sense before a session without log-in is ended.',
    ),
    badCommands: count(100, 'Commands that make no sense before a session is ended.'),
    restAfter: duration(
      '5m',
      'A session that needed the list of its mailbox’s messages for nothing this long, in IDLE or silent, gives its memory back.',
    ),
    loginTimeout: duration('3m', 'Silence before log-in that ends a session.'),
    loginDeadline: duration('10m', 'A session that has not logged in by then is ended, whatever it sends.'),
    timeout: duration(
      '30m',
      'Silence after log-in that ends a session, in IDLE too; RFC 3501 wants 30 minutes at least.',
    ),
  })
  .prefault({})

export type ImapConfig = z.output<typeof imapSection>
