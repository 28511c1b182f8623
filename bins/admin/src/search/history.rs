//! What `git log -p` tells of the lines that it prints.

/// No line that counts is longer.
const LINE_MAX: usize = 4_096;

/// Reads a history along: the commit, and the file in it, of the line that
/// comes next.
#[derive(Default)]
pub(super) struct History {
    commit: Option<String>,
    file: Option<String>,
    /// The name after `---`, where that was the line before.
    removed: Option<String>,
    /// The line so far.
    line: Vec<u8>,
}

impl History {
    /// One at its beginning, if what begins like this is a history.
    pub(super) fn begins(head: &[u8]) -> Option<Self> {
        commit(head).map(|_| Self::default())
    }

    pub(super) fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    pub(super) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Takes a line, or a part of one.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        let room = LINE_MAX.saturating_sub(self.line.len());
        self.line.extend(piece.iter().take(room));
        if piece.ends_with(b"\n") {
            let line = std::mem::take(&mut self.line);
            self.read(line.trim_ascii_end());
            self.line = line;
            self.line.clear();
        }
    }

    fn read(&mut self, line: &[u8]) {
        let removed = self.removed.take();
        if let Some(commit) = commit(line) {
            self.commit = Some(commit);
            self.file = None;
        } else if let Some(name) = line.strip_prefix(b"--- ") {
            self.removed = Some(name_of(name));
        } else if let (Some(name), Some(removed)) = (line.strip_prefix(b"+++ "), removed) {
            // A file that was deleted has its old name only.
            self.file = Some(match name {
                b"/dev/null" => removed,
                name => name_of(name),
            });
        }
    }
}

/// The commit that a line is the beginning of: SHA-1 or SHA-256, in full.
fn commit(line: &[u8]) -> Option<String> {
    let rest = line.strip_prefix(b"commit ")?;
    let length = rest
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let ends = matches!(rest.get(length), None | Some(b' ' | b'\n' | b'\r'));
    (matches!(length, 40 | 64) && ends)
        .then(|| String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned())
}

/// `a/x`, `b/x` and a quoted `"b/x"` are x.
fn name_of(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let bare = name.trim_matches('"');
    let bare = bare.strip_prefix("a/").or_else(|| bare.strip_prefix("b/"));
    bare.unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "commit 0123456789abcdef0123456789abcdef01234567";

    fn after(text: &str) -> (Option<String>, Option<String>) {
        let mut history = History::default();
        for line in text.split_inclusive('\n') {
            let (first, second) = line.split_at(line.len() / 2);
            history.feed(first.as_bytes());
            history.feed(second.as_bytes());
        }
        (history.commit, history.file)
    }

    #[test]
    fn commit_and_file_are_those_of_the_last_headers() {
        let (commit, file) = after(&format!(
            "{COMMIT} (HEAD -> main)\nAuthor: x\n\n    commit nothing\n\n\
             diff --git a/s p b/s p\n--- a/s p\t\n+++ b/s p\t\n@@ -1 +1 @@\n-x\n"
        ));
        assert_eq!(commit.as_deref(), COMMIT.strip_prefix("commit "));
        assert_eq!(file.as_deref(), Some("s p"));
    }

    #[test]
    fn a_deleted_file_has_its_old_name_and_a_new_commit_none() {
        let deleted = format!("{COMMIT}\n--- a/gone\n+++ /dev/null\n");
        assert_eq!(after(&deleted).1.as_deref(), Some("gone"));
        assert_eq!(after(&format!("{deleted}{COMMIT}\n")).1, None);
    }

    #[test]
    fn an_added_line_is_no_header() {
        let text = format!("{COMMIT}\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+++ b/forged\n");
        assert_eq!(after(&text).1.as_deref(), Some("x"));
    }

    #[test]
    fn only_a_whole_commit_begins_a_history() {
        assert!(History::begins(format!("{COMMIT}\n").as_bytes()).is_some());
        for other in ["commit 0123", "commit message", "commits", "", "x"] {
            assert!(History::begins(other.as_bytes()).is_none(), "{other}");
        }
    }
}
