"""Reads a delivery report from standard input with Python's email package, and prints what it says as JSON."""

import json
import quopri
import sys
from email import message_from_bytes, message_from_string, policy

report = message_from_bytes(sys.stdin.buffer.read(), policy=policy.default)
assert not report.defects, report.defects
parts = list(report.iter_parts())
assert not any(part.defects for part in parts), [part.defects for part in parts]
if parts[1].get_content_type() == "message/delivery-status":
    status = parts[1].get_payload()
else:
    # RFC 6533: in UTF-8 and encoded. Python knows the type only by the name of its family, and decodes nothing of it.
    assert parts[1]["Content-Transfer-Encoding"] == "quoted-printable"
    text = quopri.decodestring(parts[1].get_payload()[0].as_bytes()).decode().replace("\r", "")
    status = [message_from_string(group + "\n\n") for group in text.strip().split("\n\n")]
print(
    json.dumps(
        {
            "from": str(report["From"]),
            "to": str(report["To"]),
            "subject": str(report["Subject"]),
            "autoSubmitted": str(report["Auto-Submitted"]),
            "returnPath": str(report["Return-Path"]),
            "contentType": report.get_content_type(),
            "reportType": report.get_param("report-type"),
            "parts": [part.get_content_type() for part in parts],
            "text": parts[0].get_content(),
            "message": {name.lower(): str(value) for name, value in status[0].items()},
            "recipients": [{name.lower(): str(value) for name, value in group.items()} for group in status[1:]],
            "returned": parts[2].as_string() if len(parts) > 2 else "",
        }
    )
)
