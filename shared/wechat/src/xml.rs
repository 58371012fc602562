//! WeChat's XML: a root and one level of fields, CDATA or not.
//!
//! What a hostile sender could make dear is refused or never done: a DOCTYPE and every entity but XML's own five are errors,
//! nesting and the length of a tag are bounded, and attributes are not looked at (WeChat writes none). One pass, linear in the
//! length of the document, which the caller has bounded.
//!
//! What WeChat really writes is plainer than XML allows. [`plain`] reads just that, several times faster; any other document is read by
//! quick-xml, and what both read they read alike.

mod plain;

use std::borrow::Cow;

use quick_xml::{
    Reader,
    errors::{Error as XmlError, SyntaxError},
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
};

use crate::document::Unreadable;

const MAX_DEPTH: usize = 16;
const MAX_TAG: usize = 1024;

/// A field that has been opened and not yet closed.
struct Open<'a> {
    tag: BytesStart<'a>,
    start: u64,
    text: Cow<'a, str>,
    nested: bool,
}

/// See [`crate::document::walk`]. Text is taken as it stands: line ends are not normalised, so that XML and JSON yield the same.
pub(crate) fn walk<'a>(document: &'a str, mut visit: impl FnMut(&str, Cow<'a, str>)) -> Result<(), Unreadable> {
    let document = document.trim_ascii();
    let mut fields = plain::Fields::default();
    let Some(length) = plain::read(document, &mut fields) else {
        return walk_any(document, visit);
    };
    for (name, value) in fields.iter().take(length) {
        visit(name, Cow::Borrowed(value));
    }
    Ok(())
}

fn walk_any<'a>(document: &'a str, mut visit: impl FnMut(&str, Cow<'a, str>)) -> Result<(), Unreadable> {
    let mut reader = Reader::from_str(document);
    let mut depth = 0_usize;
    let mut root = false;
    let mut field: Option<Open<'a>> = None;
    loop {
        let before = reader.buffer_position();
        match reader.read_event().map_err(|error| unreadable(&error))? {
            Event::Start(tag) => {
                check(&tag, depth, root)?;
                root = true;
                depth += 1;
                if depth == 2 {
                    field = Some(Open { tag, start: reader.buffer_position(), text: Cow::Borrowed(""), nested: false });
                } else if let Some(field) = &mut field {
                    field.nested = true;
                }
            }
            Event::Empty(tag) => {
                check(&tag, depth, root)?;
                root = true;
                match &mut field {
                    Some(field) => field.nested = true,
                    None if depth == 1 => visit(tag.name().into_inner(), Cow::Borrowed("")),
                    None => {}
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 1
                    && let Some(field) = field.take()
                {
                    let value = if field.nested { source(document, field.start, before) } else { field.text };
                    visit(field.tag.name().into_inner(), value);
                }
            }
            Event::Text(text) => append(&mut field, depth, text.into_inner())?,
            Event::CData(text) if depth > 1 => append(&mut field, depth, text.into_inner())?,
            Event::GeneralRef(reference) if depth > 1 => append(&mut field, depth, resolve(&reference)?)?,
            Event::CData(_) | Event::GeneralRef(_) => {
                return Err(Unreadable::Because("text outside of a field"));
            }
            Event::DocType(_) => return Err(Unreadable::Doctype),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if root && depth == 0 => return Ok(()),
            Event::Eof => return Err(Unreadable::Because("an element is not closed")),
        }
    }
}

fn check(tag: &BytesStart<'_>, depth: usize, root: bool) -> Result<(), Unreadable> {
    if depth == 0 && root {
        Err(Unreadable::Because("more than one root element"))
    } else if depth == MAX_DEPTH {
        Err(Unreadable::Because("elements are nested too deeply"))
    } else if tag.len() > MAX_TAG {
        Err(Unreadable::Because("a tag is too long"))
    } else {
        Ok(())
    }
}

fn append<'a>(field: &mut Option<Open<'a>>, depth: usize, text: Cow<'a, str>) -> Result<(), Unreadable> {
    match field {
        Some(field) if depth == 2 => {
            if field.text.is_empty() {
                field.text = text;
            } else {
                field.text.to_mut().push_str(&text);
            }
            Ok(())
        }
        // Deeper text is taken with the source of its field.
        Some(_) => Ok(()),
        None if text.trim_ascii().is_empty() => Ok(()),
        None => Err(Unreadable::Because("text outside of a field")),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, Unreadable> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(Cow::Owned(character.into())),
        Ok(None) => resolve_xml_entity(reference).map(Cow::Borrowed).ok_or(Unreadable::Because("an unknown entity")),
        Err(_) => Err(Unreadable::Because("a reference to no character")),
    }
}

fn source(document: &str, start: u64, end: u64) -> Cow<'_, str> {
    let span = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    Cow::Borrowed(span.and_then(|(start, end)| document.get(start..end)).unwrap_or_default())
}

fn unreadable(error: &XmlError) -> Unreadable {
    match error {
        XmlError::Syntax(SyntaxError::UnclosedDoctype) => Unreadable::Doctype,
        _ => Unreadable::Because("XML that is not well-formed"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(document: &str) -> Result<Vec<(String, String)>, Unreadable> {
        let mut fields = Vec::new();
        walk_any(document, |name, value| fields.push((name.to_owned(), value.into_owned())))?;
        Ok(fields)
    }

    fn plain_fields(document: &str) -> Option<Vec<(String, String)>> {
        let mut fields = plain::Fields::default();
        let length = plain::read(document, &mut fields)?;
        Some(fields[..length].iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_wechat_writes_is_plain() {
        let document = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n<CreateTime>1</CreateTime> <Content><![CDATA[]>]]]></Content><A></A></xml>";
        let expected = [("ToUserName", "gh_1"), ("CreateTime", "1"), ("Content", "]>]"), ("A", "")];
        let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(plain_fields(document), Some(expected.clone()));
        assert_eq!(fields(document), Ok(expected));
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_other() {
        for document in [
            "<xml><a>&amp;</a></xml>",
            "<xml><a b='c'>d</a></xml>",
            "<xml><a><b>c</b></a></xml>",
            "<xml><a/></xml>",
            "<xml><a>b<![CDATA[c]]></a></xml>",
            "<xml><!-- --></xml>",
            "<x><a>b</a></x>",
        ] {
            assert_eq!(plain_fields(document), None, "{document}");
            assert!(fields(document).is_ok(), "{document}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn what_both_read_they_read_alike(document in "<xml>(<(a|bc|[ -~])>|</(a|bc|xml)>|(<a>|<bc>)(<!\\[CDATA\\[[ -~你]{0,4}\\]\\]>|[ -~你]{0,3})(</a>|</bc>)|[ \n]|[ -~你]){0,6}</xml>") {
            if let Some(plain) = plain_fields(&document) {
                prop_assert_eq!(Ok(plain), fields(&document));
            }
        }
    }
}
