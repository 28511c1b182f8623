"""The key from a JSON configuration file: TORVUS_CONFIG, or torvus.json beside this program.

    {"url": "http://127.0.0.1:8080", "api_key": "torvus_sk_test_…"}

Only its owner may read the file (`chmod 600 torvus.json`), and git never sees it (`.gitignore`).
"""

import json
import os
import stat
import sys
from pathlib import Path

import account


def config():
    path = Path(os.environ.get("TORVUS_CONFIG", Path(__file__).with_name("torvus.json")))
    with path.open(encoding="utf-8") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            sys.exit(f"{path}: others may read the key in it; chmod 600 {path}")
        return json.load(file)


if __name__ == "__main__":
    settings = config()
    account.show(settings["api_key"], settings["url"])
