//! Reads Sobot's format: `sobot|nickname|avatar|params|key=value…`.

use super::{
    Dialect, WarningKind, field_names, json,
    reader::Reader,
    separators,
    text::{self, looks_like_url},
};

/// The text after the first separator. `None` if the text does not begin with the prefix `sobot`.
pub(super) fn body(text: &str) -> Option<&str> {
    const PREFIX: &str = "sobot";
    let (prefix, rest) = text.split_at_checked(PREFIX.len())?;
    let rest = rest.trim_start();
    let body = if rest.is_empty() { Some(rest) } else { rest.strip_prefix('|') };
    body.filter(|_| prefix.eq_ignore_ascii_case(PREFIX))
}

/// Reads the text after the first separator. `truncated` tells that the rest was cut off.
pub(super) fn read(body: &str, truncated: bool) -> Reader {
    let mut reader = Reader::new(Dialect::Sobot);
    let mut pieces = separators::pieces(body);
    if truncated {
        separators::drop_truncated(&mut pieces, &mut reader);
    }
    let slots = Slots::locate(&pieces);
    let piece = |at: Option<usize>| at.and_then(|at| pieces.get(at)).copied().unwrap_or_default();
    let nickname = trim_empty_pieces(&pieces[..slots.nickname]);
    if nickname.len() > 1 {
        reader.warn_of(WarningKind::NicknameRepaired, "nickname");
    } else if slots.misplaced {
        reader.warn(WarningKind::MisplacedSlots);
    }
    reader.nickname(&nickname.join("|"));
    reader.avatar(piece(slots.avatar));
    reader.params(piece(slots.params));
    separators::fields(&pieces[slots.named..], &mut reader, Reader::named_field);
    reader
}

fn trim_empty_pieces<'a, 'b>(mut pieces: &'b [&'a str]) -> &'b [&'a str] {
    while let [first, rest @ ..] = pieces
        && first.trim().is_empty()
    {
        pieces = rest;
    }
    while let [rest @ .., last] = pieces
        && last.trim().is_empty()
    {
        pieces = rest;
    }
    pieces
}

/// The positions of the fixed slots among the pieces.
#[derive(Debug, Clone, Copy)]
struct Slots {
    /// The pieces before this one are the nickname.
    nickname: usize,
    avatar: Option<usize>,
    params: Option<usize>,
    /// The first named field.
    named: usize,
    /// Whether a slot is not at its position in the format.
    misplaced: bool,
}

impl Slots {
    /// Locates the slots. A `|` in the nickname shifts the others, so the avatar is found by its URL and params by its JSON. All
    /// pieces before them are the nickname, even if one looks like a field, because the visitor chooses the nickname.
    fn locate(pieces: &[&str]) -> Self {
        let params = pieces.iter().position(|piece| json::looks_like_json_object(piece));
        let slots_kept = pieces.len() > 3 && is_absent(pieces[1]) && is_absent(pieces[2]);
        let avatar = (1..params.unwrap_or(pieces.len()))
            .find(|&at| looks_like_url(pieces[at]))
            .filter(|&at| at < 3 || !slots_kept);
        let is_field = |at: usize| pieces.get(at).is_some_and(|piece| field_names::begins_with_known_field(piece));
        if let Some(avatar) = avatar {
            let params = Some(avatar + 1).filter(|&at| at < pieces.len() && !is_field(at));
            let named = params.unwrap_or(avatar) + 1;
            let no_params = params.is_none() && avatar + 1 < pieces.len();
            return Self { nickname: avatar, avatar: Some(avatar), params, named, misplaced: avatar != 1 || no_params };
        }
        let first_named =
            pieces.iter().position(|piece| field_names::begins_with_known_field(piece)).unwrap_or(pieces.len());
        match params {
            Some(at) if at > 2 && is_absent(pieces[at - 1]) => {
                Self { nickname: at - 1, avatar: Some(at - 1), params: Some(at), named: at + 1, misplaced: true }
            }
            Some(at) if at < 2 && at < first_named => {
                Self { nickname: at, avatar: None, params: Some(at), named: at + 1, misplaced: true }
            }
            _ => Self {
                nickname: first_named.min(1),
                avatar: (first_named > 1).then_some(1),
                params: (first_named > 2).then_some(2),
                named: first_named.min(3),
                misplaced: first_named < 3 && first_named < pieces.len(),
            },
        }
    }
}

fn is_absent(piece: &str) -> bool {
    piece.trim().is_empty() || text::placeholder(piece).is_some()
}
