"""The key from HashiCorp Vault, KV version 2 over HTTP: needs `pip install requests`.

    vault kv put secret/torvus api_key=@key.txt

VAULT_ADDR and VAULT_TOKEN are the ones that Vault's own command line uses.
All the token needs is `path "secret/data/torvus" { capabilities = ["read"] }`.
"""

import os

import requests

import account

VAULT_ADDR = os.environ.get("VAULT_ADDR", "https://127.0.0.1:8200")


def api_key():
    """Reads the current version. Call it at the start, and again after a 401: the key may have been changed."""
    answer = requests.get(
        f"{VAULT_ADDR}/v1/secret/data/torvus",
        headers={"X-Vault-Token": os.environ["VAULT_TOKEN"], "X-Vault-Request": "true"},
        allow_redirects=False,  # the token is for this address only
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json()["data"]["data"]["api_key"].strip()


if __name__ == "__main__":
    account.show(api_key())
