"""poplib against Posthorn: every method that it has. The test puts two messages into the maildrop of Ann."""

import poplib

from session import ANN, HOST, PASSWORD, PORTS, contains, equal, main, raises, tls


def entered():
    client = poplib.POP3_SSL(HOST, PORTS["pop3s"], context=tls())
    contains(client.user(ANN), b"+OK")
    contains(client.pass_(PASSWORD), b"+OK")
    return client


def before_login():
    client = poplib.POP3(HOST, PORTS["pop3"])
    contains(client.getwelcome(), b"+OK")
    capabilities = client.capa()
    for name in ("STLS", "TOP", "UIDL", "RESP-CODES", "PIPELINING"):
        contains(capabilities, name)
    contains(client.stls(context=tls()), b"+OK")
    capabilities = client.capa()
    contains(capabilities, "USER")
    contains(capabilities["SASL"], "PLAIN")
    assert "STLS" not in capabilities
    client.user(ANN)
    error = raises(poplib.error_proto, lambda: client.pass_("guess"))
    contains(str(error), "AUTH")
    client.user(ANN)
    client.pass_(PASSWORD)
    contains(client.quit(), b"+OK")
    clear = poplib.POP3(HOST, PORTS["pop3"])
    raises(poplib.error_proto, lambda: (clear.user(ANN), clear.pass_(PASSWORD)))
    clear.quit()


def read():
    client = entered()
    count, octets = client.stat()
    equal(count, 2)
    _, listing, _ = client.list()
    sizes = [int(line.split()[1]) for line in listing]
    equal(sum(sizes), octets)
    equal(client.list(1), f"+OK 1 {sizes[0]}".encode())
    _, lines, length = client.retr(1)
    equal(sum(len(line) + 2 for line in lines), sizes[0])
    contains(lines, b"Subject: number-1")
    contains(lines, b".a line with a dot")
    _, top, _ = client.top(2, 1)
    equal(top[-1], b"This is number 2.")
    assert b".a line with a dot" not in top
    contains(client.top(2, 0)[1], b"Subject: number-2")
    _, uids, _ = client.uidl()
    equal(len(uids), 2)
    equal(client.uidl(2), b"+OK " + uids[1])
    contains(client.noop(), b"+OK")
    raises(poplib.error_proto, lambda: client.retr(3))
    raises(poplib.error_proto, lambda: client.list(0))
    client.quit()
    again = entered()
    equal(again.uidl()[1], uids)
    again.quit()


def delete():
    client = entered()
    client.dele(1)
    equal(client.stat()[0], 1)
    raises(poplib.error_proto, lambda: client.retr(1))
    contains(client.rset(), b"+OK")
    equal(client.stat()[0], 2)
    client.dele(2)
    # Gone without QUIT: nothing is deleted (RFC 1939 §6).
    client.close()
    client = entered()
    equal(client.stat()[0], 2)
    client.dele(2)
    client.quit()
    client = entered()
    equal(client.stat()[0], 1)
    contains(client.retr(1)[1], b"Subject: number-1")
    client.quit()


def utf8():
    client = poplib.POP3(HOST, PORTS["pop3"])
    client.stls(context=tls())
    contains(client.capa(), "UTF8")
    contains(client.utf8(), b"+OK")
    client.user(ANN)
    client.pass_(PASSWORD)
    contains(client.retr(2)[1], b"Subject: number-2")
    client.quit()


def locked():
    """A maildrop that is open elsewhere is refused, with the reason."""
    client = entered()
    error = raises(poplib.error_proto, entered)
    contains(str(error), "IN-USE")
    client.quit()
    entered().quit()


def apop():
    client = poplib.POP3(HOST, PORTS["pop3"])
    raises(poplib.error_proto, lambda: client.apop(ANN, PASSWORD))
    client.quit()


main({check.__name__: check for check in (before_login, read, delete, utf8, locked, apop)})
