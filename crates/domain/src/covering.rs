//! Few networks that cover many addresses.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use crate::IpAllowlist;

/// How many networks are kept apart: what a covering holds in memory.
const KEPT_MAX: usize = 4_096;
/// What is left of them where there are more.
const KEPT: usize = 1_024;
/// IPv4 addresses begin with these 96 bits here: `::ffff:0:0/96`.
const MAPPED: u8 = 96;
/// The widest network that still says something of who may pass.
const WIDEST_V4: u8 = MAPPED + 8;
const WIDEST_V6: u8 = 24;
/// One site of IPv6: its hosts change their addresses within it (RFC 8981).
const SITE: u8 = 64;

/// Collects addresses, and covers them with as few networks as are wanted, none
/// of them wider than its addresses need. Holds a bounded number of networks,
/// however many addresses there are.
#[derive(Clone, Debug, Default)]
pub struct Covering {
    /// The first address of each network, and the length of its prefix. They
    /// are disjoint.
    networks: BTreeMap<u128, u8>,
}

impl Covering {
    /// Covers this address, too.
    pub fn add(&mut self, address: IpAddr) {
        self.add_network(bits(address), 128);
    }

    /// Covers these networks, too.
    pub fn add_list(&mut self, list: &IpAllowlist) {
        // Wide ones first: those within them are covered then.
        let mut networks: Vec<(u8, u128)> = list.networks().map(block).collect();
        networks.sort_unstable();
        for (prefix, first) in networks {
            self.add_network(first, prefix);
        }
    }

    fn add_network(&mut self, first: u128, prefix: u8) {
        let before = self.networks.range(..=first).next_back();
        if before.is_some_and(|(start, length)| cut(first, *length) == *start) {
            return;
        }
        self.put(first, prefix);
        if self.networks.len() > KEPT_MAX {
            self.reduce(KEPT);
        }
    }

    /// Whether nothing was collected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// At most [`IpAllowlist::MAX`] entries that let all of these pass; single
    /// addresses as long as they are not more. `None` where networks would have
    /// to be so wide (above /8, or /24 of IPv6) that they keep nobody out.
    #[must_use]
    pub fn list(&self) -> Option<IpAllowlist> {
        let mut few = self.clone();
        few.reduce(IpAllowlist::MAX);
        let telling = |(first, prefix): (&u128, &u8)| {
            *prefix >= if is_v4(*first) { WIDEST_V4 } else { WIDEST_V6 }
        };
        let networks = few.networks.iter();
        let kept = networks.clone().all(telling) && few.networks.len() <= IpAllowlist::MAX;
        kept.then(|| IpAllowlist::of(networks.filter_map(network).collect()))
    }

    /// Puts neighbours together, those first that need the narrowest network.
    fn reduce(&mut self, most: usize) {
        while self.networks.len() > most {
            let pairs = self.networks.iter().zip(self.networks.iter().skip(1));
            let joined = pairs.filter_map(|((a, p), (b, q))| joined(*a, (*p).min(*q), *b));
            let Some((_, prefix, first)) = joined.min() else {
                return;
            };
            self.put(first, prefix);
        }
    }

    /// Puts a network in the place of all that lie in it.
    fn put(&mut self, first: u128, prefix: u8) {
        let last = first | !mask(prefix);
        let inside: Vec<u128> = self.networks.range(first..=last).map(|(f, _)| *f).collect();
        for start in inside {
            self.networks.remove(&start);
        }
        self.networks.insert(first, prefix);
    }
}

/// The narrowest network of both: how wide it is, its prefix, its first address.
/// None where they are of different families.
fn joined(a: u128, prefix: u8, b: u128) -> Option<(u8, u8, u128)> {
    if is_v4(a) != is_v4(b) {
        return None;
    }
    let common = u8::try_from((a ^ b).leading_zeros()).unwrap_or(128);
    let prefix = prefix.min(common);
    // A whole site of IPv6 is as much as one address of IPv4.
    let whole = if is_v4(a) { 128 } else { SITE };
    Some((whole.max(prefix) - prefix, prefix, cut(a, prefix)))
}

fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn block(network: &IpNetwork) -> (u8, u128) {
    let mapped = if network.is_ipv4() { MAPPED } else { 0 };
    (mapped + network.prefix(), bits(network.network()))
}

fn network((first, prefix): (&u128, &u8)) -> Option<IpNetwork> {
    let address = Ipv6Addr::from_bits(*first);
    match address.to_ipv4_mapped() {
        Some(v4) => Ipv4Network::new(v4, prefix.checked_sub(MAPPED)?)
            .ok()
            .map(IpNetwork::V4),
        None => Ipv6Network::new(address, *prefix).ok().map(IpNetwork::V6),
    }
}

const fn is_v4(first: u128) -> bool {
    first >> 32 == 0xffff
}

const fn mask(prefix: u8) -> u128 {
    match prefix {
        0 => 0,
        prefix => u128::MAX << (128 - prefix),
    }
}

const fn cut(address: u128, prefix: u8) -> u128 {
    address & mask(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covering(addresses: impl IntoIterator<Item = String>) -> Covering {
        let mut covering = Covering::default();
        for address in addresses {
            covering.add(address.parse().unwrap());
        }
        covering
    }

    #[test]
    fn up_to_a_hundred_addresses_stay_what_they_are() {
        let addresses = (0..100)
            .map(|n| format!("198.51.{n}.7"))
            .collect::<Vec<_>>();
        let list = covering(addresses.clone()).list().unwrap();
        assert_eq!(list.entries().len(), 100);
        assert!(addresses.iter().all(|a| list.entries().contains(a)));
        let mixed = ["::ffff:203.0.113.5", "203.0.113.5", "2001:db8::1"].map(str::to_owned);
        assert_eq!(
            covering(mixed).list().unwrap().entries(),
            ["203.0.113.5", "2001:db8::1"]
        );
    }

    #[test]
    fn more_are_covered_by_the_narrowest_networks() {
        // 64 neighbours and 99 others, far apart.
        let near = (0..64).map(|n| format!("203.0.113.{}", 64 + n));
        let far = (0..99).map(|n| format!("198.18.{n}.{n}"));
        let list = covering(near.chain(far)).list().unwrap();
        assert_eq!(list.entries().len(), 100);
        assert!(list.entries().contains(&"203.0.113.64/26".to_owned()));
        assert!(list.entries().contains(&"198.18.98.98".to_owned()));
    }

    #[test]
    fn hosts_of_one_site_come_together_first() {
        let site = (1..=300).map(|n| format!("2001:db8::{n:x}:{n:x}"));
        let far = (0..99).map(|n| format!("198.18.0.{n}"));
        let list = covering(site.chain(far)).list().unwrap();
        let entries = list.entries();
        assert_eq!(entries.len(), 100);
        assert!(entries.contains(&"198.18.0.98".to_owned()), "{entries:?}");
    }

    #[test]
    fn each_address_is_covered_however_many_there_are() {
        let addresses: Vec<IpAddr> = (0..20_000_u32)
            .map(|n| {
                let scattered = n.wrapping_mul(2_654_435_761) >> 12;
                IpAddr::from((0x0a00_0000 | scattered).to_be_bytes())
            })
            .collect();
        let list = covering(addresses.iter().map(ToString::to_string))
            .list()
            .unwrap();
        assert!(list.entries().len() <= 100);
        assert!(addresses.iter().all(|address| list.allows(*address)));
        assert!(!list.allows("11.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_keeps_nobody_out_is_no_list() {
        let everywhere = (1..=220).flat_map(|a| [format!("{a}.1.1.1"), format!("{a}.200.1.1")]);
        assert_eq!(covering(everywhere).list(), None);
    }

    #[test]
    fn a_list_can_be_widened() {
        let list = IpAllowlist::parse("10.0.0.0/8, 10.1.0.0/16, 2001:db8::/32").unwrap();
        let mut covering = Covering::default();
        covering.add("10.1.2.3".parse().unwrap());
        covering.add_list(&list);
        covering.add("10.9.9.9".parse().unwrap());
        covering.add("192.0.2.1".parse().unwrap());
        assert_eq!(
            covering.list().unwrap().entries(),
            ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]
        );
    }
}
