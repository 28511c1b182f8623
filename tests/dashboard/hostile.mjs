// Texts that want to be more than text: as names, reasons, paths, browsers' names, and in what people search for. Each
// is shown as it is; none of them runs, is loaded, or breaks the page that it is on.

import assert from "node:assert/strict";

import { open, signIn, test } from "./browser.mjs";

const squeezed = (text) => text.replace(/\s+/gu, " ").trim();

await test(async (browser, { url, holder, keys, agents }) => {
    const { context, page, complaints } = await open(browser, url, { viewport: { width: 1280, height: 900 } });
    await context.addInitScript("window.ran = [];");
    await signIn(page, holder);

    const seen = new Set();
    let pages = 0;
    const look = async (path) => {
        await page.goto(path);
        pages += 1;
        // Given time for an event of an element that loads, and for what is scrolled to or pointed at.
        await page.evaluate(() => new Promise((done) => setTimeout(done, 10)));
        assert.deepEqual(await page.evaluate("window.ran"), [], path);
        const strange = await page.evaluate(() => ({
            elements: [...document.querySelectorAll("script:not([src]), iframe, object, embed, base, img:not([src^='data:']), video, audio, math, marquee, style, link[rel~='import'], [style], [onerror], [onload], [onclick], [onmouseover], [onfocus], [ontoggle]")].map((found) => found.outerHTML.slice(0, 200)),
            links: [...document.querySelectorAll("a[href], form[action]")].map((found) => found.href ?? found.action).filter((href) => !href.startsWith(`${location.origin}/`) && !href.startsWith("https://")),
            title: document.title.endsWith("· Torvus"),
        }));
        assert.deepEqual(strange, { elements: [], links: [], title: true }, path);
        return squeezed(await page.evaluate("document.body.textContent"));
    };
    const shows = (text, content) => {
        if (content.includes(squeezed(text))) seen.add(text);
    };

    // The list, page by page; then each text as what is searched for.
    let path = "/settings/api-keys?status=any";
    while (path) {
        const content = await look(path);
        for (const { name } of keys) shows(name, content);
        const next = page.locator("a[rel=next]");
        path = (await next.count()) > 0 ? await next.getAttribute("href") : null;
    }
    for (const { name } of keys) assert.ok(seen.has(name), `the list does not show ${JSON.stringify(name)}`);

    for (const [index, { id, name }] of keys.entries()) {
        const content = await look(`/settings/api-keys/${id}`);
        assert.ok(content.includes(squeezed(name)), `its page does not show ${JSON.stringify(name)}`);
        const forms = ["edit", "rotate", "revoke", "explain"];
        if (index % 4 === 0) await look(`/settings/api-keys/${id}/${forms[(index / 4) % forms.length]}`);
        if (index % 2 === 0) {
            await look(`/settings/api-keys?q=${encodeURIComponent(name)}`);
            assert.equal(await page.getByLabel("Search").inputValue(), name.replaceAll(/[\r\n]/g, ""));
        }
    }

    // The log: paths and browsers' names of requests, names and reasons of changes; and as filters.
    const shown = new Set();
    for (const category of ["api_activity", "key_management"]) {
        path = `/settings/audit-logs?category=${category}`;
        while (path) {
            const content = await look(path);
            for (const agent of agents) if (content.includes(squeezed(agent))) shown.add(agent);
            const next = page.locator("a[rel=next]");
            path = (await next.count()) > 0 ? await next.getAttribute("href") : null;
        }
    }
    for (const agent of agents) assert.ok(shown.has(agent), `the log does not show ${JSON.stringify(agent)}`);
    const fields = ["key", "environment", "method", "endpoint", "status", "outcome", "ip", "request", "from", "to", "category", "older", "newer", "live"];
    for (const [index, { name }] of keys.entries()) {
        if (index % 3 === 0) await look(`/settings/audit-logs?${fields[(index / 3) % fields.length]}=${encodeURIComponent(name)}`);
        if (index % 5 === 0) await look(`/settings/api-keys/new?name=${encodeURIComponent(name)}&allowed_ips=${encodeURIComponent(name)}`);
        if (index % 7 === 0) await look(`/login?next=${encodeURIComponent(name)}`);
        if (index % 7 === 1) await look(`/confirm?next=${encodeURIComponent(name)}`);
    }
    assert.deepEqual(complaints, []);
    return { texts: seen.size + shown.size, pages };
});
