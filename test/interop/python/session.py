"""What the three scripts share: where the server is, whom it knows, and how a check is run by its name.

The test gives all of it as one JSON argument. Nothing but the standard library is used."""

import json
import ssl
import sys

SETTINGS = json.loads(sys.argv[2])
PORTS = SETTINGS["ports"]
PASSWORD = SETTINGS["password"]
ANN = "ann@mail.test"
BOB = "bob@mail.test"
HOST = "127.0.0.1"


def tls():
    """TLS as clients of old do it: whoever answers is believed. What is tried here is the protocol."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def message(subject, body="A line.\r\n", more=""):
    return (
        f"From: {ANN}\r\nTo: {BOB}\r\nSubject: {subject}\r\n"
        f"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{subject}@mail.test>\r\n{more}\r\n{body}"
    ).encode()


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def contains(whole, part):
    assert part in whole, f"{part!r} is not in {whole!r}"


def raises(kind, run):
    try:
        run()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def main(checks):
    checks[sys.argv[1]]()
