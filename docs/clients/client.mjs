// Torvus from Node.js: needs 18 or later and `npm install axios`.
//
//   TORVUS_API_KEY=torvus_sk_test_… node client.mjs
//
// Exit codes: 2 the key is not accepted (401), 3 it may not do this (403), 1 anything else.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";

const TRIES = 5;

class Failure extends Error {
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}

const url = process.env.TORVUS_URL ?? "http://127.0.0.1:8080";
const torvus = axios.create({
  baseURL: url,
  timeout: 30_000,
  validateStatus: () => true, // each status is looked at below
});

/** Sends a request and gives the body of its answer; a Failure says why there is none. */
async function call(request) {
  for (let attempt = 1; ; attempt++) {
    const { status, headers, data } = await torvus.request(request);

    if (status >= 200 && status < 300) return data;
    if (status === 401) {
      throw new Failure(2, "401: the key is wrong, expired or revoked; check TORVUS_API_KEY");
    }
    if (status === 403) {
      const scope = /scope="([^"]+)"/.exec(headers["www-authenticate"])?.[1];
      throw new Failure(3, scope
        ? `403: the key lacks the permission "${scope}"`
        : "403: not allowed for this key, from this address");
    }
    if ((status !== 429 && status !== 503) || attempt === TRIES) {
      throw new Failure(1, `${status}: ${data?.message ?? "no message"}`);
    }
    // 429 says how long; for 503, 1, 2, 4 … seconds, less a part by chance so that clients spread out.
    const seconds = status === 429
      ? Number(headers["retry-after"])
      : 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
    console.error(`${status}: trying again in ${seconds.toFixed(1)} s`);
    await sleep(seconds * 1000);
  }
}

async function main() {
  const key = process.env.TORVUS_API_KEY;
  if (!key) throw new Failure(1, "set TORVUS_API_KEY");
  torvus.defaults.headers.common.Authorization = `Bearer ${key}`;

  const account = await call({ url: "/v1/account" });
  console.log(`account ${account.account_id}, plan ${account.plan}`);

  // One Idempotency-Key for all tries: whatever happens on the way, one vault is made.
  const vault = await call({
    method: "post",
    url: "/v1/vaults",
    headers: { "Idempotency-Key": randomUUID() },
    data: { name: "From Node.js" },
  });
  console.log(`created ${vault.id}`);

  const vaults = await call({ url: "/v1/vaults", params: { limit: 100 } });
  for (const { id, name } of vaults.data) console.log(`${id}  ${name}`);
}

try {
  await main();
} catch (error) {
  // Never print an axios error as a whole: its `config` holds the headers, and so the key.
  console.error(error instanceof Failure ? error.message : `no answer from ${url}: ${error.code ?? error.name}`);
  process.exitCode = error.exitCode ?? 1;
}
