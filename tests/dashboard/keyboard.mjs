// Everything by the keyboard alone: in, a key made, a dialog closed and answered, the log opened, and out.

import assert from "node:assert/strict";

import { curl, open, test } from "./browser.mjs";

await test(async (browser, { url, holder }) => {
    const { context, page, complaints } = await open(browser, url, { viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });

    /** What has the focus: its role as it were, and its name. */
    const focused = () =>
        page.evaluate(() => {
            const it = document.activeElement;
            const labels = it.labels ? [...it.labels].map((label) => label.textContent) : [];
            const name = it.getAttribute("aria-label") ?? (labels.length > 0 ? labels.join(" ") : it.textContent);
            return { tag: it.localName, type: it.type ?? "", name: name.replace(/\s+/g, " ").trim(), body: it === document.body };
        });

    /** Whether one can see where the focus is: it has an outline, and is within the window. */
    const visible = () =>
        page.evaluate(() => {
            const it = document.activeElement;
            const marks = [it, it.closest(".choice"), it.closest("summary")].filter(Boolean);
            const outlined = marks.some((mark) => {
                const style = getComputedStyle(mark);
                return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
            });
            const box = it.getBoundingClientRect();
            return outlined && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0;
        });

    /** Goes on with Tab until what is meant has the focus. Each stop on the way must be seen, and none may hold it. */
    const reach = async (tag, name, presses = 80, key = "Tab") => {
        let last;
        for (let press = 0; press < presses; press += 1) {
            await page.keyboard.press(key);
            const now = await focused();
            if (!now.body) assert.ok(await visible(), `the focus on ${now.tag} ${now.name} can't be seen at ${page.url()}`);
            if (now.tag === tag && (name instanceof RegExp ? name.test(now.name) : now.name === name)) return;
            last = now;
        }
        assert.fail(`${tag} ${name} can't be reached at ${page.url()}; the last stop was ${JSON.stringify(last)}`);
    };
    const press = async (key) => {
        await Promise.all([page.waitForLoadState("load"), page.keyboard.press(key)]);
    };
    const arrive = (heading) => page.getByRole("heading", { name: heading, level: 1 }).waitFor();

    await page.goto("/login");
    await reach("a", "Skip to content", 1);
    await press("Enter");
    await reach("input", "Email");
    await page.keyboard.type(holder.email);
    await reach("input", "Password", 1);
    await page.keyboard.type(holder.password);
    await press("Enter");
    await arrive("API Keys");

    // The page begins with the way past the bar above it.
    await reach("a", "Skip to content", 1);
    await press("Enter");
    await reach("a", /^Generate New API Key$/, 3);
    await press("Enter");
    await arrive("Generate New API Key");
    await reach("input", "Key Name");
    await page.keyboard.type("By keyboard");
    await reach("input", "Read");
    await press("Space");
    // The radio buttons of a group are one stop; the arrows choose.
    await reach("input", /^Test/);
    await page.keyboard.press("ArrowLeft");
    assert.equal((await focused()).name, "Live");
    await reach("input", /^90 days/);
    await page.keyboard.press("ArrowDown");
    assert.equal((await focused()).name, "1 year");
    await reach("button", "Generate Key");
    await press("Enter");
    await arrive("Save your key");
    const token = (await page.getByText(/^torvus_sk_live_[0-9A-Za-z]{49}$/).innerText()).trim();
    assert.equal((await curl(url, "/v1/account", token)).status, 200);
    await reach("button", "Copy");
    await press("Enter");
    await page.getByText(/Copied|selected/).waitFor();
    await reach("a", "I have saved it");
    await press("Enter");
    await arrive("By keyboard");

    // The dialog: the focus goes to what does no harm, stays inside, and comes back.
    await reach("a", /^Revoke$/).catch(() => reach("button", /^Revoke$/));
    await press("Enter");
    await page.getByRole("dialog").waitFor();
    assert.equal((await focused()).name, "Cancel");
    for (let stop = 0; stop < 12; stop += 1) {
        await page.keyboard.press("Tab");
        const inside = await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest("dialog"));
        assert.ok(inside, "the focus leaves the dialog");
    }
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    assert.match((await focused()).name, /^Revoke$/, "the focus does not come back");
    assert.equal((await curl(url, "/v1/account", token)).status, 200);
    await press("Enter");
    await reach("input", "Confirm key name");
    await page.keyboard.type("By keyboard");
    await reach("button", "Revoke key");
    await press("Enter");
    await page.getByText(/revoked/i).first().waitFor();
    assert.equal((await curl(url, "/v1/account", token)).status, 401);

    // The log: a row opens and closes, a filter is typed.
    await reach("a", "Audit Logs");
    await press("Enter");
    await arrive("Audit Logs");
    await reach("summary", /^Details/);
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate("document.activeElement.parentElement.open"));
    await page.keyboard.press("Enter");
    await reach("summary", /^Filter/, 80, "Shift+Tab");
    await page.keyboard.press("Space");
    await reach("input", "Status");
    await page.keyboard.type("401");
    await press("Enter");
    await page.waitForURL(/status=401/);
    await page.getByText("401 Revoked key").first().waitFor();

    // Back to front, nothing holds the focus either; then out.
    const stops = new Set();
    for (let stop = 0; stop < 60; stop += 1) {
        await page.keyboard.press("Shift+Tab");
        stops.add(JSON.stringify(await focused()));
    }
    assert.ok(stops.size > 12, [...stops].join("\n"));
    await page.goto("/settings/account");
    await reach("button", "Sign out");
    await press("Enter");
    await arrive("Sign in");
    assert.deepEqual(complaints, []);
    await context.close();
    return { token };
});
