#!/usr/bin/env python3
"""Verifies an exported audit log of Torvus, without Torvus. docs/AUDIT.md says what is checked.

usage: verify.py LOG.jsonl [--checkpoint FILE] [--public-key HEX]

Exit code 0: every record is as it was written, and none is missing. 1: it names the first that isn't.
Needs the package `cryptography` where a checkpoint is given.
"""
import argparse
import hashlib
import json
import re
import sys

PLACE = re.compile(rb'^(\{.*),"chain":"([a-z0-9_]{1,40})","seq":([0-9]{1,19}),"hash":"([0-9a-f]{64})"\}\n?$', re.S)


class Bad(Exception):
    """What is wrong, and where."""


def genesis(chain: str) -> bytes:
    return hashlib.sha256(b"torvus-audit-1\n" + chain.encode()).digest()


def tombstone(t: dict) -> str:
    return f"torvus-pruned-1\n{t['chain']} {t['seq']} {t['hash']} {t['before']}\n"


def checkpoint(path: str, public_key: str | None) -> dict:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    if told["version"] != 1:
        raise Bad(f"{path}: a form that this program does not know")
    if public_key not in (None, told["public_key"]):
        raise Bad(f"{path}: signed by {told['public_key']}")
    message = f"torvus-checkpoint-1\n{told['at']}\n"
    message += "".join(f"{c['chain']} {c['seq']} {c['hash']}\n" for c in told["chains"])
    message += "".join(f"{tombstone(t)}{t['signature']}\n" for t in told["pruned"])
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["public_key"]))
    try:
        key.verify(bytes.fromhex(told["signature"]), message.encode())
        for t in told["pruned"]:
            key.verify(bytes.fromhex(t["signature"]), tombstone(t).encode())
    except InvalidSignature:
        raise Bad(f"{path}: the signature does not fit: it was changed") from None
    return told


def verify(lines, told: dict | None) -> tuple[int, int]:
    """Counts the records and chains of a log that is whole."""
    told = told or {"chains": [], "pruned": []}
    heads = {t["chain"]: (t["seq"], bytes.fromhex(t["hash"])) for t in told["pruned"]}
    expected = {(c["chain"], c["seq"]): bytes.fromhex(c["hash"]) for c in told["chains"]}
    records = 0
    for number, line in enumerate(lines, 1):
        found = PLACE.match(line)
        if not found:
            raise Bad(f"line {number} is no record")
        record, chain, seq, told_hash = found[1] + b"}", found[2].decode(), int(found[3]), bytes.fromhex(found[4].decode())
        before, last = heads.get(chain, (0, genesis(chain)))
        where = f"line {number}: chain {chain}, record {seq}"
        if seq != before + 1:
            missing = f"records {before + 1} to {seq - 1} before it are missing"
            raise Bad(f"{where}: {missing if seq > before else 'it was put here, or is here twice'}")
        if hashlib.sha256(last + record).digest() != told_hash:
            raise Bad(f"{where}: it was changed")
        if expected.get((chain, seq), told_hash) != told_hash:
            raise Bad(f"{where}: this is not the record that the checkpoint tells of")
        heads[chain] = (seq, told_hash)
        records += 1
    for (chain, seq), told_hash in expected.items():
        reached, last = heads.get(chain, (0, genesis(chain)))
        if reached < seq or (reached == seq and last != told_hash):
            raise Bad(f"chain {chain} ends at record {reached}, but there were {seq}: the end was cut off")
    return records, len(heads)


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies an exported audit log of Torvus.")
    parser.add_argument("log")
    parser.add_argument("--checkpoint")
    parser.add_argument("--public-key")
    given = parser.parse_args()
    try:
        told = checkpoint(given.checkpoint, given.public_key) if given.checkpoint else None
        with open(given.log, "rb") as log:
            records, chains = verify(log, told)
    except Bad as bad:
        print(bad)
        return 1
    print(f"{records} records in {chains} chains are as they were written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
