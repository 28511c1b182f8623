// Live mode: new records are put above those that are there. Without this script the page loads itself anew.
"use strict";

(() => {
    const state = document.getElementById("live-state");
    if (!state) return;

    const EVERY = 2000;
    const ROWS_MAX = 200;
    // Nobody who has left the desk stays signed in by it.
    const STOP_AFTER = 15 * 60 * 1000;
    const begun = Date.now();

    const rowsOf = (table) => (table ? [...table.tBodies] : []);

    const show = (page) => {
        const fresh = page.querySelector("table.log");
        const table = document.querySelector("table.log");
        if (!fresh) return;
        if (!table) {
            location.reload();
            return;
        }
        const known = new Set(rowsOf(table).map((row) => row.id));
        const added = rowsOf(fresh).filter((row) => !known.has(row.id));
        // In their order: a record of another worker may come in between.
        const key = (row) => row.dataset.order;
        for (const row of added) {
            const place = rowsOf(table).find((there) => key(there) < key(row));
            table.insertBefore(document.importNode(row, true), place ?? null);
        }
        for (const row of rowsOf(table).slice(ROWS_MAX)) {
            if (!row.contains(document.activeElement)) row.remove();
        }
        if (added.length > 0) {
            document.dispatchEvent(new CustomEvent("torvus:shown"));
            state.textContent = added.length === 1 ? "1 new record." : `${added.length} new records.`;
        }
    };

    const look = async () => {
        if (Date.now() - begun > STOP_AFTER) {
            state.textContent = "Stopped after 15 minutes.";
            return;
        }
        if (!document.hidden) {
            try {
                const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
                if (answer.redirected) {
                    location.reload();
                    return;
                }
                if (!answer.ok) throw new Error(String(answer.status));
                show(new DOMParser().parseFromString(await answer.text(), "text/html"));
            } catch {
                state.textContent = "The server can't be reached; trying again.";
            }
        }
        setTimeout(look, EVERY);
    };

    setTimeout(look, EVERY);
})();
