#!/usr/bin/env python3
"""Makes a file of keys as another system holds them, and beside it the keys themselves.

    make.py SYSTEM COUNT FILE [KEYS] [--seed N] [--secret TEXT]

SYSTEM: torvus-csv, torvus-jsonl, keyed-jsonl, unkey-jsonl, unkey2-jsonl, better-auth-jsonl, better-auth-csv,
crates-io-csv, seam-jsonl. KEYS gets one key a line, in the order of FILE; without it only the hashes are kept.
The same seed makes the same keys.
"""
import argparse
import base64
import csv
import hashlib
import hmac
import json
import random

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("system")
    parser.add_argument("count", type=int)
    parser.add_argument("file")
    parser.add_argument("keys", nargs="?", default="/dev/null")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--secret", default="their secret")
    args = parser.parse_args()
    dice = random.Random(f"{args.system} {args.seed}")
    with open(args.file, "w", newline="") as file, open(args.keys, "w") as keys:
        rows = table(file) if args.system.endswith("-csv") else lines(file)
        make = globals()[args.system.rsplit("-", 1)[0].replace("-", "_")]
        for number in range(args.count):
            key, row = make(dice, number, args)
            rows(row)
            keys.write(key + "\n")


def table(file):
    writer = None

    def write(row):
        nonlocal writer
        if writer is None:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)

    return write


def lines(file):
    return lambda row: file.write(json.dumps(row) + "\n")


def text(dice, length):
    return "".join(dice.choices(ALPHABET, k=length))


def sha256(text):
    return hashlib.sha256(text.encode()).digest()


def base64url(digest):
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def torvus(dice, number, args):
    key = "acme_" + text(dice, 32)
    return key, {
        "algorithm": "sha256",
        "digest": sha256(key).hex(),
        "start": key[:9],
        "name": f" key {number} ",
        "environment": "live",
        "permissions": "read,write",
        "expires_at": "2099-01-31T12:00:00Z",
        "limit": "900",
        "external_id": f"user_{number}",
    }


def keyed(dice, number, args):
    key = text(dice, 40)
    digest = hmac.new(args.secret.encode(), key.encode(), hashlib.sha256)
    return key, {
        "algorithm": "hmac-sha256",
        "digest": digest.hexdigest(),
        "name": f"key {number}",
        "environment": "test",
        "permissions": ["read"],
    }


def unkey(dice, number, args):
    """`migrations.createKeys`."""
    key = "abc_" + text(dice, 24)
    return key, {
        "apiId": "api_123",
        "prefix": "abc",
        "name": f"key {number}",
        "hash": {"value": base64.b64encode(sha256(key)).decode(), "variant": "sha256_base64"},
        "start": key[:8],
        "ownerId": f"team_{number}",
        "meta": {"billingTier": "PRO"},
        "permissions": ["domains.create_record"],
        "expires": 4073544000000,
        "ratelimit": {"type": "fast", "limit": 10, "refillRate": 1, "refillInterval": 60000},
        "enabled": True,
    }


def unkey2(dice, number, args):
    """`keys.migrateKeys`."""
    key = "abc_" + text(dice, 24)
    return key, {
        "hash": sha256(key).hex(),
        "name": f"key {number}",
        "externalId": f"user_{number}",
        "expires": 4073544000000,
        "enabled": True,
        "ratelimits": [
            {"name": "requests", "limit": 100, "duration": 60000, "autoApply": True},
            {"name": "heavy", "limit": 10, "duration": 3600000, "autoApply": False},
        ],
    }


def better_auth(dice, number, args):
    """Rows of the table `apikey`."""
    key = "hello_" + "".join(dice.choices(ALPHABET[:52], k=64))
    return key, {
        "id": text(dice, 32),
        "name": f"key {number}" if number % 2 else None,
        "start": key[:6],
        "prefix": "hello_",
        "key": base64url(sha256(key)),
        "userId": text(dice, 32),
        "enabled": True,
        "rateLimitEnabled": True,
        "rateLimitTimeWindow": 86400000,
        "rateLimitMax": 24000,
        "requestCount": 0,
        "expiresAt": "2099-01-31T12:00:00.000Z",
        "createdAt": "2025-01-31T12:00:00.000Z",
        "permissions": '{"files":["read"]}',
        "metadata": None,
    }


def crates_io(dice, number, args):
    """Rows of the table `api_tokens`, as psql's \\copy prints them."""
    key = "cio" + text(dice, 32)
    return key, {
        "id": number + 1,
        "user_id": 7,
        "name": f"key {number}",
        "created_at": "2025-01-31 12:00:00.123456+00",
        "revoked": "f",
        "token": "\\x" + sha256(key).hex(),
        "expired_at": "" if number % 2 else "2099-01-31 12:00:00.123456+00",
    }


def seam(dice, number, args):
    """Seam's prefixed-api-key: only what follows the last underscore is hashed."""
    short, long = text(dice, 8), text(dice, 24)
    return f"resend_{short}_{long}", {
        "digest": sha256(long).hex(),
        "hashed": "after-last-underscore",
        "start": f"resend_{short}",
        "name": f"key {number}",
        "environment": "live",
        "permissions": "read",
    }


if __name__ == "__main__":
    main()
