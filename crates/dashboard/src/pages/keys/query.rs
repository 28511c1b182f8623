//! What of the list is looked at: all of it stands in the URL.

use form_urlencoded::Serializer;
use torvus_domain::{KeyState, Permission};
use torvus_key_core::Environment;
use torvus_storage::key_pages::{Attention, Edge, KeyFilter, KeyPage, KeySort};

use super::LIST;
use crate::fields::Fields;

/// Keys on a page.
pub(super) const PAGE: usize = 50;
/// How much of a text is searched for.
const SEARCH_CHARS_MAX: usize = 200;

const LOOKS: [(&str, Attention); 4] = [
    ("ending", Attention::EndsSoon),
    ("never-expires", Attention::NeverExpires),
    ("idle", Attention::Idle),
    ("any-address", Attention::AnyAddress),
];
const SORTS: [(&str, KeySort); 4] = [
    ("created", KeySort::Created),
    ("name", KeySort::Name),
    ("last-used", KeySort::LastUsed),
    ("expires", KeySort::Expires),
];
const STATES: [(&str, KeyState); 3] = [
    ("active", KeyState::Active),
    ("expired", KeyState::Expired),
    ("revoked", KeyState::Revoked),
];

/// A query that was read. What can't be read is as if it did not stand there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListQuery {
    pub(super) q: String,
    pub(super) environment: Option<Environment>,
    pub(super) state: Option<KeyState>,
    pub(super) permission: Option<Permission>,
    pub(super) look: Option<Attention>,
    pub(super) sort: KeySort,
    pub(super) descending: bool,
    pub(super) from: Option<Edge>,
}

impl ListQuery {
    pub(super) fn read(fields: &Fields) -> Self {
        let of = |name: &str| fields.text(name);
        let sort = named(&SORTS, of("sort")).unwrap_or_default();
        let place = |name: &str| of(name).parse().ok();
        Self {
            q: of("q").trim().chars().take(SEARCH_CHARS_MAX).collect(),
            environment: of("environment").parse().ok(),
            state: named(&STATES, of("state")),
            permission: of("permission").parse().ok(),
            look: named(&LOOKS, of("look")),
            sort,
            descending: match of("order") {
                "asc" => false,
                "desc" => true,
                // The newest and the last used first; names from A, ends from now.
                _ => matches!(sort, KeySort::Created | KeySort::LastUsed),
            },
            from: place("after")
                .map(Edge::After)
                .or_else(|| place("before").map(Edge::Before)),
        }
    }

    /// Whether any key may be left out.
    pub(super) fn filtered(&self) -> bool {
        let all = Self {
            sort: self.sort,
            descending: self.descending,
            from: self.from.clone(),
            ..Self::default()
        };
        *self != all
    }

    pub(super) fn filter(&self) -> KeyFilter {
        KeyFilter {
            search: Some(self.q.clone()).filter(|text| !text.is_empty()),
            environment: self.environment,
            state: self.state,
            permission: self.permission,
            attention: self.look,
        }
    }

    /// The page, and one key more: it tells whether there is another page.
    pub(super) fn page(&self) -> KeyPage {
        KeyPage {
            sort: self.sort,
            descending: self.descending,
            from: self.from.clone(),
            limit: PAGE + 1,
        }
    }

    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut add = |name, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                pairs.push((name, value));
            }
        };
        add("q", Some(self.q.clone()));
        add("environment", self.environment.map(|one| one.to_string()));
        add("state", self.state.map(|one| one.to_string()));
        add("permission", self.permission.map(|one| one.to_string()));
        add("look", self.look.map(|one| name_of(&LOOKS, one).to_owned()));
        pairs.extend(self.order_pairs());
        pairs
    }

    /// The order alone, where it is not the usual one.
    pub(super) fn order_pairs(&self) -> Vec<(&'static str, String)> {
        if self.sort == KeySort::Created && self.descending {
            return Vec::new();
        }
        let order = if self.descending { "desc" } else { "asc" };
        vec![
            ("sort", name_of(&SORTS, self.sort).to_owned()),
            ("order", order.to_owned()),
        ]
    }

    /// Where this is shown.
    pub(super) fn href(&self) -> String {
        let mut pairs = self.pairs();
        match &self.from {
            Some(Edge::After(place)) => pairs.push(("after", place.to_string())),
            Some(Edge::Before(place)) => pairs.push(("before", place.to_string())),
            None => {}
        }
        if pairs.is_empty() {
            return LIST.to_owned();
        }
        format!("{LIST}?{}", encoded(pairs))
    }

    pub(super) fn state_name(&self) -> &'static str {
        self.state
            .map(|one| name_of(&STATES, one))
            .unwrap_or_default()
    }

    pub(super) fn look_name(&self) -> &'static str {
        self.look
            .map(|one| name_of(&LOOKS, one))
            .unwrap_or_default()
    }
}

/// Names and values as they stand in a query.
pub(crate) fn encoded(
    pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn named<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    let mut all = all.iter();
    all.find(|(known, _)| *known == name).map(|(_, one)| *one)
}

fn name_of<T: PartialEq>(all: &[(&'static str, T)], wanted: T) -> &'static str {
    let mut all = all.iter();
    all.find(|(_, one)| *one == wanted)
        .map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_back_from_its_url() {
        for text in [
            "",
            "q=%C3%9Cber+%26&environment=live&state=revoked&permission=write&sort=name&order=desc",
            "look=idle&sort=last-used&order=desc&before=key_01h455vb4pex5vsknk084sn02q.n.12",
            "sort=expires&order=asc&after=key_01h455vb4pex5vsknk084sn02q.n.-1",
        ] {
            let query = ListQuery::read(&Fields::parse(text.as_bytes()));
            let href = query.href();
            let (_, again) = href.split_once('?').unwrap_or((LIST, ""));
            assert_eq!(ListQuery::read(&Fields::parse(again.as_bytes())), query);
            assert_eq!(again, text);
        }
    }

    #[test]
    fn what_can_not_be_read_is_left_out() {
        let odd =
            b"environment=prod&state=x&look=&sort=%00&order=up&after=key_1.n.1&permission=all";
        let query = ListQuery::read(&Fields::parse(odd));
        assert_eq!(query, ListQuery::read(&Fields::default()));
        assert!(!query.filtered() && query.descending);
    }
}
