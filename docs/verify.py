#!/usr/bin/env python3
"""Verifies an exported audit log without Torvus: docs/AUDIT.md says how. Needs `pip install cryptography`.

    verify.py LOG.jsonl [CHECKPOINT.json]... [PUBLIC_KEY]...

Exit code 0: it is as it was written. 1: it is not; the first bad record is named.
"""

import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LINE = re.compile(rb'(\{.*),"chain":"([^"]*)","seq":(0|[1-9][0-9]{0,19}),"hash":"([0-9a-f]{64})"\}\n', re.DOTALL)
# What is signed is text: without its form, one field could pass for several.
FORMS = {"at": "[0-9T:.-]{19,26}Z", "before": "[0-9T:.-]{19,26}Z", "chain": "chn_[0-9a-z]{26}",
         "hash": "[0-9a-f]{64}", "signature": "[0-9a-f]{128}"}


def take_apart(text):
    """Record, chain, place and hash of an exported line; TypeError or ValueError where it is none."""
    _, match = text.decode(), LINE.fullmatch(text)
    return match[1] + b"}", match[2].decode(), int(match[3]), bytes.fromhex(match[4].decode())


def form(part, *names):
    """These fields of a part, each in its form; KeyError, TypeError or ValueError where one is not."""
    if not all(type(part[n]) is int if n == "seq" else re.fullmatch(FORMS[n], part[n]) for n in names):
        raise ValueError
    return tuple(part[name] for name in names)


def tombstone_text(stone):
    return "torvus-pruned-1\n%s %d %s %s\n" % form(stone, "chain", "seq", "hash", "before")


def checkpoint_text(checkpoint):
    text = "torvus-checkpoint-1\n%s\n" % form(checkpoint, "at")
    for end in checkpoint["chains"]:
        text += "%s %d %s\n" % form(end, "chain", "seq", "hash")
    for stone in checkpoint["pruned"]:
        text += tombstone_text(stone) + "%s\n" % form(stone, "signature")
    return text


def signed(keys, part, text_of):
    for key in keys:
        try:
            known = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
            known.verify(bytes.fromhex(*form(part, "signature")), text_of(part).encode())
            return True
        except (InvalidSignature, KeyError, TypeError, ValueError):
            continue
    return False


def verify(lines, checkpoints=(), keys=()):
    """The first fault as (chain, seq, what), or None. `lines` are bytes with their newlines."""
    heads, expected = {}, {}
    head = lambda chain: heads.get(chain) or (0, hashlib.sha256(b"torvus-audit-1\n" + chain.encode()).digest())
    for told in sorted(checkpoints, key=lambda told: str(told.get("at"))):
        heads, own = {}, told.get("public_key")  # what was removed the last one tells
        if told.get("version") != 1 or own not in (keys or [own]) or not signed([own], told, checkpoint_text):
            return "", 0, "the checkpoint was not signed by that key, or was changed"
        for stone in told["pruned"]:
            heads[stone["chain"]] = stone["seq"], bytes.fromhex(stone["hash"])
            if not signed([own, *keys], stone, tombstone_text):
                return stone["chain"], stone["seq"], "removed by somebody without the log's key"
        expected.update({(end["chain"], end["seq"]): bytes.fromhex(end["hash"]) for end in told["chains"]})
    for number, text in enumerate(lines, 1):
        try:
            line, chain, seq, told = take_apart(text)
        except (TypeError, ValueError):
            return "", number, f"line {number} is no record"
        before, previous = head(chain)
        if seq != before + 1 or seq >= 2**64:
            return chain, seq, f"record {before + 1} should stand here"
        if hashlib.sha256(previous + line).digest() != told:
            return chain, seq, "it was changed"
        if expected.pop((chain, seq), told) != told:
            return chain, seq, "this is not the record that the checkpoint tells of"
        heads[chain] = seq, told
    for (chain, seq), told in sorted(expected.items()):
        have = head(chain)
        if have[0] < seq or (have[0] == seq and have[1] != told):
            return chain, have[0], f"the end was cut off: there were {seq} records"
    return None


if __name__ == "__main__":
    _ = sys.argv[1:] or sys.exit(__doc__)
    keys = [word for word in sys.argv[2:] if re.fullmatch("[0-9a-f]{64}", word)]
    files = [json.load(open(name, encoding="utf-8")) for name in sys.argv[2:] if name not in keys]
    fault = verify(open(sys.argv[1], "rb"), files, keys)
    print("chain %s, record %d: %s" % fault if fault else "the log is as it was written")
    sys.exit(1 if fault else 0)
