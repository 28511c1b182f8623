//! Which addresses a key may be used from, and which are our own proxies.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network};

use crate::Covering;

/// Addresses and networks that a key is bound to; empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpAllowlist(Vec<IpNetwork>);

/// Why a list of addresses can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor a network.
    #[error("{0:?} is no address or network: use 203.0.113.5, 198.51.100.0/24 or 2001:db8::/32")]
    Unreadable(String),
    /// Bits are set to the right of the prefix; says what was probably meant.
    #[error("{given} has bits set behind its prefix: did you mean {meant}?")]
    HostBits {
        /// What was given.
        given: String,
        /// The network that holds it.
        meant: String,
    },
    /// An IPv4-mapped network that is wider than IPv4 itself.
    #[error("{0} is wider than IPv4: write it as an IPv4 network")]
    MappedTooWide(String),
    /// More entries than a key may have.
    #[error("{0} entries are too many: at most 100 addresses or networks")]
    TooMany(usize),
}

impl IpAllowlist {
    /// How many entries a list may have (public contract, section 1).
    pub const MAX: usize = 100;

    /// Reads entries that are separated by commas, blanks or lines.
    ///
    /// # Errors
    /// [`NetworkError`] names the entry and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        Self::from_entries(entries(text))
    }

    /// Reads one entry from each text. Repeated entries are kept once.
    ///
    /// # Errors
    /// [`NetworkError`] names the entry and what is wrong with it.
    pub fn from_entries<'a>(
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NetworkError> {
        let mut networks = Vec::new();
        for entry in entries {
            let network = network(entry.trim())?;
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        if networks.len() > Self::MAX {
            return Err(NetworkError::TooMany(networks.len()));
        }
        Ok(Self(networks))
    }

    pub(crate) const fn of(networks: Vec<IpNetwork>) -> Self {
        Self(networks)
    }

    pub(crate) fn networks(&self) -> impl Iterator<Item = &IpNetwork> {
        self.0.iter()
    }

    /// The first address of the first entry, as an example of who may pass;
    /// none where any may.
    #[must_use]
    pub fn example(&self) -> Option<IpAddr> {
        self.0.first().map(IpNetwork::network)
    }

    /// This list, and this address with it. Where the list is full, networks
    /// are put together, none wider than needed; `None` where that would keep
    /// nobody out.
    #[must_use]
    pub fn with(&self, address: IpAddr) -> Option<Self> {
        if self.0.len() < Self::MAX {
            let mut networks = self.0.clone();
            if !networks.contains(&address.to_canonical().into()) {
                networks.push(address.to_canonical().into());
            }
            return Some(Self(networks));
        }
        let mut covering = Covering::default();
        covering.add_list(self);
        covering.add(address);
        covering.list()
    }

    /// Whether a request from this address may pass. An IPv4-mapped IPv6
    /// address is matched as IPv4.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.is_empty() || self.0.iter().any(|network| network.contains(address))
    }

    /// Whether each address that `other` lets pass may pass here, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self.0.is_empty() || other.0.is_empty() {
            return self.0.is_empty();
        }
        other.0.iter().all(|inner| {
            let holds = |outer: &IpNetwork| {
                outer.prefix() <= inner.prefix() && outer.contains(inner.network())
            };
            self.0.iter().any(holds)
        })
    }

    /// Whether any address may pass.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its entries as text: an address without a prefix where it is one.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.0.iter().map(entry_text).collect()
    }
}

impl fmt::Display for IpAllowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.entries().join(","))
    }
}

impl serde::Serialize for IpAllowlist {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries())
    }
}

/// Proxies in front of a server: what they say of the client counts. None,
/// unless somebody names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNetwork>);

impl TrustedProxies {
    /// Reads entries that are separated by commas, blanks or lines.
    ///
    /// # Errors
    /// [`NetworkError`] names the entry and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let networks: Result<_, _> = entries(text).map(network).collect();
        networks.map(Self)
    }

    /// Whether this address is one of theirs. An IPv4-mapped IPv6 address is
    /// matched as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

impl TrustedProxies {
    /// Public networks among them that are wider than anybody's proxies: more
    /// than an IPv4 `/12` or an IPv6 `/28`. Whoever sits in one may claim any
    /// address.
    #[must_use]
    pub fn too_wide(&self) -> Vec<String> {
        let wide = |network: &&IpNetwork| {
            let widest = if network.is_ipv4() { 12 } else { 28 };
            network.prefix() < widest && !is_private(network)
        };
        self.0.iter().filter(wide).map(entry_text).collect()
    }

    /// Whether all addresses of a family are among them, or half of them.
    #[must_use]
    pub fn trust_everyone(&self) -> bool {
        self.0.iter().any(|network| network.prefix() <= 1)
    }
}

/// Networks that no packet from the internet comes from (RFC 1918, 6598, 3927,
/// 1122, 4193, 4291).
const PRIVATE: [(IpAddr, u8); 8] = [
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

fn is_private(network: &IpNetwork) -> bool {
    PRIVATE.iter().any(|(address, prefix)| {
        network.prefix() >= *prefix
            && IpNetwork::new(*address, *prefix).is_ok_and(|block| block.contains(network.ip()))
    })
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty())
}

fn entry_text(network: &IpNetwork) -> String {
    let whole = if network.is_ipv4() { 32 } else { 128 };
    if network.prefix() == whole {
        network.ip().to_string()
    } else {
        network.to_string()
    }
}

/// One entry in its canonical form: IPv4-mapped ones become IPv4.
fn network(entry: &str) -> Result<IpNetwork, NetworkError> {
    let unreadable = || NetworkError::Unreadable(entry.to_owned());
    // A mask such as /255.255.255.0 parses too, but two spellings of one
    // prefix are one too many.
    if let Some((_, prefix)) = entry.split_once('/')
        && (prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(unreadable());
    }
    let parsed: IpNetwork = entry.parse().map_err(|_| unreadable())?;
    let network = match parsed {
        IpNetwork::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => mapped(entry, v4, v6.prefix())?,
            None => parsed,
        },
        IpNetwork::V4(_) => parsed,
    };
    if network.network() == network.ip() {
        Ok(network)
    } else {
        let meant =
            IpNetwork::new(network.network(), network.prefix()).map_err(|_| unreadable())?;
        Err(NetworkError::HostBits {
            given: entry.to_owned(),
            meant: entry_text(&meant),
        })
    }
}

fn mapped(entry: &str, address: Ipv4Addr, prefix: u8) -> Result<IpNetwork, NetworkError> {
    let prefix = prefix
        .checked_sub(96)
        .ok_or_else(|| NetworkError::MappedTooWide(entry.to_owned()))?;
    Ipv4Network::new(address, prefix)
        .map(IpNetwork::V4)
        .map_err(|_| NetworkError::Unreadable(entry.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &str, address: &str) -> bool {
        IpAllowlist::parse(list)
            .unwrap()
            .allows(address.parse().unwrap())
    }

    #[test]
    fn matches_addresses_and_networks_of_both_families() {
        assert!(allows("", "192.0.2.1"));
        assert!(allows("203.0.113.5, 198.51.100.10", "198.51.100.10"));
        assert!(!allows("203.0.113.5", "203.0.113.6"));
        assert!(allows("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!allows("2001:db8::/32", "2001:db9::1"));
        assert!(allows("203.0.113.0/24", "::ffff:203.0.113.200"));
        assert!(allows("::ffff:203.0.113.0/120", "203.0.113.200"));
        assert!(!allows("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(
            IpAllowlist::parse("203.0.113.7/24"),
            Err(NetworkError::HostBits {
                given: "203.0.113.7/24".to_owned(),
                meant: "203.0.113.0/24".to_owned()
            })
        );
        assert!(matches!(
            IpAllowlist::parse("::ffff:203.0.113.0/24"),
            Err(NetworkError::MappedTooWide(_))
        ));
        for bad in [
            "300.1.1.1",
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.0/255.255.255.0",
            "example.com",
            "::1/129",
            "01.2.3.4",
        ] {
            assert!(
                matches!(IpAllowlist::parse(bad), Err(NetworkError::Unreadable(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn proxies_in_huge_public_networks_are_told_apart() {
        let proxies = |list| TrustedProxies::parse(list).unwrap();
        let wide = |list| proxies(list).too_wide();
        // Of private networks any, and of the internet what CDNs publish.
        let usual =
            "10.0.0.0/8, 172.16.0.0/12, fc00::/7, 104.16.0.0/12, 2a06:98c0::/29, 203.0.113.7";
        assert_eq!(wide(usual), Vec::<String>::new());
        assert!(!proxies(usual).trust_everyone());
        assert_eq!(
            wide("104.0.0.0/11, 8.0.0.0/7"),
            ["104.0.0.0/11", "8.0.0.0/7"]
        );
        assert_eq!(wide("2000::/3"), ["2000::/3"]);
        for everyone in ["0.0.0.0/0", "::/0", "0.0.0.0/1, 128.0.0.0/1"] {
            assert!(proxies(everyone).trust_everyone(), "{everyone}");
            assert!(!wide(everyone).is_empty());
        }
    }

    #[test]
    fn covers_what_is_narrower() {
        let covers = |outer: &str, inner: &str| {
            let read = |text| IpAllowlist::parse(text).unwrap();
            read(outer).covers(&read(inner))
        };
        assert!(covers(
            "203.0.113.0/24, 2001:db8::/32",
            "203.0.113.5, 2001:db8:1::/48"
        ));
        assert!(covers("203.0.113.5", "203.0.113.5"));
        assert!(covers("", "203.0.113.5") && covers("", ""));
        assert!(!covers("203.0.113.0/24", "203.0.112.0/23"));
        assert!(!covers("203.0.113.0/24", "203.0.113.5, 198.51.100.1"));
        assert!(!covers("203.0.113.0/24", ""));
        assert!(!covers("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn holds_a_hundred_and_no_more() {
        let many = |n: u8| {
            (0..n)
                .map(|i| format!("192.0.2.{i}"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(IpAllowlist::parse(&many(100)).unwrap().entries().len(), 100);
        assert_eq!(
            IpAllowlist::parse(&many(101)),
            Err(NetworkError::TooMany(101))
        );
    }
}
