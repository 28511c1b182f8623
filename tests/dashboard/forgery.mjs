// What is sent that nobody meant to send: forms without their token, with another's, twice, from elsewhere, for
// another account's keys. None of it may be accepted. What it tried is compared with the log by whoever runs this.

import assert from "node:assert/strict";

import { open, signIn, test } from "./browser.mjs";

/** The forms of a page that change something, as a browser would send them. */
const formsOf = (page) =>
    page.evaluate(() =>
        [...document.forms]
            .filter((form) => form.method === "post")
            .map((form) => ({ action: new URL(form.action).pathname, fields: [...new FormData(form)].filter(([, value]) => typeof value === "string") })),
    );

/** What a form needs besides to be a whole one. */
const FILLED = {
    name: "Forged", permissions: "read", environment: "test", expiration: "90d", reason: "forged", grace: "0", end: "now",
    current_password: "x", new_password: "a password of some length", repeat_password: "a password of some length",
};

await test(async (browser, { url, holder, victim, keys, theirs, count }) => {
    const mine = await open(browser, url, { javaScriptEnabled: true });
    await signIn(mine.page, holder);
    const other = await open(browser, url);
    await signIn(other.page, victim);

    // Every form that there is to be sent.
    const paths = ["/settings/account", "/settings/account/two-step", "/settings/api-keys/new"];
    for (const key of keys) paths.push(...["edit", "rotate", "revoke", "grace"].map((what) => `/settings/api-keys/${key}/${what}`));
    const collect = async (page) => {
        const found = new Map();
        for (const path of paths) {
            await page.goto(path);
            for (const form of await formsOf(page)) if (!found.has(form.action)) found.set(form.action, form);
        }
        // Anything else a form would hold, so that nothing but what is forged is wrong with it.
        for (const form of found.values()) {
            const names = new Set(form.fields.map(([name]) => name));
            for (const [name, value] of Object.entries(FILLED)) if (!names.has(name)) form.fields.push([name, value]);
        }
        return [...found.values()];
    };
    const forms = await collect(mine.page);
    const actions = forms.map((form) => form.action);
    for (const part of ["/new", "/edit", "/rotate", "/revoke", "/password", "/logout"]) {
        assert.ok(actions.some((action) => action.endsWith(part)), `${part} is not among ${actions}`);
    }

    const cookies = async (window) => (await window.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
    const [jar, otherJar] = [await cookies(mine), await cookies(other)];
    const otherToken = (await formsOf(other.page).then((found) => found, () => []))[0]?.fields.find(([name]) => name === "token")?.[1]
        ?? (await other.page.goto("/settings/account"), await formsOf(other.page))[0].fields.find(([name]) => name === "token")[1];

    const accepted = [];
    let sent = 0;
    const send = async (what, action, fields, { cookie = jar, headers = {}, type = "application/x-www-form-urlencoded", body } = {}) => {
        sent += 1;
        const answer = await fetch(`${url}${action}`, {
            method: "POST",
            redirect: "manual",
            headers: { cookie, "content-type": type, origin: url, "sec-fetch-site": "same-origin", ...headers },
            body: body ?? new URLSearchParams(fields).toString(),
        });
        const text = await answer.text();
        const led = answer.headers.get("location") ?? "";
        // Who has no cookie is led to the sign-in; anybody else is led nowhere.
        const refused = [400, 403, 404, 405, 409, 413].includes(answer.status) || (cookie === "" && answer.status === 303 && led.startsWith("/login"));
        if (!refused) accepted.push(`${what}: ${action} answered ${answer.status} ${led}`);
        if (/torvus_sk_(live|test)_[0-9A-Za-z]{49}/.test(text)) accepted.push(`${what}: ${action} showed a key`);
    };

    const without = (fields) => fields.filter(([name]) => name !== "token");
    const withToken = (fields, token) => [...without(fields), ["token", token]];
    const flipped = (token) => (token.at(-1) === "A" ? `${token.slice(0, -1)}B` : `${token.slice(0, -1)}A`);
    const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(50))).toString("base64url");

    for (let round = 0; sent < count; round += 1) {
        for (const { action, fields } of forms) {
            const token = fields.find(([name]) => name === "token")[1];
            await send("without a token", action, without(fields));
            await send("with an empty token", action, withToken(fields, ""));
            await send("with a token that was made up", action, withToken(fields, random()));
            await send("with a token that was changed", action, withToken(fields, flipped(token)));
            await send("with another session's token", action, withToken(fields, otherToken));
            await send("with another session's cookie", action, fields, { cookie: otherJar });
            await send("from another origin", action, fields, { headers: { origin: "https://evil.example" } });
            await send("from no origin", action, fields, { headers: { origin: "null" } });
            await send("from the same host on another port", action, fields, { headers: { origin: "http://127.0.0.1:1" } });
            await send("from a name that looks alike", action, fields, { headers: { origin: `${url}.evil.example` } });
            await send("from another site", action, fields, { headers: { "sec-fetch-site": "cross-site" } });
            await send("from another subdomain", action, fields, { headers: { "sec-fetch-site": "same-site" } });
            await send("as JSON", action, fields, { type: "application/json", body: JSON.stringify(Object.fromEntries(fields)) });
            await send("as plain text", action, fields, { type: "text/plain", body: new URLSearchParams(fields).toString() });
            await send("without a cookie", action, fields, { cookie: "" });
        }
        // Another account's keys: with a good token each time, in the path and in the fields.
        for (const key of theirs) {
            for (const what of ["edit", "rotate", "revoke", "grace"]) {
                const path = `/settings/api-keys/${keys[round % keys.length]}/${what}`;
                await mine.page.goto(path);
                const form = (await formsOf(mine.page)).find((form) => form.action.endsWith(`/${what}`));
                if (!form) continue;
                const fields = [...form.fields, ...Object.entries(FILLED), ["id", key], ["key", key], ["account_id", victim.account]];
                await send("for another account's key", form.action.replace(/key_[0-9a-z]{26}/, key), fields);
            }
        }
        // Nothing is done by asking for a page, and no other method does it either.
        for (const { action, fields } of forms) {
            sent += 1;
            const answer = await fetch(`${url}${action}?${new URLSearchParams(fields)}`, { headers: { cookie: jar }, redirect: "manual" });
            assert.ok([200, 303, 404, 405].includes(answer.status), `GET ${action}: ${answer.status}`);
            for (const method of ["PUT", "PATCH", "DELETE"]) {
                sent += 1;
                const other = await fetch(`${url}${action}`, { method, headers: { cookie: jar, origin: url }, redirect: "manual" });
                if (![404, 405].includes(other.status)) accepted.push(`${method} ${action} answered ${other.status}`);
            }
        }
    }
    assert.deepEqual(accepted, []);

    // A form that is all right is accepted, once: else all of the above would prove nothing.
    const fresh = (await collect(mine.page)).find((form) => form.action.endsWith("/new"));
    const once = async () => {
        const body = new URLSearchParams(fresh.fields.map(([name, value]) => [name, name === "name" ? "Meant" : value]));
        if (!body.has("permissions")) body.set("permissions", "read");
        const headers = { cookie: jar, "content-type": "application/x-www-form-urlencoded", origin: url };
        return (await fetch(`${url}${fresh.action}`, { method: "POST", redirect: "manual", headers, body })).status;
    };
    assert.equal(await once(), 200);
    assert.equal(await once(), 409);
    assert.equal(await once(), 409);
    for (const path of theirs.flatMap((key) => ["", "/edit", "/rotate", "/revoke", "/grace", "/explain"].map((what) => `/settings/api-keys/${key}${what}`))) {
        const answer = await fetch(`${url}${path}`, { headers: { cookie: jar }, redirect: "manual" });
        assert.equal(answer.status, 404, path);
    }
    // They are still signed in, both of them: no forged sign-out came through.
    for (const { page } of [mine, other]) {
        await page.goto("/settings/account");
        assert.equal(new URL(page.url()).pathname, "/settings/account");
    }
    return { sent };
});
