#!/usr/bin/env bash
# Torvus from the shell: needs bash, curl 7.84 or later, and jq.
#
#   TORVUS_API_KEY=torvus_sk_test_… ./client.sh
#
# Exit codes: 2 the key is not accepted (401), 3 it may not do this (403), 1 anything else.
set -euo pipefail

url=${TORVUS_URL:-http://127.0.0.1:8080}
key=${TORVUS_API_KEY:?set TORVUS_API_KEY}
unset TORVUS_API_KEY # jq and curl don't need it in their environment

body=$(mktemp)
trap 'rm -f "$body"' EXIT

fail() {
    echo "$2" >&2
    exit "$1"
}

# call METHOD PATH [CURL OPTION]...: the answer's JSON goes to standard output.
# The key reaches curl on standard input: arguments can be seen by every user of the machine (ps).
# --retry repeats 429 after exactly Retry-After seconds, and 503 after 1, 2, 4 … seconds.
call() {
    local method=$1 path=$2 answer status challenge
    shift 2
    : >"$body"
    answer=$(printf 'Authorization: Bearer %s\n' "$key" \
        | curl --silent --show-error --connect-timeout 5 --max-time 30 --retry 4 \
            --request "$method" --url "$url$path" --header @- "$@" \
            --output "$body" --write-out '%{http_code} %header{www-authenticate}') \
        || fail 1 "no answer from $url"
    read -r status challenge <<<"$answer"

    case $status in
        2??) cat "$body" ;;
        401) fail 2 "401: the key is wrong, expired or revoked; check TORVUS_API_KEY" ;;
        403)
            if [[ $challenge =~ scope=\"([^\"]+)\" ]]; then
                fail 3 "403: the key lacks the permission \"${BASH_REMATCH[1]}\""
            fi
            fail 3 "403: not allowed for this key, from this address"
            ;;
        *) fail 1 "$status: $(jq --raw-output .message "$body")" ;;
    esac
}

account=$(call GET /v1/account)
jq --raw-output '"account \(.account_id), plan \(.plan)"' <<<"$account"

# One Idempotency-Key for all tries: whatever happens on the way, one vault is made.
vault=$(call POST /v1/vaults \
    --header "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" \
    --json "$(jq --null-input --arg name "From the shell" '{$name}')")
jq --raw-output '"created \(.id)"' <<<"$vault"

vaults=$(call GET '/v1/vaults?limit=100')
jq --raw-output '.data[] | "\(.id)  \(.name)"' <<<"$vaults"
