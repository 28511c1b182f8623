//! Requests whose head is read, and whose body is bad, or of a length that nobody can tell.

use torvus_e2e::Dice;

use crate::requests::{JSON, Valid, bearer, request, send, word};

pub fn length(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let body = br#"{"name":"n"}"#;
    let (word, number) = (word(dice, 20), dice.roll(1000));
    let lengths = match dice.roll(14) {
        0 => format!("Content-Length: {word}\r\n"),
        1 => format!("Content-Length: 12\r\nContent-Length: {}\r\n", 13 + number),
        2 => "Content-Length: 12\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        3 => "Transfer-Encoding: chunked\r\nContent-Length: 12\r\n".to_owned(),
        4 => format!("Content-Length: -{number}\r\n"),
        5 => "Content-Length: +12\r\n".to_owned(),
        6 => format!("Content-Length: 12, {number}\r\n"),
        7 => "Content-Length: 0x0c\r\n".to_owned(),
        8 => format!("Content-Length: 99999999999999999999{number}\r\n"),
        9 => format!("Content-Length: {}\r\n", u64::MAX),
        10 => format!("Transfer-Encoding: {word}\r\n"),
        11 => "Transfer-Encoding: identity, chunked\r\nContent-Length: 12\r\n".to_owned(),
        12 => format!("Transfer-Encoding: chunked, {word}\r\n"),
        _ => "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".to_owned(),
    };
    let headers = [&bearer(&valid.token), JSON.as_bytes(), lengths.as_bytes()].concat();
    request("POST /v1/vaults", &headers, body)
}

pub fn chunks(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let (word, noise) = (word(dice, 20), dice.noise(30));
    let json = r#"{"name":"n"}"#;
    let body = match dice.roll(10) {
        0 => format!("{word}-\r\n{json}\r\n0\r\n\r\n"),
        1 => format!("ffffffffffffffff\r\n{json}\r\n0\r\n\r\n"),
        2 => format!("fffffffffffffffff1\r\n{json}\r\n0\r\n\r\n"),
        3 => format!("-c\r\n{json}\r\n0\r\n\r\n"),
        4 => format!("0xc\r\n{json}\r\n0\r\n\r\n"),
        5 => format!("c\r\n{json}0\r\n\r\n"),
        6 => format!("b\r\n{json}\r\n0\r\n\r\n"),
        7 => format!("d\r\n{json}\r\n0\r\n\r\n"),
        8 => format!("c\r\n{json}\r\n"),
        _ => String::from_utf8_lossy(&noise).into_owned(),
    };
    let coding = "Transfer-Encoding: chunked\r\n";
    let headers = [&bearer(&valid.token), JSON.as_bytes(), coding.as_bytes()].concat();
    request("POST /v1/vaults", &headers, body.as_bytes())
}

pub fn json(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let count = 1 + dice.roll(80);
    let (noise, word, depth) = (dice.noise(count), word(dice, 80), 129 + dice.roll(2_000));
    let body: Vec<u8> = match dice.roll(16) {
        0 => [b"{\"name\":", noise.as_slice(), b"\xff"].concat(),
        1 => [b"{\"name\":\"".as_slice(), &noise, b"\xff\"}"].concat(),
        2 => "[".repeat(depth).into_bytes(),
        3 => "{\"name\":".repeat(depth).into_bytes(),
        4 => format!(
            "{{\"settings\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
        .into_bytes(),
        5 => format!("\"{word}\"").into_bytes(),
        6 => format!("{{\"name\":\"{word}\",\"name\":\"{word}\"}}").into_bytes(),
        7 => format!("{{\"name\":\"{word}\"}}{{}}").into_bytes(),
        8 => format!("{{'name':'{word}'}}").into_bytes(),
        9 => format!("{{\"name\":\"\\ud800{word}\"}}").into_bytes(),
        10 => format!("\u{feff}{{\"name\":\"{word}\"}}").into_bytes(),
        11 => format!("{{\"name\":\"{word}\",}}").into_bytes(),
        12 => format!(
            "{{\"name\":{}}}",
            dice.pick(&["NaN", "Infinity", "01", "1e", "-", ".5", "nul"])
        )
        .into_bytes(),
        13 => format!("/* {word} */{{\"name\":\"n\"}}").into_bytes(),
        14 => format!(
            "{{\"name\":\"n\",\"description\":1e{}}}",
            400 + dice.roll(9_999)
        )
        .into_bytes(),
        _ => Vec::new(),
    };
    send(dice, valid, JSON, &body)
}

pub fn field(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let word = word(dice, 30);
    let number = format!(
        "{}{}",
        dice.pick(&["-", "", "9e", "0.", "1e-"]),
        1 + dice.roll(300)
    );
    let body = match dice.roll(9) {
        0 => format!("{{\"name\":\"n\",\"x{word}\":1}}"),
        1 => format!("{{\"name\":[\"{word}\"]}}"),
        2 => format!("{{\"name\":\"{}\"}}", "n".repeat(201 + dice.roll(1_000))),
        3 => format!("{{\"name\":\"a\\u0000{word}\"}}"),
        4 => format!("{{\"name\":{number}}}"),
        5 => "{\"name\":null}".to_owned(),
        6 => "{\"name\":\"  \"}".to_owned(),
        7 => format!("{{\"name\":\"n\",\"id\":\"{}\"}}", valid.vault),
        _ => format!("{{\"name\":\"n\",\"content\":\"!{word}\",\"settings\":\"{word}\"}}"),
    };
    send(dice, valid, JSON, body.as_bytes())
}

pub fn content_type(dice: &mut Dice, valid: &Valid) -> Vec<u8> {
    let word = word(dice, 30);
    let headers = match dice.roll(7) {
        0 => String::new(),
        1 => "Content-Type:\r\n".to_owned(),
        2 => format!("Content-Type: {word}/x{word}\r\n"),
        3 => "Content-Type: application/x-www-form-urlencoded\r\n".to_owned(),
        4 => format!("{JSON}{JSON}"),
        5 => format!(
            "{JSON}Content-Encoding: {}\r\n",
            dice.pick(&["gzip", "br", "x"])
        ),
        _ => "Content-Type: application/json\u{e9}\r\n".to_owned(),
    };
    send(dice, valid, &headers, br#"{"name":"n"}"#)
}
