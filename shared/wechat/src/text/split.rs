//! Divides a long text into the texts that WeChat takes.

use std::ops::Range;

use super::{
    MAX_TEXT, clean, is_blank,
    units::{Border, Unit, units},
};

/// Divides a text into parts of at most `limit` bytes. Each part is sent as a message of its own and uses one reply of the quota.
///
/// - There are as few parts as possible. Among the borders that allow this few, the worst one used is as good as possible, and
///   then each is the best and last within reach: a paragraph, a line, a sentence, a blank, a word, a grapheme.
/// - No element `<a …>…</a>`, no address and no grapheme is divided unless it is longer than `limit` by itself: such an element
///   or address is divided like other text, such a grapheme between its characters.
/// - Blanks at the borders and at both ends of a text that is divided are left out. No part is blank, and a blank text has no
///   parts. A character longer than `limit` is a part of its own.
pub fn split(content: &str, limit: usize) -> Vec<&str> {
    part_ranges(content, limit).into_iter().map(|part| &content[part]).collect()
}

fn part_ranges(content: &str, limit: usize) -> Vec<Range<usize>> {
    if is_blank(content) {
        return Vec::new();
    }
    if content.len() <= limit {
        return std::iter::once(0..content.len()).collect();
    }
    let division = Division { units: units(content, limit), limit };
    let mut first = 0;
    let part = |last: usize| {
        let part = division.units[first].at.start..division.units[last].at.end;
        first = last + 1;
        part
    };
    let parts: Vec<_> = division.ends().into_iter().map(part).collect();
    parts.into_iter().filter(|part| !is_blank(&content[part.clone()])).collect()
}

/// How a text is divided. It is stored with a message, so that a message that was sent in part by an earlier version is continued
/// where it stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SplitRule {
    /// After every [`MAX_TEXT`] bytes, between characters: the rule of earlier versions.
    Characters,
    /// By [`split`].
    #[default]
    Units,
}

impl SplitRule {
    /// The texts, [clean](clean()) and of at most [`MAX_TEXT`] bytes, that WeChat gets of this text. None of a blank one.
    pub fn parts(self, content: &str) -> Vec<String> {
        match self {
            Self::Characters => {
                split_at_characters(content, MAX_TEXT).into_iter().map(|part| clean(part).into_owned()).collect()
            }
            Self::Units => split(&clean(content), MAX_TEXT).into_iter().map(str::to_owned).collect(),
        }
    }

    /// The text from its part number `sent` on, [clean](clean()) and without blanks at its end. Empty where there are not more parts.
    pub fn rest(self, content: &str, sent: u32) -> String {
        let sent = usize::try_from(sent).unwrap_or(usize::MAX);
        match self {
            Self::Characters => {
                let rest = split_at_characters(content, MAX_TEXT).into_iter().skip(sent).collect::<String>();
                clean(&rest).into_owned()
            }
            Self::Units if sent == 0 => clean(content).into_owned(),
            Self::Units => {
                let content = clean(content);
                let part = part_ranges(&content, MAX_TEXT).into_iter().nth(sent);
                part.map_or_else(String::new, |part| content[part.start..].trim_end().to_owned())
            }
        }
    }
}

/// Divides a text after every `limit` bytes, between characters.
fn split_at_characters(content: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::with_capacity(content.len() / limit.max(1) + 1);
    let mut rest = content;
    while !rest.is_empty() {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let (part, next) = rest.split_at(rest.floor_char_boundary(limit).max(first));
        parts.push(part);
        rest = next;
    }
    parts
}

struct Division {
    units: Vec<Unit>,
    limit: usize,
}

impl Division {
    /// The last unit of each part.
    fn ends(&self) -> Vec<usize> {
        let fewest = self.greedy(Border::Grapheme).len();
        let borders =
            [Border::Paragraph, Border::Line, Border::Sentence, Border::Blank, Border::Word, Border::Grapheme];
        let worst = borders.into_iter().find(|worst| self.greedy(*worst).len() == fewest).unwrap_or(Border::Grapheme);
        let starts = self.earliest_starts(worst, fewest);
        let mut ends = Vec::with_capacity(fewest);
        let mut first = 0;
        for start in starts {
            // The next part begins no earlier than where the parts that are left suffice.
            let earliest = start.saturating_sub(1).max(first);
            let candidates = (earliest..=self.reach(first)).filter(|last| self.units[*last].border <= worst);
            let best = candidates.min_by_key(|last| (self.units[*last].border, usize::MAX - last));
            let last = best.unwrap_or_else(|| self.reach(first));
            ends.push(last);
            first = last + 1;
        }
        ends.push(self.units.len() - 1);
        ends
    }

    /// The last unit of each part where every part is as long as borders up to `worst` allow. Empty where they do not suffice.
    fn greedy(&self, worst: Border) -> Vec<usize> {
        let (mut ends, mut first) = (Vec::new(), 0);
        while first < self.units.len() {
            let mut candidates = (first..=self.reach(first)).rev();
            let Some(last) = candidates.find(|last| self.units[*last].border <= worst) else {
                return Vec::new();
            };
            ends.push(last);
            first = last + 1;
        }
        ends
    }

    /// For each part but the first of `count`: the earliest unit that it may begin with, so that it and those behind it hold the
    /// rest of the text.
    fn earliest_starts(&self, worst: Border, count: usize) -> Vec<usize> {
        let mut starts = Vec::with_capacity(count);
        let mut end = self.units.len();
        for _ in 1..count {
            let mut earliest = end;
            for first in (0..end).rev() {
                if self.length(first, end - 1) > self.limit && first + 1 < end {
                    break;
                }
                if first == 0 || self.units[first - 1].border <= worst {
                    earliest = first;
                }
            }
            starts.push(earliest);
            end = earliest;
        }
        starts.reverse();
        starts
    }

    /// The last unit of the longest part that begins with this one.
    fn reach(&self, first: usize) -> usize {
        let from = self.units[first].at.start;
        let behind = self.units[first..].partition_point(|unit| unit.at.end - from <= self.limit);
        first + behind.max(1) - 1
    }

    fn length(&self, first: usize, last: usize) -> usize {
        self.units[last].at.end - self.units[first].at.start
    }
}
