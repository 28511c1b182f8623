//! Bad requests: each kind is a function from chance to bytes.

use torvus_e2e::Dice;

use crate::{bodies, heads};

/// What a good request needs, so that a bad one is bad for one reason only.
pub struct Valid {
    /// A key that may do everything.
    pub token: String,
    /// A vault that is there.
    pub vault: String,
}

/// Makes a request.
type Make = fn(&mut Dice, &Valid) -> Vec<u8>;

/// The kinds that no server may take for a good request: what they are, and how they are made.
pub const REFUSED: [(&str, Make); 15] = [
    ("request line", heads::request_line),
    ("version", heads::version),
    ("header", heads::header),
    ("host", heads::host),
    ("length", bodies::length),
    ("chunks", bodies::chunks),
    ("too large", heads::too_large),
    ("cut off", heads::cut_off),
    ("authorization", heads::authorization),
    ("key", heads::key),
    ("path", heads::path),
    ("method", heads::method),
    ("JSON", bodies::json),
    ("field", bodies::field),
    ("content type", bodies::content_type),
];

/// The kinds of which some are good requests after all.
pub const ODD: [(&str, Make); 6] = [
    ("mutation", mutation),
    ("bytes", bytes),
    ("pipelined", pipelined),
    ("query", query),
    ("idempotency key", idempotency_key),
    ("request id", request_id),
];

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz-";
const MARKS: &[u8] = b"abcXYZ019/.%;:@!$&'()*+,=~_-?#[]{}|\\^`<>\"";

/// A request with these headers, which end with a line break where there are any.
pub fn request(line: &str, headers: &[u8], body: &[u8]) -> Vec<u8> {
    let line = format!("{line} HTTP/1.1\r\nHost: x\r\n");
    [line.as_bytes(), headers, b"\r\n", body].concat()
}

/// The header with a key.
pub fn bearer(token: impl AsRef<[u8]>) -> Vec<u8> {
    [b"Authorization: Bearer ", token.as_ref(), b"\r\n"].concat()
}

/// A `GET` with the key, and these headers besides.
pub fn get(valid: &Valid, target: &str, headers: impl AsRef<[u8]>) -> Vec<u8> {
    let headers = [&bearer(&valid.token), headers.as_ref()].concat();
    request(&format!("GET {target}"), &headers, b"")
}

/// A request that carries JSON to one of the routes that take it.
pub fn send(dice: &mut Dice, valid: &Valid, headers: &str, body: &[u8]) -> Vec<u8> {
    let line = match dice.roll(4) {
        0 => "POST /v1/vaults".to_owned(),
        1 => "POST /v1/check-ins".to_owned(),
        2 => format!(
            "POST /v1/vaults/{}/{}",
            valid.vault,
            dice.pick(&["documents", "recipients", "policies"])
        ),
        _ => format!(
            "{} /v1/vaults/{}",
            dice.pick(&["PUT", "PATCH"]),
            valid.vault
        ),
    };
    let more = format!("{headers}Content-Length: {}\r\n", body.len());
    let headers = [&bearer(&valid.token), more.as_bytes()].concat();
    request(&line, &headers, body)
}

/// The header of a body that is read.
pub const JSON: &str = "Content-Type: application/json\r\n";

/// A word of small letters.
pub fn word(dice: &mut Dice, longest: usize) -> String {
    let count = 1 + dice.roll(longest);
    String::from_utf8(dice.bytes(count, LETTERS)).unwrap()
}

/// Noise without the bytes that end a line, as it may stand in a head.
pub fn head_noise(dice: &mut Dice, longest: usize) -> Vec<u8> {
    let count = 1 + dice.roll(longest);
    let mut noise = dice.noise(count);
    noise.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    noise
}

/// A request with nothing wrong.
pub fn good(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    match dice.roll(3) {
        0 => get(valid, "/v1/account", ""),
        1 => get(
            valid,
            &format!("/v1/vaults/{}/documents?limit=5", valid.vault),
            "",
        ),
        _ => send(dice, valid, JSON, br#"{"name":"n"}"#),
    }
}

fn mutation(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let mut request = good(dice, valid);
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(request.len());
        let byte = *dice.pick(&[0, b'\n', b'\r', b' ', b':', b'%', b'/', 0xff, b'0', b'a']);
        match dice.roll(5) {
            0 => request[at] ^= 1 << dice.roll(8),
            1 => request[at] = byte,
            2 => request.insert(at, byte),
            3 if request.len() > 1 => drop(request.remove(at)),
            _ => {
                let end = (at + 1 + dice.roll(40)).min(request.len());
                let again = request[at..end].to_vec();
                request.splice(at..at, again);
            }
        }
    }
    request
}

fn bytes(dice: &mut Dice, _: &Valid) -> Vec<u8> {
    let count = 1 + dice.roll(600);
    match dice.roll(4) {
        0 => dice.noise(count),
        1 => dice.bytes(count, b"\r\n: GET/HTP1."),
        2 => dice.bytes(count, MARKS),
        _ => [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            dice.noise(count),
        ]
        .concat(),
    }
}

fn pipelined(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let mut all = Vec::new();
    for _ in 0..=dice.roll(4) {
        let next = match dice.roll(3) {
            0 => good(dice, valid),
            1 => dice.pick(&REFUSED).1(dice, valid),
            _ => bytes(dice, valid),
        };
        all.extend(next);
    }
    all
}

fn query(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let count = 1 + dice.roll(200);
    let text = String::from_utf8(dice.bytes(count, MARKS)).unwrap();
    let number = dice.noise(8).iter().map(u8::to_string).collect::<String>();
    let query = match dice.roll(8) {
        0 => format!("limit={text}"),
        1 => format!("limit=-{number}"),
        2 => format!("limit={number}"),
        3 => format!("cursor={text}"),
        4 => format!("cursor={}", word(dice, 300)),
        5 => format!("limit=1&limit=2&{text}"),
        6 => "%ff=%00&limit=%31&cursor=%c0%af".to_owned(),
        _ => text,
    };
    let list = dice.pick(&["/v1/vaults", "/v1/check-ins"]);
    get(valid, &format!("{list}?{query}"), "")
}

fn idempotency_key(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let (word, noise) = (word(dice, 400), head_noise(dice, 60));
    let text = match dice.roll(4) {
        0 => String::new(),
        1 => word,
        2 => format!("a\r\nIdempotency-Key: {word}"),
        _ => String::from_utf8_lossy(&noise).into_owned(),
    };
    let headers = format!("{JSON}Idempotency-Key: {text}\r\n");
    let body = format!("{{\"name\":\"{}\"}}", dice.roll(3));
    send(dice, valid, &headers, body.as_bytes())
}

fn request_id(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let id = match dice.roll(3) {
        0 => head_noise(dice, 200),
        1 => word(dice, 1_000).into_bytes(),
        _ => b"a\r\nX-Request-Id: b".to_vec(),
    };
    let agent = head_noise(dice, 300);
    let header = [
        b"X-Request-Id: ".as_slice(),
        &id,
        b"\r\nUser-Agent: ",
        &agent,
        b"\r\n",
    ]
    .concat();
    get(valid, "/v1/account", header)
}
