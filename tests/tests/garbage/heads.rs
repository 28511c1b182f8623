//! Requests that are bad from their first line to the end of their headers.

use torvus_e2e::{Dice, random_like};

use crate::requests::{JSON, Valid, bearer, get, good, head_noise, request, word};

pub fn request_line(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let noise = head_noise(dice, 40);
    let control = [u8::try_from(dice.roll(32)).unwrap()];
    let line: Vec<&[u8]> = match dice.roll(9) {
        0 => vec![b"GET"],
        1 => vec![b"GET /v1/account"],
        2 => vec![b"GET  /v1/account HTTP/1.1"],
        3 => vec![b"GET /v1/account HTTP/1.1 ", b"x"],
        4 => vec![b"GET /v1/account", &control, b"x HTTP/1.1"],
        5 => vec![b"GE", &control, b"T /v1/account HTTP/1.1"],
        6 => vec![b"GET /v1/\xff", &noise, b" HTTP/1.1"],
        7 => vec![b"\0", &noise, b" /v1/account HTTP/1.1"],
        _ => vec![b"GET v1/account", b" HTTP/1.1"],
    };
    let head = [
        b"\r\nHost: x\r\n".as_slice(),
        &bearer(&valid.token),
        b"\r\n",
    ]
    .concat();
    [line.concat(), head].concat()
}

pub fn version(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let version = match dice.roll(8) {
        0 => format!("HTTP/{}.{}", 2 + dice.roll(9), dice.roll(10)),
        1 => format!("HTTP/1.{}", 2 + dice.roll(1000)),
        2 => "http/1.1".to_owned(),
        3 => "HTTP/".to_owned(),
        4 => "HTTP/1.1.1".to_owned(),
        5 => "HTTPS/1.1".to_owned(),
        6 => "HTTP/-1.1".to_owned(),
        _ => word(dice, 30),
    };
    let head = format!("GET /v1/account {version}\r\nHost: x\r\n");
    [head.as_bytes(), &bearer(&valid.token), b"\r\n"].concat()
}

pub fn header(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let word = word(dice, 40);
    let control = char::from(*dice.pick(b"\0\x01\x02\x07\x08\x0b\x0c\x1f\x7f"));
    let header = match dice.roll(9) {
        0 => format!("{word}\r\n"),
        1 => format!("X-{word}: a{control}b\r\n"),
        2 => format!(": {word}\r\n"),
        3 => format!("X y: {word}\r\n"),
        4 => format!("X-{word} : y\r\n"),
        5 => format!("X{control}{word}: b\r\n"),
        6 => format!("X-{word}: a\r\n {word}\r\n"),
        7 => format!("X-{word}: a\rb\r\n"),
        _ => format!("X-\u{e9}{word}: b\r\n"),
    };
    get(valid, "/v1/account", header)
}

pub fn host(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let name = word(dice, 30);
    let hosts = match dice.roll(3) {
        0 => String::new(),
        1 => format!("Host: x\r\nHost: {name}\r\n"),
        _ => "Host: x\r\nHost: x\r\n".to_owned(),
    };
    let head = format!("GET /v1/account HTTP/1.1\r\n{hosts}");
    [head.as_bytes(), &bearer(&valid.token), b"\r\n"].concat()
}

pub fn too_large(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let more = dice.roll(2_000) * dice.pick(&[1, 1, 100]);
    match dice.roll(5) {
        0 => get(
            valid,
            &format!("/v1/vaults/{}", "a".repeat(2_048 + more)),
            "",
        ),
        1 => get(
            valid,
            &format!("/v1/vaults?cursor={}", "a".repeat(2_048 + more)),
            "",
        ),
        2 => get(
            valid,
            "/v1/account",
            format!("X-A: {}\r\n", "a".repeat(17_000 + more)),
        ),
        3 => get(
            valid,
            "/v1/account",
            "X-A: b\r\n".repeat(100 + more % 1_000),
        ),
        _ => {
            let body = format!("{{\"name\":\"{}\"}}", "n".repeat(66_000 + more));
            let length = format!("{JSON}Content-Length: {}\r\n", body.len());
            let headers = [&bearer(&valid.token), length.as_bytes()].concat();
            request("POST /v1/vaults", &headers, body.as_bytes())
        }
    }
}

pub fn cut_off(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let mut request = good(dice, valid);
    request.truncate(dice.roll(request.len()));
    request
}

pub fn authorization(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let (token, word) = (valid.token.as_str(), word(dice, 30));
    let headers = match dice.roll(16) {
        0 => String::new(),
        1 => format!("Authorization: {token}\r\n"),
        2 => format!("Authorization: Basic {token}\r\n"),
        3 => format!("Authorization: Bearer: {token}\r\n"),
        4 => format!("Authorization: Bearer\t{token}\r\n"),
        5 => format!("Authorization: Bearer {token} {word}\r\n"),
        6 => format!("Authorization: Bearer {token},{word}\r\n"),
        7 => format!("Authorization: Bearer \"{token}\"\r\n"),
        8 => format!("Authorization: {word}Bearer {token}\r\n"),
        9 => "Authorization: Bearer\r\n".to_owned(),
        10 => format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"),
        11 => format!("Authorization:\r\nAuthorization: Bearer {token}\r\n"),
        12 => format!(
            "Cookie: key={token}\r\nX-Api-Key: {token}\r\nProxy-Authorization: Bearer {token}\r\n"
        ),
        13 => format!("Authorization: Bearer {}\r\n", word.repeat(40)),
        14 => format!("Authorization: Bearer {token}\u{e9}{word}\r\n"),
        _ => format!("Authorization_: Bearer {token}\r\n"),
    };
    request(
        &format!("GET /v1/account?key={token}"),
        headers.as_bytes(),
        b"",
    )
}

pub fn key(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let mut token = dice
        .pick(&[valid.token.clone(), random_like("live")])
        .clone()
        .into_bytes();
    let at = dice.roll(token.len());
    let count = 1 + dice.roll(200);
    match dice.roll(9) {
        0 => token[at] = if token[at] == b'!' { b'?' } else { b'!' },
        1 => token.truncate(at),
        2 => token.extend(dice.bytes(count, b"0aZ")),
        3 => token[at] |= 0x80,
        4 => token.make_ascii_uppercase(),
        5 => token = head_noise(dice, 100),
        6 => token.insert(1 + dice.roll(token.len() - 1), b' '),
        7 => token[63] = if token[63] == b'0' { b'1' } else { b'0' },
        _ => token = random_like("test").into_bytes(),
    }
    request("GET /v1/account", &bearer(token), b"")
}

pub fn path(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let count = 1 + dice.roll(60);
    let text = String::from_utf8(dice.bytes(count, b"abc/.%;:@!$&'()*+,=~_-0")).unwrap();
    let target = match dice.roll(7) {
        0 => format!("/v1/{text}"),
        1 => format!("/v1/vaults/{text}"),
        2 => format!("/v1/vaults/%{text}/documents"),
        3 => format!("/v1/../{text}"),
        4 => format!("//{text}"),
        5 => format!("/v1/vaults/{}{text}", valid.vault),
        _ => format!("/v1/vaults/vault_{text}%00%ff"),
    };
    get(valid, &target, "")
}

pub fn method(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let name = match dice.roll(4) {
        0 => word(dice, 20),
        1 => word(dice, 300).to_uppercase(),
        2 => (*dice.pick(&[
            "TRACE", "OPTIONS", "CONNECT", "DELETE", "PUT", "PRI", "QUERY",
        ]))
        .to_owned(),
        _ => String::from_utf8(dice.bytes(5, b"GET!#$%&'*+.^_`|~")).unwrap() + "x",
    };
    request(&format!("{name} /v1/account"), &bearer(&valid.token), b"")
}
