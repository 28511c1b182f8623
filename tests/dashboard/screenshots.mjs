// The pictures in docs/screenshots.

import { open, signIn, test } from "./browser.mjs";

await test(async (browser, { url, holder, key, folder }) => {
    const take = async (page, name) => {
        await page.mouse.move(0, 0);
        await page.screenshot({ path: `${folder}/${name}.png` });
    };
    const window = async (width, height, colorScheme) => {
        const options = { viewport: { width, height }, colorScheme, timezoneId: "UTC", reducedMotion: "reduce", deviceScaleFactor: 1 };
        return (await open(browser, url, options)).page;
    };

    const light = await window(1280, 860, "light");
    await light.goto("/login");
    await take(light, "sign-in");
    await signIn(light, holder);
    await take(light, "keys");
    await light.goto(`/settings/api-keys/${key}`);
    await take(light, "key");
    await light.getByRole("link", { name: "Revoke" }).or(light.getByRole("button", { name: "Revoke" })).first().click();
    await take(light, "revoke");
    await light.goto(`/settings/api-keys/${key}/explain?method=DELETE&path=/v1/vaults/vault_1`);
    await take(light, "explain");
    await light.goto("/settings/api-keys/new");
    await light.getByLabel("Key Name").fill("Nightly report");
    await light.getByRole("checkbox", { name: "Read" }).check();
    await take(light, "new-key");
    await light.goto("/settings/audit-logs?category=api_activity");
    await light.locator("summary", { hasText: "Details" }).nth(1).click();
    await take(light, "log");

    const dark = await window(1280, 860, "dark");
    await signIn(dark, holder);
    await take(dark, "keys-dark");
    await dark.goto("/settings/audit-logs?category=api_activity&status=4xx");
    await take(dark, "log-dark");

    const narrow = await window(360, 720, "light");
    await signIn(narrow, holder);
    await take(narrow, "keys-narrow");
    await narrow.goto("/settings/audit-logs");
    await narrow.locator(".log-head").scrollIntoViewIfNeeded();
    await narrow.evaluate(() => document.querySelector(".log-head").scrollIntoView());
    await take(narrow, "log-narrow");
});
