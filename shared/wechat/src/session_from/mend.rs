//! JSON that is not well-formed, put right as far as it can be.

use std::fmt::Write as _;

/// What became of it.
pub(super) struct Mended {
    pub json: String,
    /// How much of the source it is, in bytes.
    pub length: usize,
    /// Whether its end was there.
    pub whole: bool,
    /// Whether more than the end was wrong.
    pub changed: bool,
}

/// Walks over the object or list that a text begins with. Quotation marks within a string are told from the one that ends it by what
/// follows; line breaks and stray backslashes in strings are escaped, commas before a bracket left out. Of what is cut off the whole
/// members stay, down to `depth` brackets.
pub(super) fn mend(source: &str, depth: usize) -> Mended {
    let mut walk = Walk { depth, ..Walk::default() };
    let mut escape = false;
    for (at, char) in source.char_indices() {
        let after = at + char.len_utf8();
        let rest = &source[after..];
        if escape {
            escape = false;
            walk.json.push(char);
        } else if walk.in_string {
            escape = walk.within_string(char, rest);
        } else {
            if matches!(char, '}' | ']') && walk.open.last() != Some(&char) {
                break;
            }
            walk.between_strings(char, rest);
            if walk.open.is_empty() {
                return Mended { json: walk.json, length: after, whole: true, changed: walk.changed };
            }
        }
    }
    walk.json.truncate(walk.safe_length);
    walk.json.extend(walk.open.iter().take(walk.safe_open).rev());
    Mended { json: walk.json, length: source.len(), whole: false, changed: walk.changed }
}

#[derive(Default)]
struct Walk {
    depth: usize,
    json: String,
    /// The brackets that are to come, the innermost last.
    open: Vec<char>,
    in_string: bool,
    /// Whether what comes is a value and no member's name.
    is_value: bool,
    changed: bool,
    /// How much of `json` is whole members, and how many brackets are open behind them.
    safe_length: usize,
    safe_open: usize,
}

impl Walk {
    /// Says whether the next character is an escaped one.
    fn within_string(&mut self, char: char, rest: &str) -> bool {
        match char {
            '"' if ends_string(rest.trim_start(), self.is_value) => {
                self.json.push('"');
                self.in_string = false;
                if self.is_value {
                    self.all_whole();
                }
            }
            '\\' if rest.starts_with(|next| "\"\\/bfnrtu".contains(next)) => {
                self.json.push('\\');
                return true;
            }
            '"' | '\\' => {
                self.json.extend(['\\', char]);
                self.changed = true;
            }
            control if control < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(self.json, "\\u{:04x}", u32::from(control));
                self.changed = true;
            }
            other => self.json.push(other),
        }
        false
    }

    fn between_strings(&mut self, char: char, rest: &str) {
        match char {
            ',' if rest.trim_start().starts_with(['}', ']']) => {
                self.changed = true;
                return;
            }
            ',' => {
                self.all_whole();
                self.is_value = self.open.last() == Some(&']');
            }
            ':' => self.is_value = true,
            '"' => self.in_string = true,
            '{' | '[' => {
                self.open.push(if char == '{' { '}' } else { ']' });
                self.is_value = char == '[';
            }
            '}' | ']' => {
                self.open.pop();
            }
            _ => {}
        }
        self.json.push(char);
        if matches!(char, '{' | '[' | '}' | ']') {
            self.all_whole();
        }
    }

    fn all_whole(&mut self) {
        if self.open.len() <= self.depth {
            (self.safe_length, self.safe_open) = (self.json.len(), self.open.len());
        }
    }
}

/// Whether a quotation mark ends its string, by what follows it.
fn ends_string(rest: &str, is_value: bool) -> bool {
    match rest.chars().next() {
        None => true,
        Some('}' | ']') => is_value,
        Some(',') => {
            let next = rest[1..].trim_start();
            is_value && (next.is_empty() || next.starts_with(['"', '{', '[', '}', ']']))
        }
        Some(next) => next == ':' && !is_value,
    }
}
