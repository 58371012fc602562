//! Repairs malformed or truncated JSON.

use std::fmt::Write as _;

/// The result of [`repair_json`].
pub(super) struct RepairedJson {
    pub json: String,
    /// The length of the JSON in the source, in bytes.
    pub length: usize,
    /// Whether the source has the end of the JSON.
    pub whole: bool,
    /// Whether anything before the end was changed.
    pub changed: bool,
}

/// Repairs the object or array at the beginning of a text. Escapes quotation marks, line breaks and stray backslashes within
/// strings (a quotation mark ends a string if the text after it fits), and removes commas before a closing bracket. Of
/// truncated JSON it keeps the complete members, down to `depth` levels.
pub(super) fn repair_json(source: &str, depth: usize) -> RepairedJson {
    let mut repairer = Repairer { depth, ..Repairer::default() };
    let mut escape = false;
    for (at, char) in source.char_indices() {
        let after = at + char.len_utf8();
        let rest = &source[after..];
        if escape {
            escape = false;
            repairer.json.push(char);
        } else if repairer.in_string {
            escape = repairer.within_string(char, rest);
        } else {
            if matches!(char, '}' | ']') && repairer.open.last() != Some(&char) {
                break;
            }
            repairer.outside_strings(char, rest);
            if repairer.open.is_empty() {
                return RepairedJson { json: repairer.json, length: after, whole: true, changed: repairer.changed };
            }
        }
    }
    repairer.json.truncate(repairer.complete_length);
    repairer.json.extend(repairer.open.iter().take(repairer.complete_open).rev());
    RepairedJson { json: repairer.json, length: source.len(), whole: false, changed: repairer.changed }
}

#[derive(Default)]
struct Repairer {
    depth: usize,
    json: String,
    /// The closing brackets that are still missing, the innermost last.
    open: Vec<char>,
    in_string: bool,
    /// Whether the next string is a value and not a member's name.
    is_value: bool,
    changed: bool,
    /// The length of `json` up to the last complete member, and the number of brackets that are open there.
    complete_length: usize,
    complete_open: usize,
}

impl Repairer {
    /// Returns whether the next character is escaped.
    fn within_string(&mut self, char: char, rest: &str) -> bool {
        match char {
            '"' if ends_string(rest.trim_start(), self.is_value) => {
                self.json.push('"');
                self.in_string = false;
                if self.is_value {
                    self.mark_complete();
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
                // Infallible for a string.
                let _ = write!(self.json, "\\u{:04x}", u32::from(control));
                self.changed = true;
            }
            other => self.json.push(other),
        }
        false
    }

    fn outside_strings(&mut self, char: char, rest: &str) {
        match char {
            ',' if rest.trim_start().starts_with(['}', ']']) => {
                self.changed = true;
                return;
            }
            ',' => {
                self.mark_complete();
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
            self.mark_complete();
        }
    }

    fn mark_complete(&mut self) {
        if self.open.len() <= self.depth {
            (self.complete_length, self.complete_open) = (self.json.len(), self.open.len());
        }
    }
}

/// Whether a quotation mark ends its string, judged by the text after it.
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
