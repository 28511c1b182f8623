"""The key from the environment: TORVUS_API_KEY.

Let whatever starts the program set it (systemd's EnvironmentFile=, the CI's secret variables),
not the shell's history: `read -rs TORVUS_API_KEY && export TORVUS_API_KEY`.
"""

import os
import sys

import requests


def api_key():
    # Taken out of the environment, so that programs started from here don't inherit it.
    key = os.environ.pop("TORVUS_API_KEY", "")
    return key or sys.exit("set TORVUS_API_KEY")


if __name__ == "__main__":
    url = os.environ.get("TORVUS_URL", "http://127.0.0.1:8080")
    headers = {"Authorization": f"Bearer {api_key()}"}
    answer = requests.get(f"{url}/v1/account", headers=headers, timeout=30)
    answer.raise_for_status()
    print(answer.json()["account_id"])
