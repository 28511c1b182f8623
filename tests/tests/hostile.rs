//! A thousand malformed keys, headers, paths and bodies: each a 4xx, and the server lives on.

use torvus_e2e::{Database, TestApp, on_both, random_like};

const OF_EACH: usize = 250;

/// A small generator with a fixed start, so that a failure can be repeated (xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }

    fn bytes(&mut self, count: usize, alphabet: &[u8]) -> Vec<u8> {
        (0..count)
            .map(|_| alphabet[self.roll(alphabet.len())])
            .collect()
    }
}

fn request(line: &str, headers: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n").into_bytes();
    bytes.extend(headers);
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

fn bearer(token: &[u8]) -> Vec<u8> {
    [b"Authorization: Bearer ".as_slice(), token, b"\r\n"].concat()
}

fn check(app: &TestApp, bytes: &[u8]) -> u16 {
    let shown = || bytes[..bytes.len().min(300)].escape_ascii().to_string();
    let answer = app
        .raw()
        .send(bytes)
        .unwrap_or_else(|| panic!("no answer to {}", shown()));
    assert!(
        (400..500).contains(&answer.status),
        "{answer:?} to {}",
        shown()
    );
    answer.status
}

fn a_malformed_key(dice: &mut Dice, index: usize) -> Vec<u8> {
    let mut token = random_like("live").into_bytes();
    let any: Vec<u8> = (0x21..=0xff).filter(|&byte| byte != 0x7f).collect();
    match index % 7 {
        0 => {
            let at = dice.roll(token.len());
            token[at] = if token[at] == b'!' { b'?' } else { b'!' };
        }
        1 => token.truncate(dice.roll(token.len())),
        2 => {
            let count = 1 + dice.roll(200);
            token.extend(dice.bytes(count, b"0aZ"));
        }
        3 => {
            let at = dice.roll(token.len());
            token[at] |= 0x80;
        }
        4 => token.make_ascii_uppercase(),
        5 => {
            let count = 1 + dice.roll(100);
            token = dice.bytes(count, &any);
        }
        _ => token.insert(dice.roll(token.len() - 1) + 1, b' '),
    }
    token
}

fn a_malformed_header(dice: &mut Dice, index: usize) -> Vec<u8> {
    let letters = b"abcdefghijklmnopqrstuvwxyz-";
    let count = 1 + dice.roll(40);
    let mut word = dice.bytes(count, letters);
    match index % 8 {
        0 => [word.as_slice(), b"\r\n"].concat(),
        1 => [b"X-".as_slice(), &word, b": a\0b\r\n"].concat(),
        2 => [b": ".as_slice(), &word, b"\r\n"].concat(),
        3 => [b"X y: ".as_slice(), &word, b"\r\n"].concat(),
        4 => [b"Content-Length: ".as_slice(), &word, b"\r\n"].concat(),
        5 => [
            b"X-Fill: ".as_slice(),
            &vec![b'a'; 17_000 + dice.roll(10_000)],
            b"\r\n",
        ]
        .concat(),
        6 => b"Content-Length: 5\r\nContent-Length: 6\r\n".to_vec(),
        _ => {
            word.push(0x01);
            [b"X-A".as_slice(), &word, b": b\r\n"].concat()
        }
    }
}

fn a_malformed_path(dice: &mut Dice, index: usize) -> String {
    let count = 1 + dice.roll(60);
    let text = dice.bytes(count, b"abc/.%;:@!$&'()*+,=~_-0");
    let text = String::from_utf8(text).unwrap();
    match index % 8 {
        0 => format!("/v1/{text}"),
        1 => format!("/v1/vaults/{text}"),
        2 => format!("/v1/vaults/%{text}/documents"),
        3 => format!("/v1/../{text}"),
        4 => format!("//{text}"),
        5 => format!("/v1/vaults/{}", "a".repeat(2048 + dice.roll(500))),
        6 => format!("/v1/vaults?limit={text}x"),
        _ => format!("/v1/vaults/vault_{text}%00%ff"),
    }
}

fn a_malformed_body(dice: &mut Dice, index: usize) -> Vec<u8> {
    let count = 1 + dice.roll(80);
    let noise: Vec<u8> = (0..count)
        .map(|_| u8::try_from(dice.roll(256)).unwrap())
        .collect();
    let word = String::from_utf8(dice.bytes(count, b"abcxyz")).unwrap();
    match index % 10 {
        0 => [b"{\"name\":".as_slice(), &noise].concat(),
        1 => [b"{\"name\":\"".as_slice(), &noise, b"\xff\"}"].concat(),
        2 => format!("{{\"name\":\"n\",\"{word}\":1}}").into_bytes(),
        3 => format!("{{\"name\":[\"{word}\"]}}").into_bytes(),
        4 => "[".repeat(129 + dice.roll(2000)).into_bytes(),
        5 => format!("{{\"name\":\"{}\"}}", "n".repeat(201 + dice.roll(1000))).into_bytes(),
        6 => format!("{{\"name\":\"a\\u0000{word}\"}}").into_bytes(),
        7 => format!("\"{word}\"").into_bytes(),
        8 => format!("{{\"name\":\"n\",\"description\":1e{}}}", dice.roll(9999)).into_bytes(),
        _ => Vec::new(),
    }
}

fn a_thousand_malformed_requests_are_refused(database: Database) {
    let app = TestApp::start(database);
    let key = app.key(&app.account("enterprise"), "test", "read,write,delete");
    let valid = bearer(key.token.as_bytes());
    let mut dice = Dice(0x7075_7276_7573);

    for index in 0..OF_EACH {
        let token = a_malformed_key(&mut dice, index);
        let status = check(&app, &request("GET /v1/account", &bearer(&token), b""));
        assert!(
            matches!(status, 400 | 401),
            "{status} to {}",
            token.escape_ascii()
        );

        let headers = [valid.as_slice(), &a_malformed_header(&mut dice, index)].concat();
        check(&app, &request("GET /v1/account", &headers, b""));

        let line = format!("GET {}", a_malformed_path(&mut dice, index));
        check(&app, &request(&line, &valid, b""));

        let body = a_malformed_body(&mut dice, index);
        let length = format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        let headers = [valid.as_slice(), length.as_bytes()].concat();
        check(&app, &request("POST /v1/vaults", &headers, &body));
    }
    // The kit checks that there was no panic.
    app.client(&key.token).get("/v1/account").expect(200);
}

fn what_is_no_request_does_no_harm(database: Database) {
    let app = TestApp::start(database);
    for bytes in [
        b"\r\n\r\n\r\n\r\nnonsense\r\n\r\n".as_slice(),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense\r\n\r\n",
        b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/vaults HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n",
    ] {
        if let Some(answer) = app.raw().send(bytes) {
            assert!(
                (400..500).contains(&answer.status),
                "{answer:?} to {}",
                bytes.escape_ascii()
            );
        }
    }
    app.anonymous().get("/v1/account").expect_401();
}

on_both!(
    a_thousand_malformed_requests_are_refused,
    what_is_no_request_does_no_harm,
);
