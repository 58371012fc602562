//! Plain text from Markdown, which WeChat does not render.
//!
//! The markup is cut out of the text as it is written, so that a text without markup is unchanged. What `CommonMark` takes for
//! markup and people do not is kept: the asterisks of `2*3*4` and 长*宽*高, and all characters of an address.

mod scan;

use std::{collections::BTreeMap, ops::Range};

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use self::scan::{addresses, stars, trimmed, without_gaps};

/// Elements of HTML that only format their content.
const FORMATTING: [&str; 22] = [
    "b", "strong", "i", "em", "u", "s", "del", "p", "div", "span", "font", "code", "pre", "ul", "ol", "li", "h1", "h2",
    "h3", "h4", "center", "mark",
];

/// The text without Markdown.
pub(crate) fn from_markdown(text: &str) -> String {
    let mut plain = Plain::new(text);
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).into_offset_iter();
    let definitions: Vec<_> = events.reference_definitions().iter().map(|(_, found)| found.span.clone()).collect();
    for (event, range) in events {
        plain.read(&event, range);
    }
    for span in definitions {
        plain.cut(span);
    }
    plain.cut_unmatched_stars();
    plain.finish()
}

/// A link or an image whose text is being read.
struct OpenLink {
    kind: LinkType,
    address: String,
    is_image: bool,
    /// The end of its text so far.
    text_end: usize,
}

/// Collects what is replaced in a text.
struct Plain<'a> {
    text: &'a str,
    /// The replacements by their beginning, with their end.
    edits: BTreeMap<usize, (usize, String)>,
    /// Addresses and code, in which nothing is markup.
    opaque: Vec<Range<usize>>,
    links: Vec<OpenLink>,
    /// The end of the last text, to find the backslash before the next one.
    text_end: usize,
    is_code: bool,
    /// The end of the last cell or head of a table.
    cell_end: Option<usize>,
    head_end: Option<usize>,
}

impl<'a> Plain<'a> {
    fn new(text: &'a str) -> Self {
        let (edits, links) = (BTreeMap::new(), Vec::new());
        Self {
            text,
            edits,
            opaque: addresses(text),
            links,
            text_end: 0,
            is_code: false,
            cell_end: None,
            head_end: None,
        }
    }

    fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        if !range.is_empty() {
            self.edits.insert(range.start, (range.end, with.into()));
        }
    }

    fn cut(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    fn is_opaque(&self, at: usize) -> bool {
        self.opaque.iter().any(|range| range.contains(&at))
    }

    fn read(&mut self, event: &Event<'_>, range: Range<usize>) {
        if let Some(link) = self.links.last_mut()
            && !matches!(event, Event::End(TagEnd::Link | TagEnd::Image))
        {
            link.text_end = link.text_end.max(range.end);
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(*tag, range),
            Event::Text(text) if !self.is_code => {
                let is_escaped = range.start > self.text_end && self.text[..range.start].ends_with('\\');
                if is_escaped && !self.is_opaque(range.start) {
                    self.cut(range.start - 1..range.start);
                }
                self.text_end = range.end;
                if **text != self.text[range.clone()] && !self.is_opaque(range.start) {
                    self.replace(range, text.replace('\u{a0}', " "));
                }
            }
            Event::Code(_) => {
                self.delimiters(&range, self.text[range.clone()].bytes().take_while(|byte| *byte == b'`').count());
                self.opaque.push(range);
            }
            Event::Html(_) | Event::InlineHtml(_) => self.tags(range),
            Event::Rule => self.cut(range),
            Event::HardBreak if self.text[range.clone()].starts_with('\\') => self.cut(range.start..range.start + 1),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        let source = &self.text[range.clone()];
        match tag {
            Tag::Emphasis if self.is_emphasis(&range, 1) => self.delimiters(&range, 1),
            Tag::Strong if self.is_emphasis(&range, 2) => self.delimiters(&range, 2),
            Tag::Strikethrough if source.starts_with("~~") => self.delimiters(&range, 2),
            Tag::Heading { .. } => self.heading(&range),
            Tag::BlockQuote(_) => self.quote(&range),
            Tag::Item if source.starts_with(['-', '*']) && source.trim_end().len() > 1 => {
                self.replace(range.start..range.start + 1, "•");
            }
            Tag::CodeBlock(kind) => {
                self.is_code = true;
                if matches!(kind, CodeBlockKind::Fenced(_)) {
                    self.fence(&range);
                }
                self.opaque.push(range);
            }
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                let is_image = matches!(tag, Tag::Image { .. });
                let text_end = range.start + if is_image { 2 } else { 1 };
                let (kind, address) = (*link_type, dest_url.to_string());
                self.links.push(OpenLink { kind, address, is_image, text_end });
            }
            Tag::TableHead | Tag::TableRow => {
                self.cell_end = None;
                if let Some(head_end) = self.head_end.take() {
                    self.replace(head_end..range.start, "\n");
                }
            }
            Tag::TableCell => {
                let (start, end) = trimmed(self.text, &range);
                let gap = self.cell_end.map_or(range.start..start, |last| last..start);
                // The bar before the first cell is part of the row.
                let bar = self.text[..gap.start].trim_end_matches([' ', '|']).len();
                let (gap, between) = if self.cell_end.is_none() { (bar..gap.end, "") } else { (gap, "  ") };
                let gap = if self.text[gap.clone()].starts_with('\n') { gap.start + 1..gap.end } else { gap };
                self.replace(gap, between);
                self.cell_end = Some(end);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::CodeBlock => self.is_code = false,
            TagEnd::Link | TagEnd::Image => {
                if let Some(link) = self.links.pop() {
                    self.link(&link, &range);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                let line = &self.text[range.clone()];
                let end = range.start + line.trim_end_matches(['\n', '\r']).len();
                if let Some(last) = self.cell_end.take().filter(|last| *last < end) {
                    self.cut(last..end);
                }
                self.head_end = (tag == TagEnd::TableHead).then_some(end);
            }
            TagEnd::Table => {
                if let Some(head_end) = self.head_end.take() {
                    let table = self.text[range.clone()].trim_end_matches(['\n', '\r']);
                    self.cut(head_end..range.start + table.len());
                }
            }
            _ => {}
        }
    }

    /// Cuts as many bytes at both ends, unless an address begins or ends with them.
    fn delimiters(&mut self, range: &Range<usize>, count: usize) {
        let (open, close) = (range.start..range.start + count, range.end - count..range.end);
        if open.end <= close.start && !self.is_opaque(open.start) && !self.is_opaque(close.start) {
            self.cut(open);
            self.cut(close);
        }
    }

    /// Whether it emphasizes something, and is no product and no face such as `>_<`.
    fn is_emphasis(&self, range: &Range<usize>, count: usize) -> bool {
        !self.is_product(range.start, count) && self.text[range.clone()].contains(char::is_alphanumeric)
    }

    /// Whether asterisks here stand between two factors, or hide digits.
    fn is_product(&self, at: usize, count: usize) -> bool {
        let before = self.text[..at].chars().next_back();
        let after = self.text[at + count..].chars().next();
        let is_factor = |c: Option<char>| match count {
            1 => c.is_some_and(char::is_alphanumeric),
            _ => c.is_some_and(|c| c.is_ascii_digit()),
        };
        is_factor(before) && is_factor(after)
    }

    fn heading(&mut self, range: &Range<usize>) {
        let source = &self.text[range.clone()];
        let content = source.trim_start_matches('#');
        if content.len() < source.len() {
            let start = range.end - content.trim_start_matches([' ', '\t']).len();
            self.cut(range.start..start);
            let line = content.trim_end();
            let closed = line.trim_end_matches('#');
            if closed.len() < line.len() && closed.ends_with([' ', '\t']) {
                let end = range.end - content.len() + closed.trim_end().len();
                self.cut(end..end + line.len() - closed.trim_end().len());
            }
        } else if let Some(line) = source.trim_end().rfind('\n') {
            // Underlined.
            self.cut(range.start + line..range.start + source.trim_end().len());
        }
    }

    fn quote(&mut self, range: &Range<usize>) {
        let mut at = range.start;
        for line in self.text[range.clone()].split_inclusive('\n') {
            let content = line.trim_start_matches([' ', '>']);
            let start = at + line.len() - content.len();
            if line.trim_start().starts_with('>') {
                self.cut(at..start);
            }
            at += line.len();
        }
    }

    fn fence(&mut self, range: &Range<usize>) {
        let source = self.text[range.clone()].trim_end();
        let first = source.find('\n').map_or(source.len(), |end| end + 1);
        self.cut(range.start..range.start + first);
        let last = source.rfind('\n').filter(|last| *last >= first.saturating_sub(1));
        if let Some(last) = last.filter(|last| source[*last..].trim_start().starts_with(['`', '~'])) {
            let start = last.max(first.saturating_sub(1)) + usize::from(last < first);
            self.cut(range.start + start..range.start + source.len());
        }
    }

    /// A link is its text and its address. A text that is the address stands alone.
    fn link(&mut self, link: &OpenLink, range: &Range<usize>) {
        let source = &self.text[range.clone()];
        if matches!(link.kind, LinkType::Autolink | LinkType::Email) {
            self.delimiters(range, 1);
            return;
        }
        let start = range.start + if link.is_image { 2 } else { 1 };
        let text = &self.text[start..link.text_end.max(start)];
        let address = link.address.trim_start_matches("tel:").trim_start_matches("mailto:");
        let is_same = text.trim() == address || text.trim().is_empty();
        let is_shown = !address.is_empty() && !address.starts_with('#') && source.len() > text.len();
        let blank = if self.text[range.end..].starts_with(|c: char| !c.is_whitespace()) { " " } else { "" };
        let shown = match (is_shown, is_same) {
            (false, _) => String::new(),
            (true, true) => format!("{address}{blank}"),
            (true, false) => format!(" {address}{blank}"),
        };
        let kept = if is_shown && is_same { start } else { link.text_end.max(start) };
        self.cut(range.start..start);
        self.replace(kept..range.end, shown);
    }

    /// Cuts tags that only format, and makes `<br>` a line break.
    fn tags(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(open) = self.text[at..range.end].find('<').map(|open| at + open) {
            let Some(end) = self.text[open..range.end].find('>').map(|end| open + end + 1) else { return };
            let inside = self.text[open + 1..end - 1].trim_matches(['/', ' ']);
            let name = inside.split([' ', '/', '\n']).next().unwrap_or_default().to_ascii_lowercase();
            if name == "br" {
                self.replace(open..end, "\n");
            } else if FORMATTING.contains(&&*name) {
                self.cut(open..end);
            }
            at = end;
        }
    }

    /// Cuts pairs of `**` that `CommonMark` does not close next to fullwidth punctuation: `**注意：**请`.
    fn cut_unmatched_stars(&mut self) {
        let mut begin = 0;
        for line in self.text.split_inclusive('\n') {
            let mut open: Option<Range<usize>> = None;
            for run in stars(line) {
                let run = begin + run.start..begin + run.end;
                let is_edited = self.edits.range(..=run.end).next_back().is_some_and(|(_, edit)| edit.0 > run.start);
                if is_edited || self.is_opaque(run.start) || self.is_product(run.start, run.len()) {
                    continue;
                }
                match open.take() {
                    Some(first) if first.len() == run.len() => {
                        self.cut(first);
                        self.cut(run);
                    }
                    _ if self.text[run.end..].starts_with(|c: char| !c.is_whitespace()) => open = Some(run),
                    _ => {}
                }
            }
            begin += line.len();
        }
    }

    fn finish(self) -> String {
        if self.edits.is_empty() {
            return self.text.to_owned();
        }
        let (mut plain, mut at) = (String::with_capacity(self.text.len()), 0);
        for (start, (end, with)) in self.edits {
            if start >= at {
                plain.push_str(&self.text[at..start]);
                plain.push_str(&with);
                at = end;
            }
        }
        plain.push_str(&self.text[at..]);
        without_gaps(&plain)
    }
}

#[cfg(test)]
mod tests;
