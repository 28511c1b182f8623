//! Whose request it is, when proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName};
use torvus_domain::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client's address in its canonical form, an IPv4-mapped one as IPv4.
///
/// It is the peer, unless that is a trusted proxy: then the last hop of
/// `X-Forwarded-For` that is none, or the first of all if all are. A hop that
/// can't be read ends the walk: nobody knows then who stands behind it, and
/// there is no address. `Forwarded` is not read.
#[must_use]
pub fn client_ip(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
) -> Option<IpAddr> {
    let mut client = peer?.to_canonical();
    let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
    // Several lines are one list, in their order (RFC 9110, section 5.3).
    for line in lines.into_iter().rev() {
        for hop in line.as_bytes().rsplit(|byte| *byte == b',') {
            if !trusted.contains(client) {
                return Some(client);
            }
            client = address(hop)?;
        }
    }
    Some(client)
}

/// Whether the client speaks HTTPS, as a trusted proxy tells of it: the last word
/// of `X-Forwarded-Proto`, which is the one of the nearest proxy.
#[must_use]
pub fn is_https(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &TrustedProxies) -> bool {
    let told = || {
        let line = headers.get_all(X_FORWARDED_PROTO).last()?.to_str().ok()?;
        line.rsplit(',').next().map(str::trim)
    };
    peer.is_some_and(|peer| trusted.contains(peer.to_canonical()))
        && told().is_some_and(|proto| proto.eq_ignore_ascii_case("https"))
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|hop| hop.ip());
    let in_brackets = || {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        inside.parse().ok().map(IpAddr::V6)
    };
    // A zone, `fe80::1%eth0`, means nothing to another machine.
    if text.contains('%') {
        return None;
    }
    let address = bare().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(peer: &str, lines: &[&str]) -> Option<String> {
        let trusted = TrustedProxies::parse("10.0.0.0/8, 192.0.2.1, 2001:db8:ffff::/48");
        let mut headers = HeaderMap::new();
        headers.append(
            HeaderName::from_static("forwarded"),
            HeaderValue::from_static("for=198.51.100.99"),
        );
        for line in lines {
            // Each character is one byte, so that any byte can be sent.
            let bytes: Vec<u8> = line.chars().map(|c| u8::try_from(c).unwrap()).collect();
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(&bytes).unwrap());
        }
        let peer = peer.parse().ok();
        client_ip(peer, &headers, &trusted.unwrap()).map(|ip| ip.to_string())
    }

    #[test]
    fn nothing_counts_from_a_peer_that_is_not_trusted() {
        for lines in [&[][..], &["203.0.113.5"], &["10.0.0.1"], &["nonsense"]] {
            assert_eq!(of("198.51.100.1", lines).as_deref(), Some("198.51.100.1"));
        }
        assert_eq!(
            of("::ffff:198.51.100.1", &["1.1.1.1"]).as_deref(),
            Some("198.51.100.1")
        );
    }

    #[test]
    fn the_last_hop_that_is_not_trusted_is_the_client() {
        for (lines, client) in [
            (&[][..], "10.0.0.1"),
            (&["203.0.113.5"], "203.0.113.5"),
            (&["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
            (
                &["1.1.1.1,203.0.113.5 ,\t10.2.3.4, 192.0.2.1"],
                "203.0.113.5",
            ),
            (&["1.1.1.1", "203.0.113.5", "10.9.9.9"], "203.0.113.5"),
            (&["203.0.113.5, 10.0.0.7", "10.9.9.9"], "203.0.113.5"),
            // Behind the client anything may stand.
            (&["nonsense, , 203.0.113.5"], "203.0.113.5"),
            (&["\u{ff}", "203.0.113.5"], "203.0.113.5"),
            // All trusted: the first one.
            (&["10.3.3.3, 10.4.4.4"], "10.3.3.3"),
            (&["203.0.113.5:4711"], "203.0.113.5"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["[2001:db8::7]:443"], "2001:db8::7"),
            (&["::ffff:203.0.113.5"], "203.0.113.5"),
            (&["203.0.113.5, ::ffff:10.1.1.1"], "203.0.113.5"),
            (&["203.0.113.5, 2001:db8:ffff::1"], "203.0.113.5"),
        ] {
            assert_eq!(of("10.0.0.1", lines).as_deref(), Some(client), "{lines:?}");
        }
        assert_eq!(
            of("::ffff:10.0.0.1", &["203.0.113.5"]).as_deref(),
            Some("203.0.113.5")
        );
    }

    #[test]
    fn only_a_trusted_proxy_says_that_it_is_https() {
        let trusted = TrustedProxies::parse("10.0.0.1").unwrap();
        let https = |peer: &str, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(X_FORWARDED_PROTO, HeaderValue::from_static(line));
            }
            is_https(peer.parse().ok(), &headers, &trusted)
        };
        assert!(https("10.0.0.1", &["https"]) && https("::ffff:10.0.0.1", &["http, HTTPS"]));
        assert!(https("10.0.0.1", &["http", "https"]));
        for (peer, lines) in [
            ("10.0.0.2", &["https"][..]),
            ("10.0.0.1", &[]),
            ("10.0.0.1", &["http"]),
            ("10.0.0.1", &["https, http"]),
            ("10.0.0.1", &["https", "http"]),
            ("nobody", &["https"]),
        ] {
            assert!(!https(peer, lines), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_hop_that_cannot_be_read_leaves_no_address() {
        for line in [
            "",
            " ",
            "203.0.113.5,",
            "203.0.113.5,,10.0.0.2",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.005",
            "203.0.113.5/32",
            "0x7f.1",
            "3405803781",
            "203.0.113.5:",
            "203.0.113.5:port",
            "203.0.113.5:99999",
            "[203.0.113.5]",
            "[2001:db8::7",
            "2001:db8::7]",
            "2001:db8::7]:1",
            "fe80::1%eth0",
            "[fe80::1%1]:2",
            "example.com",
            "for=203.0.113.5",
            "\"203.0.113.5\"",
            "203.0.113.5 10.0.0.1",
            "\u{ff}",
            "203.0.113.5;10.0.0.1",
        ] {
            assert_eq!(of("10.0.0.1", &[line]), None, "{line:?}");
            let behind = format!("{line}, 10.0.0.5");
            assert_eq!(of("10.0.0.1", &[&behind]), None, "{behind:?}");
        }
        assert_eq!(of("no address", &["203.0.113.5"]), None);
    }
}
