//! Markdown as HTML: the guide, `docs/API.md`, as a page, and the document's
//! descriptions.

use askama::Template;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

const GUIDE: &str = include_str!("../../../../docs/API.md");

#[derive(Template)]
#[template(path = "guide.html")]
struct Page {
    body: String,
}

/// Renders the guide.
pub(super) fn guide() -> askama::Result<String> {
    let mut body = String::new();
    html::push_html(&mut body, Parser::new_ext(GUIDE, Options::ENABLE_TABLES));
    Page { body }.render()
}

/// Renders a description, to be put into a paragraph. Markup in it is shown,
/// and not obeyed.
pub(super) fn inline(text: &str) -> String {
    let events = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => None,
        Event::Html(markup) | Event::InlineHtml(markup) => Some(Event::Text(markup)),
        other => Some(other),
    });
    let mut rendered = String::new();
    html::push_html(&mut rendered, events);
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_is_a_page() {
        let page = guide().unwrap();
        assert!(page.contains("<table>"), "its tables are tables");
        assert!(page.contains("<h1>"), "its headings are headings");
        assert!(!page.contains("```"), "its code is code");
        assert!(!page.contains("<script"));
    }

    #[test]
    fn descriptions_are_escaped() {
        assert_eq!(inline("a `b` & c"), "a <code>b</code> &amp; c");
        assert_eq!(inline("`<b>` <i>"), "<code>&lt;b&gt;</code> &lt;i&gt;");
        assert_eq!(
            inline("<script>x</script>"),
            "&lt;script&gt;x&lt;/script&gt;"
        );
        assert_eq!(inline(""), "");
    }
}
