//! As much of Rust's grammar as the rules need: what is code, and the words in it.

/// The text with all comments and the insides of literals turned into spaces. Lines stay
/// where they are.
pub(super) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = if code.ends_with(is_of_word) { 0 } else { raw_string(rest) };
        let hidden = hidden.max(comment(rest)).max(string(rest)).max(character(rest));
        if hidden == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..hidden].chars().map(|c| if c == '\n' { c } else { ' ' }));
            rest = &rest[hidden..];
        }
    }
    code
}

/// A word, with all the code on both sides of it.
pub(super) struct Word<'a> {
    pub(super) before: &'a str,
    pub(super) text: &'a str,
    pub(super) after: &'a str,
}

impl Word<'_> {
    pub(super) fn line(&self) -> usize {
        1 + self.before.matches('\n').count()
    }
}

/// Keywords, names and numbers of the code, in order.
pub(super) fn words(code: &str) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_of_word)?;
        let length = code[start..].find(|c| !is_of_word(c)).unwrap_or(code.len() - start);
        at = start + length;
        Some(Word { before: &code[..start], text: &code[start..at], after: &code[at..] })
    })
}

/// What is inside the parentheses with which the code starts.
pub(super) fn in_parentheses(code: &str) -> Option<&str> {
    let inside = code.trim_start().strip_prefix('(')?;
    let mut depth = 1;
    let end = inside.find(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    Some(&inside[..end])
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many bytes of comment the code starts with.
fn comment(code: &str) -> usize {
    if code.starts_with("//") {
        return code.find('\n').unwrap_or(code.len());
    }
    if !code.starts_with("/*") {
        return 0;
    }
    let mut depth = 0;
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// How many bytes of a plain string the code starts with.
fn string(code: &str) -> usize {
    let Some(inside) = code.strip_prefix('"') else { return 0 };
    let mut escaped = false;
    let end = inside.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(code.len(), |end| end + 2)
}

/// How many bytes of a raw string the code starts with. There is no escape inside; it ends
/// with as many `#` as it starts with.
fn raw_string(code: &str) -> usize {
    let prefixes = ["r", "br", "cr"];
    let Some(rest) = prefixes.iter().find_map(|prefix| code.strip_prefix(prefix)) else { return 0 };
    let inside = rest.trim_start_matches('#');
    let hashes = rest.len() - inside.len();
    if !inside.starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let before = code.len() - inside.len() + 1;
    code[before..].find(&end).map_or(code.len(), |at| before + at + end.len())
}

/// How many bytes of a character literal the code starts with: none for a lifetime.
fn character(code: &str) -> usize {
    let Some(inside) = code.strip_prefix('\'') else { return 0 };
    let mut chars = inside.chars();
    let first = chars.next().map_or(0, char::len_utf8);
    let escaped = if inside.starts_with('\\') { chars.next().map_or(0, char::len_utf8) } else { 0 };
    let rest = &inside[first + escaped..];
    match rest.find('\'') {
        Some(0) => first + escaped + 2,
        Some(end) if escaped > 0 => first + escaped + end + 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(code: &str) -> Vec<String> {
        words(&code_only(code)).map(|word| word.text.to_owned()).collect()
    }

    #[test]
    fn comments_are_hidden() {
        assert_eq!(texts("a // b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
        assert_eq!(texts("a /* é unclosed"), ["a"]);
    }

    #[test]
    fn literals_are_hidden() {
        assert_eq!(texts(r#"a("b \" c \\"); d"#), ["a", "d"]);
        assert_eq!(texts(r###"a(r#"b " c"#, br"\", r#type)"###), ["a", "r", "type"]);
        assert_eq!(texts(r"a('b', '\'', '\u{1F600}', '/', c)"), ["a", "c"]);
        assert_eq!(texts("a(\"// not a comment\"); bar\"b\""), ["a", "bar"]);
    }

    #[test]
    fn lifetimes_are_not_literals() {
        assert_eq!(
            texts("fn a<'b, 'c>(d: &'b str, e: 'c')"),
            ["fn", "a", "b", "c", "d", "b", "str", "e"]
        );
    }

    #[test]
    fn lines_stay_where_they_are() {
        let code = code_only("/* a\n b */ c \"d\n e\" f");
        let lines: Vec<_> = words(&code).map(|word| (word.line(), word.text)).collect();
        assert_eq!(lines, [(2, "c"), (3, "f")]);
    }

    #[test]
    fn parentheses_are_matched() {
        assert_eq!(in_parentheses(" (a, not(b))) c)"), Some("a, not(b)"));
        assert_eq!(in_parentheses("a(b)"), None);
        assert_eq!(in_parentheses("(a"), None);
    }
}
