//! A document of WeChat is flat: one level of named fields, in XML or in JSON.

use std::borrow::Cow;

use crate::{Error, json, xml};

/// The two forms in which WeChat writes a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `<xml><Field>…</Field></xml>`
    Xml,
    /// `{"Field": …}`
    Json,
}

impl Format {
    /// The form of a document, by its first byte that is not white space. `Content-Type` is not to be relied on.
    pub fn of(document: &str) -> Option<Self> {
        match document.trim_ascii_start().as_bytes().first()? {
            b'<' => Some(Self::Xml),
            b'{' => Some(Self::Json),
            _ => None,
        }
    }

    /// The `Content-Type` of a document of this form.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// Why a document cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It has a document type definition.
    Doctype,
    /// It is not UTF-8.
    NotUtf8,
    /// It is not what the reason says.
    Because(&'static str),
}

impl Unreadable {
    /// The crate's error, with the one for other reasons given.
    pub(crate) fn or(self, because: impl FnOnce(&'static str) -> Error) -> Error {
        match self {
            Self::Doctype => Error::Doctype,
            Self::NotUtf8 => Error::NotUtf8,
            Self::Because(reason) => because(reason),
        }
    }
}

/// Visits every field of a document in its order, a repeated one each time. A field that holds other fields is given as its
/// source text. Values borrow from the document unless they had to be unescaped.
pub(crate) fn walk<'a>(document: &'a [u8], visit: impl FnMut(&str, Cow<'a, str>)) -> Result<Format, Unreadable> {
    // Chinese is three bytes a character, which the standard library reads one by one.
    let document = simdutf8::basic::from_utf8(document).map_err(|_| Unreadable::NotUtf8)?;
    let format = Format::of(document).ok_or(Unreadable::Because("neither XML nor JSON"))?;
    match format {
        Format::Xml => xml::walk(document, visit)?,
        Format::Json => json::walk(document, visit)?,
    }
    Ok(format)
}
