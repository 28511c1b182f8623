// What a holder of an account does, from the first key to the last export: with scripts and without them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { curl, open, signIn, test } from "./browser.mjs";

const KEY = /^torvus_sk_(live|test)_[0-9A-Za-z]{49}$/;

/** The key that the page shows, which is there once and in no other place that a browser keeps. */
async function shownKey(page) {
    const text = (await page.getByText(KEY).innerText()).trim();
    assert.match(text, KEY);
    assert.ok(!page.url().includes(text), "the key stands in the URL");
    return text;
}

async function generate(page, { name, permissions, environment, expiration }) {
    await page.goto("/settings/api-keys");
    await page.getByRole("link", { name: "Generate New API Key" }).or(page.getByRole("button", { name: "Generate New API Key" })).first().click();
    await page.getByLabel("Key Name").fill(name);
    const may = page.getByRole("group", { name: "Permissions" });
    for (const permission of permissions) await may.getByRole("checkbox", { name: permission }).check();
    await page.getByRole("group", { name: "Environment" }).getByRole("radio", { name: environment }).check();
    const ends = page.getByRole("group", { name: "Expiration" });
    for (const choice of ["90 days (recommended)", "1 year", "Never (not recommended for production)", "Custom"]) {
        await ends.getByRole("radio", { name: choice }).waitFor();
    }
    assert.ok(await ends.getByRole("radio", { name: "90 days (recommended)" }).isChecked());
    if (expiration) await ends.getByRole("radio", { name: expiration }).check();
    await page.getByLabel("IP Whitelist").waitFor();
    await page.getByRole("button", { name: "Generate Key" }).click();
    return shownKey(page);
}

/** The fact of the key's page that stands behind a name. */
async function usage(page, name) {
    const text = await page.getByRole("main").innerText();
    const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
    return lines[lines.indexOf(name) + 1];
}

async function journey(browser, url, holder, scripts) {
    const { context, page, complaints } = await open(browser, url, { javaScriptEnabled: scripts, acceptDownloads: true });
    if (scripts) await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });

    // In: `/` leads to the sign-in, and from there to the list.
    await page.goto("/");
    assert.equal(new URL(page.url()).pathname, "/login");
    await page.getByLabel("Email").fill(holder.email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    assert.equal(new URL(page.url()).pathname, "/login");
    await page.getByRole("alert").first().waitFor();
    await signIn(page, holder);
    assert.equal(new URL(page.url()).pathname, "/settings/api-keys");
    await page.getByRole("heading", { name: "API Keys", level: 1 }).waitFor();

    // A form that is wrong says so, keeps what was typed, and makes nothing.
    await page.goto("/settings/api-keys/new");
    await page.getByLabel("Key Name").fill("Half a form");
    await page.getByRole("button", { name: "Generate Key" }).click();
    assert.equal(await page.getByLabel("Key Name").inputValue(), "Half a form");
    await page.getByRole("alert").first().waitFor();

    // A key, shown once.
    const name = scripts ? "Deploy with scripts" : "Deploy without scripts";
    const token = await generate(page, { name, permissions: ["Read"], environment: "Live" });
    if (scripts) {
        await page.getByRole("button", { name: "Copy" }).click();
        await page.getByText(/^Copied/).waitFor();
        assert.equal(await page.evaluate("navigator.clipboard.readText()"), token);
    }
    const before = page.url();
    await page.reload();
    assert.ok(!(await page.content()).includes(token), "a reload shows the key again");
    await page.goto(before);
    assert.ok(!(await page.content()).includes(token), "its address shows the key again");
    await page.goBack().catch(() => {});
    assert.ok(!(await page.content()).includes(token), "going back shows the key again");

    // It works, and the list shows it: one row, in the columns of the contract.
    assert.equal((await curl(url, "/v1/account", token)).status, 200);
    assert.equal((await curl(url, "/v1/vaults", token)).status, 200);
    assert.equal((await curl(url, "/v1/vaults", token, "--json", '{"name":"no"}')).status, 403);
    await page.goto("/settings/api-keys");
    const table = page.getByRole("table");
    const heads = (await table.getByRole("columnheader").allInnerTexts()).map((head) => head.replace(/[^A-Za-z ]/g, "").trim());
    assert.deepEqual(heads, ["Name", "Key", "Permissions", "Last used", "Expires", "Created", "Status"]);
    const row = table.getByRole("row").filter({ hasText: name });
    assert.equal(await row.count(), 1, "one form, one key");
    const cells = await row.innerText();
    const hint = `${token.slice(0, 19)}…${token.slice(-4)}`;
    assert.ok(cells.includes(hint), `${hint} is not in ${cells}`);
    assert.ok(!(await page.content()).includes(token));

    // Its own page.
    await row.getByRole("link", { name }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    await page.getByRole("heading", { name: "Usage" }).waitFor();
    assert.equal(await usage(page, "Total requests"), "3");
    for (const text of ["Requests by endpoint", "Error rate", "Last used", "IP addresses"]) {
        await page.getByText(text, { exact: true }).first().waitFor();
    }
    const home = page.url();

    // Edit: what is allowed from now on.
    await page.getByRole("link", { name: "Edit" }).or(page.getByRole("button", { name: "Edit" })).first().click();
    await page.getByRole("checkbox", { name: "Write" }).check();
    await page.getByRole("button", { name: "Save changes" }).click();
    assert.equal((await curl(url, "/v1/vaults", token, "--json", '{"name":"yes"}')).status, 201);

    // Rotate, with a day for the old secret, and then at once.
    const rotate = async (grace) => {
        await page.goto(home);
        await page.getByRole("link", { name: "Rotate" }).or(page.getByRole("button", { name: "Rotate" })).first().click();
        await page.getByRole("radio", { name: grace }).check();
        await page.getByRole("button", { name: "Rotate key" }).click();
        return shownKey(page);
    };
    const second = await rotate(/24 hours/);
    const old = await curl(url, "/v1/account", token);
    assert.equal(old.status, 200);
    assert.ok(old.head.includes("\r\ndeprecation:") && old.head.includes("\r\nsunset:"), old.head);
    assert.ok(!(await curl(url, "/v1/account", second)).head.includes("\r\ndeprecation:"));
    await page.goto(home);
    await page.getByRole("link", { name: "Change or end the grace" }).click();
    await page.getByRole("radio", { name: "Now", exact: true }).check();
    await page.getByRole("button", { name: "End the old secret now" }).click();
    assert.equal((await curl(url, "/v1/account", token)).status, 401);
    const third = await rotate(/^Now/);
    assert.equal((await curl(url, "/v1/account", second)).status, 401);
    assert.equal((await curl(url, "/v1/account", third)).status, 200);

    // Revoke: a live key that is in use asks for its name.
    await page.goto(home);
    await page.getByRole("link", { name: "Revoke" }).or(page.getByRole("button", { name: "Revoke" })).first().click();
    const place = scripts ? page.getByRole("dialog") : page.getByRole("main");
    await place.getByLabel("Confirm key name").fill("another name");
    await place.getByRole("button", { name: "Revoke key" }).click();
    assert.equal((await curl(url, "/v1/account", third)).status, 200, "revoked under a wrong name");
    // What was wrong is said on the page itself.
    const visible = page.getByLabel("Confirm key name").filter({ visible: true }).first();
    await visible.fill(name);
    await page.getByRole("button", { name: "Revoke key" }).filter({ visible: true }).first().click();
    await page.getByText(/revoked/i).first().waitFor();
    assert.equal((await curl(url, "/v1/account", third)).status, 401);

    // The log has all of it.
    await page.getByRole("link", { name: "Audit Logs" }).click();
    await page.getByRole("heading", { name: "Audit Logs", level: 1 }).waitFor();
    await page.getByRole("link", { name: "API Activity" }).click();
    await page.getByText("/v1/vaults", { exact: true }).first().waitFor();
    const rows = await page.getByRole("table").innerText();
    for (const text of ["201", "403", "401", "Permission missing", "Revoked key"]) assert.ok(rows.includes(text), text);
    await page.getByText("Details").first().click();
    await page.getByText("client_request_id").or(page.getByText("request_id", { exact: true })).first().waitFor();
    await page.getByRole("link", { name: "Key Management" }).click();
    await page.getByText("Key revoked").first().waitFor();
    await page.getByRole("link", { name: "Sign-ins" }).click();
    await page.getByText("Sign-in", { exact: true }).first().waitFor();
    await page.getByRole("link", { name: "API Activity" }).click();
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Export as CSV" }).click(),
    ]);
    const csv = await readFile(await download.path(), "utf8");
    assert.ok(csv.startsWith("timestamp,request_id,key_id,key_name,environment,method,endpoint,status,ip_address,outcome\r\n"));

    // Live: what is asked now appears by itself, and what is open stays open.
    await page.goto("/settings/audit-logs?category=api_activity");
    await page.getByRole("link", { name: "Follow live" }).click();
    if (scripts) {
        await page.getByText("Details").first().click();
        const rows = page.locator("table.log tbody");
        const [count, top] = [await rows.count(), await rows.first().getAttribute("id")];
        await curl(url, "/v1/account", third);
        await page.waitForFunction((before) => document.querySelector("table.log tbody").id !== before, top);
        assert.equal(await rows.count(), count + 1);
        assert.ok(await page.locator(`#${top} details`).evaluate((details) => details.open));
        assert.match(await rows.first().innerText(), /Revoked key/);
        await page.getByRole("link", { name: "Stop" }).click();
    } else {
        assert.match(await page.content(), /http-equiv="refresh"/);
    }

    // Why was it refused? The row leads to the answer.
    await page.goto("/settings/audit-logs?status=403&category=api_activity");
    const details = page.getByText("Details").first();
    await details.click();
    await page.getByRole("link", { name: "Why was this refused?" }).filter({ visible: true }).first().click();
    assert.ok(new URL(page.url()).pathname.endsWith("/explain"));
    await page.getByText(/permission/i).first().waitFor();

    // Out, and nothing is left of it.
    await page.getByRole("button", { name: "Sign out" }).or(page.getByRole("link", { name: "Sign out" })).first().click();
    await page.goto("/settings/api-keys");
    assert.equal(new URL(page.url()).pathname, "/login");
    assert.deepEqual(complaints, []);
    await context.close();
    return { name, csv, tokens: [token, second, third] };
}

await test(async (browser, { url, holder }) => {
    const results = [];
    for (const scripts of [true, false]) results.push(await journey(browser, url, holder, scripts));
    return results;
});
