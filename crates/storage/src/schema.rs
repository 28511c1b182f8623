//! The tables, as the migrations leave them.

diesel::table! {
    accounts (id) {
        id -> Text,
        email -> Text,
        plan -> Text,
        password_hash -> Text,
        created_at -> BigInt,
        suspended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Text,
        account_id -> Text,
        name -> Text,
        environment -> Text,
        permissions -> Text,
        expires_at -> Nullable<BigInt>,
        allowed_ips -> Text,
        own_limit -> Nullable<BigInt>,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        revoke_reason -> Nullable<Text>,
        hint_first -> Text,
        hint_last -> Text,
    }
}

diesel::table! {
    key_secrets (digest) {
        digest -> Binary,
        key_id -> Text,
        pepper_version -> BigInt,
        created_at -> BigInt,
        ends_at -> Nullable<BigInt>,
        number -> BigInt,
        hint_first -> Nullable<Text>,
        hint_last -> Nullable<Text>,
        replaced_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    peppers (version) {
        version -> BigInt,
        fingerprint -> Binary,
        retired_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    import_recipes (id) {
        id -> BigInt,
        algorithm -> Text,
        part -> Text,
        sealed -> Nullable<Binary>,
        pepper_version -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    nodes (id) {
        id -> Text,
        version -> Text,
        started_at -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    lease_epoch (id) {
        id -> BigInt,
        epoch -> BigInt,
    }
}

diesel::table! {
    lease_changes (epoch) {
        epoch -> BigInt,
        key_id -> Nullable<Text>,
        account_id -> Nullable<Text>,
        opened_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    leases (node) {
        node -> Text,
        epoch -> BigInt,
    }
}

diesel::table! {
    audit_log (id) {
        id -> Text,
        at -> BigInt,
        chain -> Text,
        seq -> BigInt,
        hash -> Binary,
        line -> Text,
        category -> Text,
        request_id -> Nullable<Text>,
        account_id -> Nullable<Text>,
        key_id -> Nullable<Text>,
        environment -> Nullable<Text>,
        method -> Nullable<Text>,
        route -> Nullable<Text>,
        status -> Nullable<Integer>,
        outcome -> Text,
        ip -> Nullable<Text>,
    }
}

diesel::table! {
    audit_chains (chain) {
        chain -> Text,
        seq -> BigInt,
        hash -> Binary,
        at -> BigInt,
        segment -> BigInt,
        place -> BigInt,
    }
}

diesel::table! {
    audit_proofs (kind) {
        kind -> Text,
        at -> BigInt,
        sound -> Bool,
    }
}

diesel::table! {
    audit_signers (public_key) {
        public_key -> Text,
        since -> BigInt,
    }
}

diesel::table! {
    audit_pruned (chain) {
        chain -> Text,
        seq -> BigInt,
        hash -> Binary,
        at -> BigInt,
        signature -> Binary,
    }
}

diesel::table! {
    usage_endpoints (key_id, day, method, route) {
        key_id -> Text,
        day -> BigInt,
        method -> Text,
        route -> Text,
        requests -> BigInt,
        ok -> BigInt,
        client_errors -> BigInt,
        rate_limited -> BigInt,
        server_errors -> BigInt,
        billable -> BigInt,
    }
}

diesel::table! {
    usage_addresses (key_id, day, ip) {
        key_id -> Text,
        day -> BigInt,
        ip -> Text,
        requests -> BigInt,
        first_seen -> BigInt,
        last_seen -> BigInt,
    }
}

diesel::table! {
    usage_secrets (key_id, secret, ip) {
        key_id -> Text,
        secret -> BigInt,
        ip -> Text,
        requests -> BigInt,
        refused -> BigInt,
        first_seen -> BigInt,
        last_seen -> BigInt,
    }
}

diesel::table! {
    budgets (budget) {
        budget -> Text,
        whole_at -> BigInt,
        hourly_limit -> BigInt,
        peak -> BigInt,
        changes -> BigInt,
    }
}

diesel::table! {
    vaults (id) {
        id -> Text,
        account_id -> Text,
        environment -> Text,
        name -> Text,
        description -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    documents (id) {
        id -> Text,
        vault_id -> Text,
        name -> Text,
        content_type -> Text,
        content -> Binary,
        size -> BigInt,
        sha256 -> Binary,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    recipients (id) {
        id -> Text,
        vault_id -> Text,
        name -> Text,
        email -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    policies (id) {
        id -> Text,
        vault_id -> Text,
        name -> Text,
        kind -> Text,
        settings -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    check_ins (id) {
        id -> Text,
        account_id -> Text,
        environment -> Text,
        note -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    idempotency (account_id, environment, idempotency_key) {
        account_id -> Text,
        environment -> Text,
        idempotency_key -> Text,
        fingerprint -> Binary,
        status -> Nullable<Integer>,
        body -> Nullable<Binary>,
        location -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        digest -> Binary,
        account_id -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
        confirmed_at -> BigInt,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        awaits_code -> Bool,
    }
}

diesel::table! {
    sent_forms (nonce) {
        nonce -> Binary,
        sent_at -> BigInt,
    }
}

diesel::table! {
    sign_in_tries (bucket) {
        bucket -> Binary,
        whole_at -> BigInt,
        noted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    known_browsers (digest) {
        digest -> Binary,
        account_id -> Text,
        seen_at -> BigInt,
    }
}

diesel::table! {
    second_factors (account_id) {
        account_id -> Text,
        sealed -> Binary,
        pepper_version -> BigInt,
        created_at -> BigInt,
        enabled_at -> Nullable<BigInt>,
        last_step -> BigInt,
    }
}

diesel::table! {
    recovery_codes (digest) {
        digest -> Binary,
        account_id -> Text,
    }
}

diesel::joinable!(api_keys -> accounts (account_id));
diesel::joinable!(key_secrets -> api_keys (key_id));
diesel::joinable!(sessions -> accounts (account_id));

diesel::allow_tables_to_appear_in_same_query!(accounts, api_keys, key_secrets, lease_changes);
diesel::allow_tables_to_appear_in_same_query!(lease_epoch, leases);
diesel::allow_tables_to_appear_in_same_query!(accounts, sessions);
diesel::allow_tables_to_appear_in_same_query!(api_keys, usage_endpoints);
