"use strict";
// Comforts. Every page and every form works without this file.

(() => {
    const root = document.documentElement;
    root.classList.add("script");

    // Instants in the reader's own zone; the server wrote them in UTC, which stays in the title.
    const styles = {
        full: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }),
        date: new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }),
        exact: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }),
    };
    const show = (within) => {
        for (const time of within.querySelectorAll('time[datetime]:not([data-style="relative"])')) {
            const at = new Date(time.dateTime);
            if (!Number.isNaN(at.valueOf())) {
                time.textContent = (styles[time.dataset.style] ?? styles.full).format(at);
            }
        }
    };
    show(document);
    document.addEventListener("torvus:shown", () => show(document));

    // Light or dark, kept in a cookie that the server reads: so no page flashes.
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
        const now = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
        const label = () => { button.textContent = now() === "dark" ? "Light colours" : "Dark colours"; };
        button.addEventListener("click", () => {
            root.dataset.theme = now() === "dark" ? "light" : "dark";
            document.cookie = `torvus_theme=${root.dataset.theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
            label();
        });
        dark.addEventListener("change", label);
        label();
    }

    // Copies, and says so only once that is true. Without HTTPS browsers have no clipboard for pages: then the text
    // is selected, and the reader copies it.
    const copied = document.querySelector("[data-copied]");
    for (const button of document.querySelectorAll("[data-copy]")) {
        button.addEventListener("click", async () => {
            const source = document.getElementById(button.dataset.copy);
            const say = (text) => { if (copied) { copied.textContent = text; } };
            try {
                await navigator.clipboard.writeText(source.textContent);
                say("Copied.");
            } catch {
                window.getSelection().selectAllChildren(source);
                source.focus();
                say("The key is selected: press Ctrl+C or ⌘C to copy it.");
            }
        });
    }

    // Dialogs in the place of a page of their own.
    for (const button of document.querySelectorAll("button[data-dialog]")) {
        const dialog = document.getElementById(button.dataset.dialog);
        if (!dialog) {
            continue;
        }
        const cancel = dialog.querySelector("[data-cancel]");
        button.setAttribute("aria-haspopup", "dialog");
        button.addEventListener("click", (event) => {
            event.preventDefault();
            dialog.showModal();
            cancel?.focus();
        });
        cancel?.addEventListener("click", (event) => {
            event.preventDefault();
            dialog.close();
        });
        dialog.addEventListener("close", () => button.focus());
    }

    // What a new key may do, as it is chosen.
    const preview = document.querySelector("[data-preview]");
    const form = preview?.closest("form");
    if (form) {
        const refresh = () => {
            const chosen = new Set(new FormData(form).getAll("permissions"));
            for (const item of preview.querySelectorAll("[data-permission]")) {
                item.hidden = !chosen.has(item.dataset.permission);
            }
            preview.querySelector("[data-preview-none]").hidden = chosen.size > 0;
        };
        form.addEventListener("change", refresh);
        refresh();
    }

    // A value that is typed chooses the radio button it belongs to.
    for (const input of document.querySelectorAll(".choice input.inline")) {
        const radio = input.closest(".choice").querySelector("input[type=radio]");
        input.addEventListener("input", () => { radio.checked = true; });
    }

    // A part of the page that is kept up to date while it is looked at.
    const live = document.querySelector("[data-live]");
    if (live) {
        // Nobody who has left the desk stays signed in by it.
        const patience = 10 * 60 * 1000;
        let active = Date.now();
        for (const sign of ["pointermove", "pointerdown", "keydown", "scroll"]) {
            window.addEventListener(sign, () => { active = Date.now(); }, { passive: true });
        }
        const refresh = async () => {
            if (document.hidden || Date.now() - active > patience || live.contains(document.activeElement)) {
                return;
            }
            const answer = await fetch(live.dataset.live, { credentials: "same-origin", redirect: "error" });
            if (!answer.ok) {
                return;
            }
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const fresh = page.getElementById(live.id);
            if (fresh) {
                live.replaceChildren(...fresh.childNodes);
                show(live);
            }
        };
        setInterval(() => { refresh().catch(() => {}); }, 5000);
    }
})();
