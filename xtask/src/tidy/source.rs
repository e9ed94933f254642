//! A file as the rules see it, and the rules about any file.

/// Past this a file is usually two ideas.
const MOST_LINES: usize = 450;

/// A text file of the repository.
pub(super) struct Source {
    /// From the root, with `/` on every system.
    pub(super) path: String,
    pub(super) text: String,
}

/// What a rule found. Sorts by line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) line: usize,
    pub(super) message: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Source { path: path.into(), text: text.into() }
    }

    pub(super) fn is(&self, extension: &str) -> bool {
        self.path.strip_suffix(extension).is_some_and(|stem| stem.ends_with('.'))
    }

    /// The lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    fn is_written_by_hand(&self) -> bool {
        ["rs", "md", "toml", "yml"].iter().any(|extension| self.is(extension))
    }
}

impl Finding {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Finding { line, message: message.into() }
    }
}

/// A file that doesn't fit in a head is read by nobody.
pub(super) fn file_is_one_idea(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if !source.is("rs") || lines <= MOST_LINES {
        return Vec::new();
    }
    vec![Finding::new(lines, format!("{lines} lines, of {MOST_LINES} at most: make it two files"))]
}

/// White space that nobody sees makes differences that nobody meant.
pub(super) fn lines_end_clean(source: &Source) -> Vec<Finding> {
    if !source.is_written_by_hand() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        if line.ends_with([' ', '\t']) {
            findings.push(Finding::new(number, "white space at the end of the line"));
        }
        if source.is("rs") && line.contains('\t') {
            findings.push(Finding::new(number, "a tab"));
        }
    }
    findings
}

/// Without it the next line that is added changes this one too.
pub(super) fn file_ends_in_a_newline(source: &Source) -> Vec<Finding> {
    if !source.is_written_by_hand() || source.text.is_empty() || source.text.ends_with('\n') {
        return Vec::new();
    }
    vec![Finding::new(source.text.lines().count(), "no newline at the end of the file")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let long = Source::new("a.rs", &"\n".repeat(MOST_LINES + 1));
        assert_eq!(file_is_one_idea(&long).len(), 1);
        let full = Source::new("a.rs", &"\n".repeat(MOST_LINES));
        assert_eq!(file_is_one_idea(&full), []);
        let prose = Source::new("a.md", &long.text);
        assert_eq!(file_is_one_idea(&prose), []);
    }

    #[test]
    fn white_space_at_the_end_of_a_line_is_found() {
        let found = lines_end_clean(&Source::new("a.md", "one\ntwo \nthree\t\n"));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(lines_end_clean(&Source::new("a.md", "one\r\n\ttwo\r\n")), []);
        assert_eq!(lines_end_clean(&Source::new("a.snap", "one \n")), []);
    }

    #[test]
    fn a_tab_in_rust_is_found() {
        assert_eq!(lines_end_clean(&Source::new("a.rs", "\tlet a;\n")), [Finding::new(1, "a tab")]);
    }

    #[test]
    fn a_missing_newline_is_found() {
        assert_eq!(file_ends_in_a_newline(&Source::new("a.toml", "[a]\nb = 1")).len(), 1);
        assert_eq!(file_ends_in_a_newline(&Source::new("a.toml", "[a]\nb = 1\n")), []);
        assert_eq!(file_ends_in_a_newline(&Source::new("a.toml", "")), []);
    }
}
