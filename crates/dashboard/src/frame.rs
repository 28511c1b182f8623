//! What stands around every page.

use torvus_domain::Timestamp;

use crate::assets;
use crate::form::Tokens;
use crate::visitor::Visitor;

/// Which part of the dashboard a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// API Keys.
    Keys,
    /// Audit Logs.
    Logs,
    /// Account.
    Account,
    /// None: sign-in, errors.
    None,
}

/// What the layout needs to know.
pub(crate) struct Frame {
    /// Who is signed in.
    pub(crate) email: Option<String>,
    /// The colours that were chosen: `light` or `dark`.
    pub(crate) theme: Option<&'static str>,
    section: Section,
    tokens: Option<Tokens>,
}

impl Frame {
    pub(crate) fn new(
        visitor: Option<&Visitor>,
        section: Section,
        theme: Option<&'static str>,
        now: Timestamp,
    ) -> Self {
        Self {
            email: visitor.map(|visitor| visitor.account.email.to_string()),
            theme,
            section,
            tokens: visitor.and_then(|visitor| Tokens::new(&visitor.secret, now)),
        }
    }

    /// The same with forms for somebody who is not signed in.
    pub(crate) fn with_tokens(mut self, tokens: Option<Tokens>) -> Self {
        self.tokens = tokens;
        self
    }

    /// A token for one more form. Where there were no random numbers it is
    /// empty, and the form is refused.
    pub(crate) fn token(&self) -> String {
        self.tokens.as_ref().map(Tokens::next).unwrap_or_default()
    }

    /// Where a file of the dashboard is served.
    pub(crate) fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }

    pub(crate) fn in_keys(&self) -> bool {
        self.section == Section::Keys
    }

    pub(crate) fn in_logs(&self) -> bool {
        self.section == Section::Logs
    }

    pub(crate) fn in_account(&self) -> bool {
        self.section == Section::Account
    }
}
