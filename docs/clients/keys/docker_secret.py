"""The key from a Docker secret: the file that TORVUS_API_KEY_FILE names.

    services:
      app:
        image: my-app
        secrets: [torvus_api_key]
        environment:
          TORVUS_API_KEY_FILE: /run/secrets/torvus_api_key
    secrets:
      torvus_api_key:
        file: ./torvus_api_key.txt    # or `external: true` with Swarm

Kubernetes works the same way, with a Secret that is mounted as a volume.
"""

import os
from pathlib import Path

import account


def api_key():
    path = os.environ.get("TORVUS_API_KEY_FILE", "/run/secrets/torvus_api_key")
    return Path(path).read_text(encoding="ascii").strip()  # editors end a file with a newline


if __name__ == "__main__":
    account.show(api_key())
