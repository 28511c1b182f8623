"""Torvus from Python: needs 3.8 or later and `pip install requests`.

    TORVUS_API_KEY=torvus_sk_test_… python client.py

Exit codes: 2 the key is not accepted (401), 3 it may not do this (403), 1 anything else.
"""

import os
import re
import sys
import uuid

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

URL = os.environ.get("TORVUS_URL", "http://127.0.0.1:8080")
TIMEOUT = (5, 30)  # seconds to connect, and to wait for the answer


class BearerAuth(requests.auth.AuthBase):
    """The key as Authorization. (Set as a plain header, an entry in ~/.netrc would replace it.)"""

    def __init__(self, key):
        self._key = key

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def session(key):
    """A session that repeats a 429 after exactly Retry-After seconds, and a 503 at once, then after 2, 4, 8.

    POST is repeated too (`allowed_methods=None`): its Idempotency-Key makes that safe.
    """
    retry = Retry(total=4, status_forcelist=[429, 503], backoff_factor=1, allowed_methods=None, raise_on_status=False)
    made = requests.Session()
    made.auth = BearerAuth(key)
    made.mount("http://", HTTPAdapter(max_retries=retry))
    made.mount("https://", HTTPAdapter(max_retries=retry))
    return made


def call(torvus, method, path, **options):
    """Sends a request and gives the JSON of its answer; what can't be mended ends the program."""
    answer = torvus.request(method, URL + path, timeout=TIMEOUT, **options)
    if answer.status_code == 401:
        fail(2, "401: the key is wrong, expired or revoked; check TORVUS_API_KEY")
    if answer.status_code == 403:
        scope = re.search(r'scope="([^"]+)"', answer.headers.get("WWW-Authenticate", ""))
        fail(3, f'403: the key lacks the permission "{scope[1]}"' if scope
             else "403: not allowed for this key, from this address")
    if not answer.ok:
        fail(1, f"{answer.status_code}: {answer.text}")
    return answer.json()


def fail(code, message):
    print(message, file=sys.stderr)
    sys.exit(code)


def main():
    key = os.environ.get("TORVUS_API_KEY") or fail(1, "set TORVUS_API_KEY")
    torvus = session(key)

    account = call(torvus, "GET", "/v1/account")
    print(f"account {account['account_id']}, plan {account['plan']}")

    # One Idempotency-Key for all tries: whatever happens on the way, one vault is made.
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    vault = call(torvus, "POST", "/v1/vaults", json={"name": "From Python"}, headers=headers)
    print(f"created {vault['id']}")

    for vault in call(torvus, "GET", "/v1/vaults", params={"limit": 100})["data"]:
        print(f"{vault['id']}  {vault['name']}")


if __name__ == "__main__":
    try:
        main()
    except requests.RequestException as error:
        fail(1, f"no answer from {URL}: {type(error).__name__}")
