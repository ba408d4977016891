"""smtplib against Posthorn."""

import email.message
import smtplib

from session import ANN, BOB, HOST, PASSWORD, PORTS, contains, equal, main, message, raises, tls


def submission():
    client = smtplib.SMTP(HOST, PORTS["submission"], local_hostname="client.test")
    client.starttls(context=tls())
    return client


def commands():
    with smtplib.SMTP(HOST, PORTS["smtp"], local_hostname="client.test") as client:
        code, text = client.ehlo()
        equal(code, 250)
        for name in ("pipelining", "size", "starttls", "8bitmime", "smtputf8", "chunking", "enhancedstatuscodes"):
            assert client.has_extn(name), name
        assert int(client.esmtp_features["size"]) > 0
        assert not client.has_extn("auth")
        equal(client.helo()[0], 250)
        equal(client.noop()[0], 250)
        equal(client.rset()[0], 250)
        contains((250, 252), client.verify(ANN)[0])
        client.expn("staff")
        contains(client.help().lower(), b"mail")
        equal(client.docmd("XYZZY")[0], 500)
        equal(client.mail("eve@example.org")[0], 250)
        equal(client.mail("eve@example.org")[0], 503)
        equal(client.rcpt(BOB)[0], 250)
        equal(client.data(message("by-hand"))[0], 250)


def starttls():
    with smtplib.SMTP(HOST, PORTS["smtp"], local_hostname="client.test") as client:
        equal(client.starttls(context=tls())[0], 220)
        assert not client.has_extn("starttls"), "a second STARTTLS is offered"
        client.ehlo()
        assert not client.has_extn("starttls"), "a second STARTTLS is offered"
        equal(client.docmd("STARTTLS")[0], 503)
        client.sendmail("eve@example.org", [BOB], message("secret"))


def login():
    with submission() as client:
        client.ehlo()
        contains(client.esmtp_features["auth"], "PLAIN")
        error = raises(smtplib.SMTPAuthenticationError, lambda: client.login(ANN, "guess"))
        equal(error.smtp_code, 535)
        equal(client.login(ANN, PASSWORD)[0], 235)
        client.sendmail(ANN, [BOB], message("with-login"))
    for mechanism in ("auth_plain", "auth_login"):
        with smtplib.SMTP_SSL(HOST, PORTS["submissions"], context=tls()) as client:
            client.ehlo()
            client.user, client.password = ANN, PASSWORD
            name = mechanism.removeprefix("auth_").upper()
            equal(client.auth(name, getattr(client, mechanism))[0], 235)
            equal(client.docmd("AUTH", "PLAIN")[0], 503)
        with smtplib.SMTP_SSL(HOST, PORTS["submissions"], context=tls()) as client:
            client.ehlo()
            client.user, client.password = ANN, PASSWORD
            equal(client.auth(name, getattr(client, mechanism), initial_response_ok=False)[0], 235)


def cram_md5():
    """smtplib takes it before any other where it is offered."""
    with submission() as client:
        client.ehlo()
        contains(client.esmtp_features["auth"], "CRAM-MD5")
        client.user, client.password = ANN, PASSWORD
        equal(client.auth("CRAM-MD5", client.auth_cram_md5)[0], 235)
    with submission() as client:
        equal(client.login(ANN, PASSWORD)[0], 235)
        client.sendmail(ANN, [BOB], message("by-digest"), ["RET=HDRS", "ENVID=7"], ["NOTIFY=NEVER"])


def refused_recipients():
    with smtplib.SMTP(HOST, PORTS["smtp"], local_hostname="client.test") as client:
        to = [BOB, "nobody@mail.test", "someone@elsewhere.test"]
        refused = client.sendmail("eve@example.org", to, message("partly"))
        equal({address: code for address, (code, _) in refused.items()}, {to[1]: 550, to[2]: 550})
        error = raises(smtplib.SMTPRecipientsRefused, lambda: client.sendmail("eve@example.org", to[1:], message("no")))
        equal(sorted(error.recipients), sorted(to[1:]))
        client.sendmail("eve@example.org", [BOB], message("after"))


def size():
    with smtplib.SMTP(HOST, PORTS["smtp"], local_hostname="client.test") as client:
        large = message("large", "x" * 76 + "\r\n", "") + b"more\r\n" * 5000
        # smtplib announces the size, since the server offers SIZE.
        error = raises(smtplib.SMTPSenderRefused, lambda: client.sendmail("eve@example.org", [BOB], large))
        equal(error.smtp_code, 552)
        client.mail("eve@example.org")
        client.rcpt(BOB)
        equal(client.data(large)[0], 552)
        client.sendmail("eve@example.org", [BOB], message("small"))


def utf8():
    with submission() as client:
        client.ehlo()
        client.login(ANN, PASSWORD)
        letter = email.message.EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = ANN, "jürgen@mail.test", "Grüße"
        letter.set_content("Schöne Grüße, 你好\n")
        client.send_message(letter)


def dots_and_lines():
    with smtplib.SMTP(HOST, PORTS["smtp"], local_hostname="client.test") as client:
        body = ".\r\n..\r\n.a\r\n" + "y" * 5000 + "\r\nlast"
        client.sendmail("eve@example.org", [BOB], message("dots", body))


main(
    {
        check.__name__: check
        for check in (commands, starttls, login, cram_md5, refused_recipients, size, utf8, dots_and_lines)
    }
)
