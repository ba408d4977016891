"""imaplib against Posthorn: every method that it has for the commands of IMAP4rev1."""

import imaplib
import re

from session import ANN, HOST, PASSWORD, PORTS, contains, equal, main, message, raises, tls


def connected():
    client = imaplib.IMAP4(HOST, PORTS["imap"])
    client.starttls(ssl_context=tls())
    return client


def inbox(readonly=False):
    client = connected()
    ok(client.login(ANN, PASSWORD))
    # imaplib keeps the list from before the log-in, which is the shorter one.
    client.capabilities = tuple(ok(client.capability())[-1].decode().upper().split())
    ok(client.select("INBOX", readonly))
    return client


def ok(answer):
    status, data = answer
    equal(status, "OK")
    return data


def fill(client, count, name="INBOX"):
    for number in range(1, count + 1):
        ok(client.append(name, None, None, message(f"number-{number}", f"This is number {number}.\r\n")))


def before_login():
    client = imaplib.IMAP4(HOST, PORTS["imap"])
    contains(client.capabilities, "IMAP4REV1")
    contains(client.capabilities, "STARTTLS")
    contains(client.capabilities, "LOGINDISABLED")
    raises(imaplib.IMAP4.error, lambda: client.login(ANN, PASSWORD))
    ok(client.starttls(ssl_context=tls()))
    assert "STARTTLS" not in client.capabilities
    assert "LOGINDISABLED" not in client.capabilities
    contains(client.capabilities, "AUTH=PLAIN")
    ok(client.noop())
    error = raises(imaplib.IMAP4.error, lambda: client.login(ANN, "guess"))
    contains(str(error), "AUTHENTICATIONFAILED")
    plain = f"\0{ANN}\0{PASSWORD}".encode()
    raises(imaplib.IMAP4.error, lambda: client.authenticate("PLAIN", lambda _: plain + b"x"))
    ok(client.authenticate("PLAIN", lambda _: plain))
    equal(client.state, "AUTH")
    equal(client.logout()[0], "BYE")


def mailboxes():
    client = imaplib.IMAP4_SSL(HOST, PORTS["imaps"], ssl_context=tls())
    ok(client.login(ANN, PASSWORD))
    ok(client.create("Work/Reports"))
    equal(client.create("Work/Reports")[0], "NO")
    ok(client.create('"With space"'))
    ok(client.create('"Entw&APw-rfe"'))
    names = [re.search(rb'(?:"([^"]*)"|(\S+))$', line).group(1, 2) for line in ok(client.list())]
    names = [(quoted or bare).decode() for quoted, bare in names]
    for name in ("INBOX", "Work", "Work/Reports", "With space", "Entw&APw-rfe"):
        contains(names, name)
    equal(len(ok(client.list("Work", "/%"))), 1)
    ok(client.subscribe("Work/Reports"))
    contains(b"".join(ok(client.lsub('""', '"Work*"'))), b"Work/Reports")
    ok(client.unsubscribe("Work/Reports"))
    equal(ok(client.lsub('""', '"Work/Reports"')), [None])
    ok(client.rename("Work", "Office"))
    contains(b" ".join(ok(client.list())), b"Office/Reports")
    equal(client.select("Work/Reports")[0], "NO")
    fill(client, 3, "Office/Reports")
    status = ok(client.status("Office/Reports", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"))[0].decode()
    for part in ("MESSAGES 3", "UIDNEXT 4", "UNSEEN 3"):
        contains(status, part)
    contains(ok(client.namespace())[0], b'(("" "/")) (("Other Users/" "/")) NIL')
    ok(client.delete("Office/Reports"))
    equal(client.status("Office/Reports", "(MESSAGES)")[0], "NO")
    equal(client.delete("INBOX")[0], "NO")
    client.logout()


def fetch():
    client = inbox()
    text = message("parts", "one\r\ntwo\r\nthree\r\n", "X-Other: yes\r\n")
    date = '"02-Jan-2026 03:04:05 +0000"'
    contains(ok(client.append("INBOX", "(\\Flagged $Label)", date, text))[0], b"[APPENDUID ")
    ok(client.noop())
    whole = ok(client.fetch("1", "(RFC822)"))
    equal(whole[0][1], text)
    equal(ok(client.fetch("1", "(BODY.PEEK[])"))[0][1], text)
    equal(ok(client.fetch("1", "(BODY.PEEK[]<4.9>)"))[0][1], text[4:13])
    equal(ok(client.fetch("1", "(BODY.PEEK[]<100000.9>)"))[0][1], b"")
    equal(ok(client.fetch("1", "(BODY.PEEK[TEXT])"))[0][1], b"one\r\ntwo\r\nthree\r\n")
    header = ok(client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT X-OTHER)])"))[0][1]
    equal(header, b"Subject: parts\r\nX-Other: yes\r\n\r\n")
    contains(ok(client.fetch("1", "(BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)])"))[0][1], b"X-Other: yes")
    equal(ok(client.fetch("1", "(RFC822.SIZE)"))[0], f"1 (RFC822.SIZE {len(text)})".encode())
    both = ok(client.fetch("1", "(FLAGS INTERNALDATE UID)"))[0]
    contains(both, b'INTERNALDATE " 2-Jan-2026 03:04:05 +0000"')
    contains(both, b"UID 1")
    flags = imaplib.ParseFlags(both)
    contains(flags, b"\\Flagged")
    contains(flags, b"$Label")
    contains(flags, b"\\Seen")
    envelope = ok(client.fetch("1", "(ENVELOPE BODYSTRUCTURE)"))[0]
    contains(envelope, b'"parts"')
    contains(envelope, b'((NIL NIL "ann" "mail.test"))')
    contains(envelope.upper(), b'"TEXT" "PLAIN"')
    # RFC 3501 §9, "seq-number": BAD for a number that no message has.
    raises(imaplib.IMAP4.error, lambda: client.fetch("5:9", "(FLAGS)"))
    equal(ok(client.uid("FETCH", "5:9", "(FLAGS)")), [None])
    equal(ok(client.uid("FETCH", "1:*", "(FLAGS)"))[0][:10], b"1 (UID 1 F")
    client.close()
    client.logout()


def search():
    client = inbox()
    fill(client, 5)
    subject = "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
    utf8 = f"From: {ANN}\r\n{subject}Content-Type: text/plain; charset=utf-8\r\n\r\nStraße\r\n".encode()
    ok(client.append("INBOX", "\\Seen", None, utf8))
    ok(client.noop())
    equal(ok(client.search(None, "ALL")), [b"1 2 3 4 5 6"])
    equal(ok(client.search(None, "SUBJECT", '"number-3"')), [b"3"])
    equal(ok(client.search("UTF-8", "BODY", '"number 4"')), [b"4"])
    client.literal = "Grüße".encode()
    equal(ok(client.search("UTF-8", "SUBJECT")), [b"6"])
    client.literal = "STRASSE".encode()
    ok(client.search("UTF-8", "BODY"))
    client.literal = "straße".encode()
    equal(ok(client.uid("SEARCH", "CHARSET", "UTF-8", "TEXT")), [b"6"])
    equal(ok(client.search(None, "UNSEEN", "NOT", "SUBJECT", "number-1")), [b"2 3 4 5"])
    equal(ok(client.search(None, "OR", "1", "SEEN")), [b"1 6"])
    equal(ok(client.search(None, "SENTON", "21-Nov-2026")), [b"1 2 3 4 5"])
    equal(ok(client.search(None, "(LARGER 10 SMALLER 100000)", "2:4")), [b"2 3 4"])
    equal(ok(client.search(None, "HEADER", "Message-ID", '"number-2@"')), [b"2"])
    equal(ok(client.search(None, "SUBJECT", "nothing")), [b""])
    equal(client.search("X-NO-SUCH", "ALL")[0], "NO")
    raises(imaplib.IMAP4.error, lambda: client.search(None, "NONSENSE"))
    if "SORT" in client.capabilities:
        equal(ok(client.sort("REVERSE ARRIVAL", "UTF-8", "ALL")), [b"6 5 4 3 2 1"])
    if "THREAD=REFERENCES" in client.capabilities:
        ok(client.thread("REFERENCES", "UTF-8", "ALL"))
    client.logout()


def change():
    client = inbox()
    fill(client, 4)
    ok(client.create("Archive/2026"))
    ok(client.noop())
    contains(ok(client.store("1:2", "+FLAGS", "(\\Seen)"))[0], b"\\Seen")
    equal(ok(client.store("1:2", "+FLAGS.SILENT", "(\\Flagged)")), [None])
    assert b"\\Flagged" not in imaplib.ParseFlags(ok(client.store("1", "-FLAGS", "(\\Flagged)"))[0])
    ok(client.store("2", "FLAGS", "(\\Answered own-word)"))
    flags = imaplib.ParseFlags(ok(client.fetch("2", "(FLAGS)"))[0])
    equal(sorted(flag for flag in flags if flag != b"\\Recent"), [b"\\Answered", b"own-word"])
    ok(client.copy("1:2", "Archive/2026"))
    equal(client.copy("1", "Nowhere")[0], "NO")
    contains(client.response("TRYCREATE")[0], "TRYCREATE")
    ok(client.uid("COPY", "3", "Archive/2026"))
    ok(client.uid("STORE", "3", "+FLAGS", "(\\Deleted)"))
    equal(ok(client.expunge()), [b"3"])
    ok(client.uid("STORE", "1", "+FLAGS", "(\\Deleted)"))
    equal(client.uid("EXPUNGE", "4")[0], "OK")
    equal(ok(client.search(None, "ALL")), [b"1 2 3"])
    ok(client.uid("EXPUNGE", "1"))
    equal(ok(client.uid("SEARCH", "ALL")), [b"2 4"])
    contains(client.capabilities, "MOVE")
    ok(client._simple_command("UID", "MOVE", "4", "Archive/2026"))
    equal(ok(client.uid("SEARCH", "ALL")), [b"2"])
    ok(client.check())
    ok(client.store("1", "+FLAGS", "(\\Deleted)"))
    ok(client.close())
    equal(ok(client.select("INBOX")), [b"0"])
    ok(client.unselect())
    equal(client.state, "AUTH")
    equal(ok(client.select("Archive/2026"))[0], b"4")
    client.logout()


def read_only():
    client = inbox()
    fill(client, 1)
    client.close()
    ok(client.select("INBOX", readonly=True))
    equal(client.is_readonly, True)
    equal(client.store("1", "+FLAGS", "(\\Seen)")[0], "NO")
    equal(ok(client.fetch("1", "(BODY[TEXT])"))[0][1], b"This is number 1.\r\n")
    assert b"\\Seen" not in imaplib.ParseFlags(ok(client.fetch("1", "(FLAGS)"))[0])
    client.logout()


def two_sessions():
    """Each sees what the other did at its next command, and sequence numbers stay right."""
    first, second = inbox(), inbox()
    fill(first, 3)
    ok(second.noop())
    equal(second.response("EXISTS")[1][-1], b"3")
    ok(first.noop())
    ok(first.store("2", "+FLAGS.SILENT", "(\\Deleted)"))
    ok(first.expunge())
    ok(second.noop())
    equal(second.response("EXPUNGE")[1], [b"2"])
    equal(ok(second.uid("SEARCH", "ALL")), [b"1 3"])
    for client in (first, second):
        client.logout()


def idle():
    """imaplib of Python 3.14 and later has it; before, the lines are written by hand."""
    watching, other = inbox(), inbox()
    if hasattr(watching, "idle"):
        fill(other, 1)
        with watching.idle(duration=20) as changes:
            kind, data = next(iter(changes))
        equal((kind, data), ("EXISTS", [b"1"]))
    else:
        tag = watching._new_tag()
        watching.send(tag + b" IDLE\r\n")
        contains(watching.readline(), b"+ ")
        fill(other, 1)
        equal(watching.readline(), b"* 1 EXISTS\r\n")
        watching.send(b"DONE\r\n")
        while not (line := watching.readline()).startswith(tag):
            contains(line, b"RECENT")
        contains(line, b" OK ")
    for client in (watching, other):
        client.logout()


main(
    {
        check.__name__: check
        for check in (before_login, mailboxes, fetch, search, change, read_only, two_sessions, idle)
    }
)
