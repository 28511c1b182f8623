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
    Page { body: page(GUIDE) }.render()
}

/// Renders a page of which the headings can be linked to, as they can where
/// the text is read in its repository. A link to another file of that would
/// lead nowhere from here, so only its words are kept.
fn page(text: &str) -> String {
    let parser = || Parser::new_ext(text, Options::ENABLE_TABLES);
    let mut anchors = anchors(parser()).into_iter();
    let mut in_dropped_link = false;
    let events = parser().filter_map(|event| match event {
        Event::Start(Tag::Heading {
            level,
            classes,
            attrs,
            ..
        }) => Some(Event::Start(Tag::Heading {
            level,
            id: anchors.next().map(Into::into),
            classes,
            attrs,
        })),
        Event::Start(Tag::Link { ref dest_url, .. }) if !leads_on(dest_url) => {
            in_dropped_link = true;
            None
        }
        Event::End(TagEnd::Link) if std::mem::take(&mut in_dropped_link) => None,
        other => Some(other),
    });
    let mut rendered = String::new();
    html::push_html(&mut rendered, events);
    rendered
}

/// Whether a link of the guide leads somewhere from where it is served.
fn leads_on(link: &str) -> bool {
    link.starts_with(['#', '/']) || link.contains("://")
}

/// The name of each heading, made as the forges make it: lower case, hyphens
/// for blanks, and of other characters only letters, digits and `_`.
fn anchors<'t>(events: impl Iterator<Item = Event<'t>>) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut heading = None;
    for event in events {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::Text(words) | Event::Code(words), Some(text)) => text.push_str(&words),
            (Event::End(TagEnd::Heading(_)), _) => anchors.extend(heading.take()),
            _ => {}
        }
    }
    let letter = |c: char| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    };
    let anchor = |text: String| text.to_lowercase().chars().filter_map(letter).collect();
    anchors.into_iter().map(anchor).collect()
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
        assert!(page.contains("<h1 id="), "its headings are headings");
        assert!(!page.contains("```"), "its code is code");
        assert!(!page.contains("<script"));
    }

    #[test]
    fn every_link_of_the_guide_leads_somewhere() {
        let page = guide().unwrap();
        let links = page
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        for link in links {
            match link.strip_prefix('#') {
                Some(anchor) => assert!(page.contains(&format!("id=\"{anchor}\"")), "{link}"),
                None => assert!(leads_on(link), "{link}"),
            }
        }
    }

    #[test]
    fn headings_have_names_and_links_to_files_are_dropped() {
        assert_eq!(
            page(
                "## `401` and 403: why?\n\n[up](#401-and-403-why) [ops](OPS.md) [out](https://example.com)"
            ),
            "<h2 id=\"401-and-403-why\"><code>401</code> and 403: why?</h2>\n\
             <p><a href=\"#401-and-403-why\">up</a> ops <a href=\"https://example.com\">out</a></p>\n"
        );
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
