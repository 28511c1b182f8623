"""What a schema can't say: a valid value that means something to the server."""

import re
import uuid

import schemathesis

CURSOR = re.compile(r"[A-Za-z0-9_-]{1,200}")
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
# What the document gives as an example: the place before all others in a list, which is always good.
FIRST_CURSOR = "MDp2YXVsdF8wMWg0NTV2YjRwZXg1dnNrbmswODRzbjAycQ"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts a real value in the place of a well-formed one; what is malformed goes out as it is.

    A cursor is a server's own: any other text is refused. An Idempotency-Key that comes again with another
    body is refused, and with the same body gives the earlier answer, whatever became of what it made: each
    request gets a new one. Tests of ours cover both.
    """
    cursor = (case.query or {}).get("cursor")
    if isinstance(cursor, str) and CURSOR.fullmatch(cursor):
        case.query["cursor"] = FIRST_CURSOR
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and IDEMPOTENCY_KEY.fullmatch(key):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
