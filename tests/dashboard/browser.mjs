// A browser that tells of everything that should not happen in it.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import process from "node:process";

const require = createRequire(`${process.env.TORVUS_BROWSER_LIBRARIES}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/** Starts the browser. */
export function launch() {
    return chromium.launch({ executablePath: process.env.TORVUS_BROWSER, args: ARGS });
}

/**
 * A window of its own, without cookies. Whatever goes wrong in it is in `complaints`: an error in the console, an
 * exception, a dialog that a script opened, a request to anywhere else.
 */
export async function open(browser, url, options = {}) {
    const context = await browser.newContext({ baseURL: url, locale: "en-GB", timezoneId: "Asia/Kolkata", ...options });
    context.setDefaultTimeout(15_000);
    const complaints = [];
    const origin = new URL(url).origin;
    context.on("request", (request) => {
        const to = request.url();
        if (!to.startsWith(`${origin}/`) && !to.startsWith("data:")) complaints.push(`a request to ${to}`);
    });
    context.on("weberror", (error) => complaints.push(`an exception: ${error.error()}`));
    context.on("dialog", (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    context.on("console", (message) => {
        // The browser notes each page of status 400 and above; those are asserted where they are expected.
        const page = /Failed to load resource: the server responded with a status of/.test(message.text());
        if (["error", "warning"].includes(message.type()) && !page) complaints.push(`the console: ${message.text()}`);
    });
    const page = await context.newPage();
    return { context, page, complaints };
}

/** Signs in, as a person does. */
export async function signIn(page, { email, password }) {
    await page.goto("/login");
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    if (new URL(page.url()).pathname === "/login") throw new Error(`${email} could not sign in`);
}

/** What axe finds wrong with the page, a line for each. */
export async function barriers(page) {
    if (!(await page.evaluate("typeof axe !== 'undefined'"))) await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    return found.violations.flatMap((rule) =>
        rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.replaceAll("\n", " ")}`),
    );
}
