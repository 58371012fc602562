//! The fields of WeChat's documents. A document is flat: one level of named fields, in XML or in JSON.

use std::borrow::Cow;

use crate::{Error, json, xml};

/// The format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `<xml><Field>…</Field></xml>`
    Xml,
    /// `{"Field": …}`
    Json,
}

impl Format {
    /// The format of a document, by its first byte that is not white space. WeChat's `Content-Type` is not reliable.
    pub fn of(document: &str) -> Option<Self> {
        match document.trim_ascii_start().as_bytes().first()? {
            b'<' => Some(Self::Xml),
            b'{' => Some(Self::Json),
            _ => None,
        }
    }

    /// The `Content-Type` of a document in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// Why a document cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentError {
    /// The document has a document type definition.
    Doctype,
    /// The document is not UTF-8.
    NotUtf8,
    /// The document is malformed, with the reason.
    Malformed(&'static str),
}

impl DocumentError {
    /// The crate's error for this one, with `malformed` for a malformed document.
    pub(crate) fn into_error(self, malformed: impl FnOnce(&'static str) -> Error) -> Error {
        match self {
            Self::Doctype => Error::Doctype,
            Self::NotUtf8 => Error::NotUtf8,
            Self::Malformed(reason) => malformed(reason),
        }
    }
}

/// Calls `visitor` with each field of a document in order, including repeated ones. The value of a field that holds other
/// fields is its source text. Values borrow from the document unless they are unescaped.
pub(crate) fn visit<'a>(document: &'a [u8], visitor: impl FnMut(&str, Cow<'a, str>)) -> Result<Format, DocumentError> {
    // Faster than the standard library, which checks the three bytes of a Chinese character one by one.
    let document = simdutf8::basic::from_utf8(document).map_err(|_| DocumentError::NotUtf8)?;
    let format = Format::of(document).ok_or(DocumentError::Malformed("neither XML nor JSON"))?;
    match format {
        Format::Xml => xml::visit(document, visitor)?,
        Format::Json => json::visit(document, visitor)?,
    }
    Ok(format)
}
