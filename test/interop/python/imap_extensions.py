"""imaplib against Posthorn: the extensions that it has methods for, and those that its scripts use by hand."""

import imaplib
import re

from session import ANN, BOB, HOST, PASSWORD, PORTS, contains, equal, main, message, tls


def ok(answer):
    status, data = answer
    equal(status, "OK")
    return data


def connected(user=ANN):
    client = imaplib.IMAP4_SSL(HOST, PORTS["imaps"], ssl_context=tls())
    ok(client.login(user, PASSWORD))
    client.capabilities = tuple(ok(client.capability())[-1].decode().upper().split())
    return client


def fill(client, *subjects):
    for subject in subjects:
        ok(client.append("INBOX", None, None, message(subject)))
    ok(client.select("INBOX"))


def sort_and_thread():
    client = connected()
    fill(client, "cherry", "apple", "banana")
    reply = message("Re: apple", more="In-Reply-To: <apple@mail.test>\r\nReferences: <apple@mail.test>\r\n")
    ok(client.append("INBOX", None, None, reply.replace(b"<Re: apple@", b"<reply@")))
    ok(client.noop())
    equal(ok(client.sort("SUBJECT", "UTF-8", "ALL")), [b"2 4 3 1"])
    equal(ok(client.sort("REVERSE SUBJECT ARRIVAL", "US-ASCII", "ALL")), [b"1 3 2 4"])
    equal(ok(client.uid("SORT", "(REVERSE ARRIVAL)", "UTF-8", "SUBJECT", "a")), [b"4 3 2"])
    equal(ok(client.thread("REFERENCES", "UTF-8", "ALL")), [b"(1)(2 4)(3)"])
    equal(ok(client.uid("THREAD", "ORDEREDSUBJECT", "UTF-8", "ALL")), [b"(1)(2 4)(3)"])
    client.logout()


def rights():
    client, other = connected(), connected(BOB)
    equal(ok(client.myrights("INBOX"))[0].split()[0], b"INBOX")
    ok(client.create("Team"))
    ok(client.append("Team", None, None, message("shared")))
    ok(client.setacl("Team", BOB, "lrsw"))
    contains(ok(client.getacl("Team"))[0], b"bob@mail.test")
    listed = b"\n".join(ok(other.list('""', '"*"')))
    name = '"Other Users/ann@mail.test/Team"'
    contains(listed, name.strip('"').encode())
    equal(ok(other.select(name)), [b"1"])
    ok(other.store("1", "+FLAGS", "(\\Flagged)"))
    equal(other.append(name, None, None, message("refused"))[0], "NO")
    ok(other.unselect())
    ok(client.deleteacl("Team", BOB))
    equal(other.select(name)[0], "NO")
    for each in (client, other):
        each.logout()


def quota():
    client = connected()
    fill(client, "one")
    roots, resources = ok(client.getquotaroot("INBOX"))
    contains(roots[0], b"INBOX")
    assert resources is not None
    client.logout()


def annotations():
    client = connected()
    ok(client.create("Marked"))
    # imaplib's own method is for a draft; the command of RFC 5464 is written by hand.
    imaplib.Commands["SETMETADATA"] = imaplib.Commands["GETMETADATA"] = ("AUTH", "SELECTED")
    ok(client._simple_command("SETMETADATA", "Marked", '(/private/comment "a word")'))
    ok(client._simple_command("GETMETADATA", "Marked", "/private/comment"))
    contains(client.response("METADATA")[1][0], b"a word")
    client.logout()


def utf8():
    client = connected()
    ok(client.enable("UTF8=ACCEPT"))
    equal(client.utf8_enabled, True)
    ok(client.create('"Entwürfe"'))
    contains(b"\n".join(ok(client.list())), "Entwürfe".encode())
    text = "From: jürgen@mail.test\r\nSubject: Grüße\r\n\r\nStraße\r\n".encode()
    # With UTF-8 enabled imaplib's append puts the syntax of RFC 6855 §4 into the literal itself.
    client.utf8_enabled = False
    ok(client.append('"Entwürfe"', None, None, text))
    client.utf8_enabled = True
    equal(ok(client.select('"Entwürfe"')), [b"1"])
    equal(ok(client.fetch("1", "(BODY.PEEK[])"))[0][1], text)
    equal(ok(client.search(None, "SUBJECT", '"grüße"')), [b"1"])
    client.logout()


def move_and_replace():
    client = connected()
    fill(client, "one", "two")
    ok(client.create("Kept"))
    for word in ("MOVE", "ENABLE"):
        contains(client.capabilities, word)
    imaplib.Commands["MOVE"] = ("SELECTED",)
    ok(client._simple_command("MOVE", "1", "Kept"))
    contains(client.response("COPYUID")[1][0], b" 1 1")
    equal(ok(client.uid("SEARCH", "ALL")), [b"2"])
    found = ok(client.fetch("1", "(EMAILID THREADID SAVEDATE PREVIEW)"))[0]
    assert re.search(rb"EMAILID \(M\d+_\d+\) THREADID \(T\d+_\d+\)", found), found
    client.logout()


main({check.__name__: check for check in (sort_and_thread, rights, quota, annotations, utf8, move_and_replace)})
