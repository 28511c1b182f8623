"""Stands in for HashiCorp Vault in the tests: reading a KV version 2 secret over HTTP, and nothing else.

Vault itself is in no package repository that the tests may use, and moto has no Vault. What is imitated is what
its documentation promises of `GET /v1/:mount/data/:path`: the token in X-Vault-Token, 403 with `errors` without a
good one, 404 with an empty list for a path with nothing in it, and the secret in `data.data`.

Usage: vault_stand_in.py TOKEN PATH < SECRET.json; prints the address that it listens on.
"""

import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN, PATH = sys.argv[1:]
SECRET = json.load(sys.stdin)


class Vault(BaseHTTPRequestHandler):
    def do_GET(self):
        if not hmac.compare_digest(self.headers.get("X-Vault-Token", ""), TOKEN):
            self.answer(403, {"errors": ["permission denied"]})
        elif self.path != f"/v1/secret/data/{PATH}":
            self.answer(404, {"errors": []})
        else:
            metadata = {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": 1}
            self.answer(200, {"lease_id": "", "renewable": False, "data": {"data": SECRET, "metadata": metadata}})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Vault)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
