#!/usr/bin/env python3
"""Verifies an exported audit log without Torvus: docs/AUDIT.md says how. Needs `pip install cryptography`.

    verify.py LOG.jsonl [CHECKPOINT.json [PUBLIC_KEY]]

Exit code 0: it is as it was written. 1: it is not; the first bad record is named.
"""

import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LINE = re.compile(
    rb'(\{.*),"chain":"([^"]*)","seq":(0|[1-9][0-9]{0,19}),"hash":"([0-9a-f]{64})"\}\n', re.DOTALL
)


def take_apart(text):
    """Record, chain, place and hash of an exported line; None where it is none."""
    match = LINE.fullmatch(text)
    try:
        text.decode()
    except UnicodeDecodeError:
        return None
    if not match or int(match[3]) >= 2**64:
        return None
    return match[1] + b"}", match[2].decode(), int(match[3]), bytes.fromhex(match[4].decode())


def genesis(chain):
    return 0, hashlib.sha256(b"torvus-audit-1\n" + chain.encode()).digest()


def tombstone_text(stone):
    return f"torvus-pruned-1\n{stone['chain']} {stone['seq']} {stone['hash']} {stone['before']}\n"


def checkpoint_text(checkpoint):
    text = f"torvus-checkpoint-1\n{checkpoint['at']}\n"
    for end in checkpoint["chains"]:
        text += f"{end['chain']} {end['seq']} {end['hash']}\n"
    for stone in checkpoint["pruned"]:
        text += tombstone_text(stone) + stone["signature"] + "\n"
    return text


def signed(key, text, signature):
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def verify(lines, checkpoint=None, key=None):
    """The first fault as (chain, seq, what), or None. `lines` are bytes with their newlines."""
    heads, expected = {}, {}
    if checkpoint:
        key = key or checkpoint["public_key"]
        if checkpoint["version"] != 1 or not signed(key, checkpoint_text(checkpoint), checkpoint["signature"]):
            return "", 0, "the checkpoint was not signed by that key, or was changed"
        for stone in checkpoint["pruned"]:
            heads[stone["chain"]] = stone["seq"], bytes.fromhex(stone["hash"])
            if not signed(key, tombstone_text(stone), stone["signature"]):
                return stone["chain"], stone["seq"], "removed by somebody without the log's key"
        expected = {(end["chain"], end["seq"]): bytes.fromhex(end["hash"]) for end in checkpoint["chains"]}
    for number, text in enumerate(lines, 1):
        parts = take_apart(text)
        if parts is None:
            return "", number, f"line {number} is no record"
        line, chain, seq, told = parts
        before, previous = heads.get(chain) or genesis(chain)
        if seq != before + 1:
            return chain, seq, f"record {before + 1} should stand here"
        if hashlib.sha256(previous + line).digest() != told:
            return chain, seq, "it was changed"
        if expected.pop((chain, seq), told) != told:
            return chain, seq, "this is not the record that the checkpoint tells of"
        heads[chain] = seq, told
    for (chain, seq), told in sorted(expected.items()):
        have = heads.get(chain) or genesis(chain)
        if have[0] < seq or (have[0] == seq and have[1] != told):
            return chain, have[0], f"the end was cut off: there were {seq} records"
    return None


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    checkpoint = json.load(open(sys.argv[2], encoding="utf-8")) if len(sys.argv) > 2 else None
    fault = verify(open(sys.argv[1], "rb"), checkpoint, *sys.argv[3:])
    print("chain %s, record %d: %s" % fault if fault else "the log is as it was written")
    sys.exit(1 if fault else 0)
