//! The password once more, and a new one.

use torvus_e2e::{Database, TestApp, on_both};

use crate::{HERE, NEW, change_password};

fn the_password_is_asked_for_once_more(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    let path = "/confirm?next=%2Fsettings%2Faccount";
    let led = browser.get(path).expect(303);
    assert_eq!(led.header("location"), Some("/settings/account"));
    let later = "UPDATE sessions SET confirmed_at = confirmed_at - 900000000";
    app.sql(later);
    let confirm = |password: &str, next: &str| {
        browser.fill(path, "/confirm", &[("password", password), ("next", next)])
    };
    let refused = confirm("wrong", "/settings/account").expect(403);
    assert!(
        refused.body.contains("That is not your password."),
        "{refused:?}"
    );
    confirm("", "/settings/account").expect(403);
    let led = confirm(&holder.password, "/settings/account").expect(303);
    assert_eq!(led.header("location"), Some("/settings/account"));
    browser.get(path).expect(303);
    // Never to another place.
    for next in [
        "https://evil.example/settings/",
        "//evil.example",
        "/\\evil.example",
        "/settings//evil.example",
        "/settings/\r\nx",
        "/login",
        "settings/account",
        "javascript:alert(1)",
    ] {
        app.sql(later);
        let led = confirm(&holder.password, next).expect(303);
        assert_eq!(led.header("location"), Some("/settings/api-keys"), "{next}");
    }
    app.sql(later);
    let tries = (0..6).map(|_| confirm("wrong", "").status);
    tries.for_each(|status| assert_eq!(status, 403));
    let slowed = confirm(&holder.password, "").expect(403);
    assert!(slowed.body.contains("Too many tries."), "{slowed:?}");
}

fn a_new_password_keeps_the_rules(database: Database) {
    let app = TestApp::start(database);
    let holder = app.holder();
    let browser = app.signed_in(&holder);
    for (current, new, said) in [
        ("wrong", NEW, "That is not your password."),
        (&*holder.password, "short", "12 to 128 characters"),
        (
            &holder.password,
            &"long ones ".repeat(13),
            "12 to 128 characters",
        ),
        (&holder.password, "aaaaaaaaaaaaaaaa", "different characters"),
        (
            &holder.password,
            &format!("my {}!", holder.email),
            "email address",
        ),
        (&holder.password, &holder.password, "the one that you have"),
    ] {
        let refused = change_password(&browser, current, new).expect(422);
        assert!(refused.body.contains(said), "{said}: {refused:?}");
    }
    let fields = [
        ("current_password", &*holder.password),
        ("new_password", NEW),
        ("repeat_password", "another"),
    ];
    let refused = browser
        .fill(HERE, "/settings/account/password", &fields)
        .expect(422);
    assert!(refused.body.contains("not the same"));
    let longest = "ä".repeat(64) + &"bcde".repeat(16);
    change_password(&browser, &holder.password, &longest).expect(303);
    app.browser().sign_in(&holder.email, &longest).expect(303);
    let trail = app.trail(&[]);
    assert_eq!(trail[0]["action"], "account.change_password");
    assert_eq!(trail[0]["actor"], format!("account:{}", holder.email));
}

on_both!(
    the_password_is_asked_for_once_more,
    a_new_password_keeps_the_rules,
);
