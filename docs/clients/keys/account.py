"""What the examples beside this one do with the key: they show whose it is."""

import os

import requests


def show(key, url=os.environ.get("TORVUS_URL", "http://127.0.0.1:8080")):
    """Prints the account of a key."""

    def bearer(request):
        # Set as a plain header, an entry in ~/.netrc would replace it.
        request.headers["Authorization"] = f"Bearer {key}"
        return request

    answer = requests.get(f"{url}/v1/account", auth=bearer, timeout=30)
    answer.raise_for_status()
    print(answer.json()["account_id"])
