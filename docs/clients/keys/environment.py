"""The key from the environment: TORVUS_API_KEY.

Let whatever starts the program set it (systemd's EnvironmentFile=, the CI's secret variables),
not the shell's history: `read -rs TORVUS_API_KEY && export TORVUS_API_KEY`.
"""

import os
import sys

import account


def api_key():
    # Taken out of the environment, so that programs started from here don't inherit it.
    key = os.environ.pop("TORVUS_API_KEY", "")
    return key or sys.exit("set TORVUS_API_KEY")


if __name__ == "__main__":
    account.show(api_key())
