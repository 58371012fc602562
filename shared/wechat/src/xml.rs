//! Documents in XML: a root element and one level of fields, in CDATA sections or not.
//!
//! The work for a hostile document is bounded: a DOCTYPE and any entity but XML's own five are errors, nesting depth and tag
//! length are limited, and attributes are ignored (WeChat writes none). Parsing is one pass, linear in the length of the
//! document, which the caller has limited.
//!
//! WeChat writes a small subset of XML. [`fast_path`] parses that subset, several times faster; quick-xml parses any other
//! document. A property test checks that both give the same fields.

mod fast_path;

use std::borrow::Cow;

use quick_xml::{
    Reader,
    errors::{Error as XmlError, SyntaxError},
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
};

use crate::fields::DocumentError;

const MAX_DEPTH: usize = 16;
const MAX_TAG: usize = 1024;

/// A field whose end tag is not read yet.
struct Open<'a> {
    tag: BytesStart<'a>,
    start: u64,
    text: Cow<'a, str>,
    nested: bool,
}

/// See [`crate::fields::visit`]. Line ends are not normalised, so that XML and JSON give the same values.
pub(crate) fn visit<'a>(document: &'a str, mut visitor: impl FnMut(&str, Cow<'a, str>)) -> Result<(), DocumentError> {
    let document = document.trim_ascii();
    let mut fields = fast_path::Fields::default();
    let Some(length) = fast_path::read(document, &mut fields) else {
        return visit_with_quick_xml(document, visitor);
    };
    for (name, value) in fields.iter().take(length) {
        visitor(name, Cow::Borrowed(value));
    }
    Ok(())
}

fn visit_with_quick_xml<'a>(
    document: &'a str,
    mut visitor: impl FnMut(&str, Cow<'a, str>),
) -> Result<(), DocumentError> {
    let mut reader = Reader::from_str(document);
    let mut depth = 0_usize;
    let mut root = false;
    let mut field: Option<Open<'a>> = None;
    loop {
        let before = reader.buffer_position();
        match reader.read_event().map_err(|error| document_error(&error))? {
            Event::Start(tag) => {
                check_start(&tag, depth, root)?;
                root = true;
                depth += 1;
                if depth == 2 {
                    field = Some(Open { tag, start: reader.buffer_position(), text: Cow::Borrowed(""), nested: false });
                } else if let Some(field) = &mut field {
                    field.nested = true;
                }
            }
            Event::Empty(tag) => {
                check_start(&tag, depth, root)?;
                root = true;
                match &mut field {
                    Some(field) => field.nested = true,
                    None if depth == 1 => visitor(tag.name().into_inner(), Cow::Borrowed("")),
                    None => {}
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 1
                    && let Some(field) = field.take()
                {
                    let value = if field.nested { source(document, field.start, before) } else { field.text };
                    visitor(field.tag.name().into_inner(), value);
                }
            }
            Event::Text(text) => append(&mut field, depth, text.into_inner())?,
            Event::CData(text) if depth > 1 => append(&mut field, depth, text.into_inner())?,
            Event::GeneralRef(reference) if depth > 1 => append(&mut field, depth, resolve(&reference)?)?,
            Event::CData(_) | Event::GeneralRef(_) => {
                return Err(DocumentError::Malformed("text outside of a field"));
            }
            Event::DocType(_) => return Err(DocumentError::Doctype),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if root && depth == 0 => return Ok(()),
            Event::Eof => return Err(DocumentError::Malformed("an element is not closed")),
        }
    }
}

fn check_start(tag: &BytesStart<'_>, depth: usize, root: bool) -> Result<(), DocumentError> {
    if depth == 0 && root {
        Err(DocumentError::Malformed("more than one root element"))
    } else if depth == MAX_DEPTH {
        Err(DocumentError::Malformed("elements are nested too deeply"))
    } else if tag.len() > MAX_TAG {
        Err(DocumentError::Malformed("a tag is too long"))
    } else {
        Ok(())
    }
}

fn append<'a>(field: &mut Option<Open<'a>>, depth: usize, text: Cow<'a, str>) -> Result<(), DocumentError> {
    match field {
        Some(field) if depth == 2 => {
            if field.text.is_empty() {
                field.text = text;
            } else {
                field.text.to_mut().push_str(&text);
            }
            Ok(())
        }
        // Deeper text is part of its field's source text.
        Some(_) => Ok(()),
        None if text.trim_ascii().is_empty() => Ok(()),
        None => Err(DocumentError::Malformed("text outside of a field")),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, DocumentError> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(Cow::Owned(character.into())),
        Ok(None) => {
            resolve_xml_entity(reference).map(Cow::Borrowed).ok_or(DocumentError::Malformed("an unknown entity"))
        }
        Err(_) => Err(DocumentError::Malformed("a reference to no character")),
    }
}

fn source(document: &str, start: u64, end: u64) -> Cow<'_, str> {
    let span = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    Cow::Borrowed(span.and_then(|(start, end)| document.get(start..end)).unwrap_or_default())
}

fn document_error(error: &XmlError) -> DocumentError {
    match error {
        XmlError::Syntax(SyntaxError::UnclosedDoctype) => DocumentError::Doctype,
        _ => DocumentError::Malformed("XML that is not well-formed"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(document: &str) -> Result<Vec<(String, String)>, DocumentError> {
        let mut fields = Vec::new();
        visit_with_quick_xml(document, |name, value| fields.push((name.to_owned(), value.into_owned())))?;
        Ok(fields)
    }

    fn fast_path_fields(document: &str) -> Option<Vec<(String, String)>> {
        let mut fields = fast_path::Fields::default();
        let length = fast_path::read(document, &mut fields)?;
        Some(fields[..length].iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn document_of_wechat_takes_fast_path() {
        let document = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n<CreateTime>1</CreateTime> <Content><![CDATA[]>]]]></Content><A></A></xml>";
        let expected = [("ToUserName", "gh_1"), ("CreateTime", "1"), ("Content", "]>]"), ("A", "")];
        let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(fast_path_fields(document), Some(expected.clone()));
        assert_eq!(fields(document), Ok(expected));
    }

    #[test]
    fn document_outside_the_subset_is_left_to_quick_xml() {
        for document in [
            "<xml><a>&amp;</a></xml>",
            "<xml><a b='c'>d</a></xml>",
            "<xml><a><b>c</b></a></xml>",
            "<xml><a/></xml>",
            "<xml><a>b<![CDATA[c]]></a></xml>",
            "<xml><!-- --></xml>",
            "<x><a>b</a></x>",
        ] {
            assert_eq!(fast_path_fields(document), None, "{document}");
            assert!(fields(document).is_ok(), "{document}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn fast_path_and_quick_xml_give_the_same_fields(document in "<xml>(<(a|bc|[ -~])>|</(a|bc|xml)>|(<a>|<bc>)(<!\\[CDATA\\[[ -~你]{0,4}\\]\\]>|[ -~你]{0,3})(</a>|</bc>)|[ \n]|[ -~你]){0,6}</xml>") {
            if let Some(fast) = fast_path_fields(&document) {
                prop_assert_eq!(Ok(fast), fields(&document));
            }
        }
    }
}
