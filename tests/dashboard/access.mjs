// Nobody is kept out: what axe finds on each page, light and dark, narrow and wide; and that nothing is cut off.

import assert from "node:assert/strict";

import { barriers, oneTimeCode, open, signIn, test } from "./browser.mjs";

/** More than a page may weigh over the wire, with all that it loads, the first time. */
const HEAVY = 100_000;

await test(async (browser, { url, holder, free, key, rotated, revoked, unused }) => {
    const found = [];
    const weights = {};

    const check = async (page, name) => {
        for (const colorScheme of ["light", "dark"]) {
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
            for (const width of [1280, 320]) {
                await page.setViewportSize({ width, height: 900 });
                for (const what of await barriers(page)) found.push(`${name}, ${colorScheme}, ${width} px: ${what}`);
                // At 320 px nothing scrolls sideways but what is made for it.
                const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                if (wide > 0) found.push(`${name}, ${width} px: it is ${wide} px wider than the window`);
            }
        }
        const heads = await page.getByRole("heading", { level: 1 }).count();
        if (heads !== 1) found.push(`${name}: ${heads} headings of the first level`);
        if (!/\S+ · Torvus$/.test(await page.title())) found.push(`${name}: its title is ${await page.title()}`);
    };

    const weigh = async (page, path) => {
        let bytes = 0;
        const client = await page.context().newCDPSession(page);
        await client.send("Network.enable");
        await client.send("Network.setCacheDisabled", { cacheDisabled: true });
        client.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
        await page.goto(path, { waitUntil: "networkidle" });
        await client.detach();
        weights[path.replace(/[a-z]+_[0-9a-z]{26}/, ":id")] = bytes;
        if (bytes > HEAVY) found.push(`${path} weighs ${bytes} bytes`);
    };

    const { context, page, complaints } = await open(browser, url);
    const visit = async (path, name = path) => {
        await page.goto(path);
        await check(page, name);
    };
    await visit("/login");
    await page.getByLabel("Email").fill(holder.email);
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await check(page, "a sign-in that was refused");
    await signIn(page, holder);

    const keys = "/settings/api-keys";
    await visit(keys);
    await visit(`${keys}?q=nothing+is+called+like+this`);
    await visit(`${keys}/new`);
    await page.getByRole("button", { name: "Generate Key" }).click();
    await check(page, "a form with errors");
    await page.getByLabel("Key Name").fill("Shown once");
    await page.getByRole("checkbox", { name: "Read" }).check();
    await page.getByRole("button", { name: "Generate Key" }).click();
    await check(page, "a key that is shown");
    await page.reload();
    await check(page, "a form that was sent before");
    for (const id of [key, rotated, revoked, unused]) await visit(`${keys}/${id}`);
    for (const form of ["edit", "rotate", "revoke", "explain"]) await visit(`${keys}/${key}/${form}`);
    await visit(`${keys}/${rotated}/grace`);
    await visit(`${keys}/${key}/suggest`);
    await visit(`${keys}/wider`);
    await visit(`${keys}/${key}/explain?method=DELETE&path=%2Fv1%2Fvaults%2F1&ip=x`);
    await visit(`${keys}/${key}/explain?method=DELETE&path=%2Fv1%2Fvaults%2Fvault_1`);
    await page.goto(`${keys}/${key}`);
    await page.getByRole("link", { name: "Revoke" }).or(page.getByRole("button", { name: "Revoke" })).first().click();
    await page.getByRole("dialog").waitFor();
    await check(page, "the dialog");

    const logs = "/settings/audit-logs";
    await visit(logs);
    await page.getByText("Details").first().click();
    await page.getByText("Details").last().click();
    await page.getByText("Filter", { exact: true }).click();
    await check(page, "the log with its details and filters");
    await visit(`${logs}?status=teapot&from=never&category=api_activity`);
    await visit(`${logs}?category=sign_in&live=${Math.floor(Date.now() / 1000) - 1}`);
    await visit(`${logs}?to=2020-01-01`);
    await visit("/settings/account");
    await visit("/confirm?next=%2Fsettings%2Fapi-keys%2Fnew");
    await visit(`${keys}/key_00000000000000000000000000`, "a page that is not there");
    for (const path of [keys, `${keys}/new`, `${keys}/${key}`, logs, "/settings/account"]) await weigh(page, path);
    assert.deepEqual(complaints, []);
    await context.close();

    const other = await open(browser, url);
    await signIn(other.page, free);
    for (const path of [keys, `${keys}/new`, logs, `${logs}/export`]) {
        await other.page.goto(path);
        await check(other.page, `${path} on the free plan`);
    }
    // Two-step sign-in: each of its pages, and the one that asks for a code.
    await other.page.goto("/settings/account/two-step");
    await check(other.page, "two-step sign-in");
    await other.page.getByRole("button", { name: "Set up" }).click();
    await check(other.page, "its setting up");
    const secret = await other.page.getByRole("main").locator("code").first().innerText();
    await other.page.getByRole("textbox", { name: "Code" }).fill("000000");
    await other.page.getByRole("button", { name: "Turn on" }).click();
    await check(other.page, "its setting up, with a wrong code");
    await other.page.getByRole("textbox", { name: "Code" }).fill(oneTimeCode(secret));
    await other.page.getByRole("button", { name: "Turn on" }).click();
    await other.page.getByRole("heading", { name: "Recovery codes" }).waitFor();
    await check(other.page, "the recovery codes");
    const recovery = await other.page.getByRole("main").locator("li code").first().innerText();
    await other.page.getByRole("button", { name: "Sign out" }).click();
    await other.page.getByLabel("Email").fill(free.email);
    await other.page.getByLabel("Password").fill(free.password);
    await other.page.getByRole("button", { name: "Sign in" }).click();
    await check(other.page, "the page that asks for a code");
    await other.page.getByRole("textbox").first().fill(recovery);
    await other.page.keyboard.press("Enter");
    await other.page.getByRole("heading", { name: "API Keys", level: 1 }).waitFor();
    assert.deepEqual(other.complaints, []);
    assert.deepEqual(found, []);
    return weights;
});
