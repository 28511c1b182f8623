// A browser that tells of everything that should not happen in it.

import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { promisify } from "node:util";

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

/**
 * A test: what stands on the standard input goes to `work`, with a browser; what that gives goes to the standard
 * output. Anything that is thrown ends the program with 1.
 */
export async function test(work) {
    const input = JSON.parse(readFileSync(0, "utf8"));
    const browser = await chromium.launch({ executablePath: process.env.TORVUS_BROWSER, args: ARGS });
    try {
        const result = await work(browser, input);
        process.stdout.write(JSON.stringify(result ?? null));
    } catch (error) {
        process.stderr.write(`${error?.stack ?? error}\n`);
        for (const page of browser.contexts().flatMap((context) => context.pages())) {
            const text = await page.locator("body").innerText().catch(() => "");
            process.stderr.write(`\n--- ${page.url()}\n${text}\n`);
        }
        process.exitCode = 1;
    } finally {
        await browser.close();
    }
}

/** Calls the API as the dashboard tells people to: the status, and the head in lower case. */
export async function curl(url, path, key, ...more) {
    const args = ["--silent", "--show-error", "--include", "--noproxy", "*", "-H", `Authorization: Bearer ${key}`, ...more];
    const { stdout } = await promisify(execFile)("curl", [...args, `${url}${path}`]);
    return { status: Number(stdout.split(" ")[1]), head: stdout.split("\r\n\r\n")[0].toLowerCase() };
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

/** The code that an authenticator app shows for this secret (RFC 6238). */
export function oneTimeCode(secret, at = Date.now()) {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const bits = [...secret.replace(/[^A-Z2-7]/g, "")].map((char) => alphabet.indexOf(char).toString(2).padStart(5, "0")).join("");
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
    const mac = createHmac("sha1", key).update(counter).digest();
    const number = mac.readUInt32BE(mac[19] & 15) & 0x7fff_ffff;
    return String(number % 1_000_000).padStart(6, "0");
}
