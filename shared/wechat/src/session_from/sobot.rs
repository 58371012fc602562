//! The Sobot form: `sobot|nickname|avatar|params|key=value…`.

use super::{
    Dialect, Oddity,
    draft::Draft,
    json, keyed, split,
    text::{self, looks_like_url},
};

/// What follows the first separator, if a text begins with the prefix.
pub(super) fn body(text: &str) -> Option<&str> {
    const PREFIX: &str = "sobot";
    let (prefix, rest) = text.split_at_checked(PREFIX.len())?;
    let rest = rest.trim_start();
    let body = if rest.is_empty() { Some(rest) } else { rest.strip_prefix('|') };
    body.filter(|_| prefix.eq_ignore_ascii_case(PREFIX))
}

/// Reads what follows the first separator. `cut` says that the text goes on where it ends.
pub(super) fn read(body: &str, cut: bool) -> Draft {
    let mut draft = Draft::new(Dialect::Sobot);
    let mut pieces = split::pieces(body);
    if cut {
        split::drop_cut(&mut pieces, &mut draft);
    }
    let slots = Slots::of(&pieces);
    let piece = |at: Option<usize>| at.and_then(|at| pieces.get(at)).copied().unwrap_or_default();
    let nickname = trim_empty(&pieces[..slots.nickname]);
    if nickname.len() > 1 {
        draft.warn_of(Oddity::NicknameRepaired, "nickname");
    } else if slots.misplaced {
        draft.warn(Oddity::MisplacedSlots);
    }
    draft.nickname(&nickname.join("|"));
    draft.avatar(piece(slots.avatar));
    draft.params(piece(slots.params));
    split::fields(&pieces[slots.keyed..], &mut draft, Draft::keyed);
    draft
}

fn trim_empty<'a, 'b>(mut pieces: &'b [&'a str]) -> &'b [&'a str] {
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

/// Which pieces the fixed slots are.
#[derive(Debug, Clone, Copy)]
struct Slots {
    /// The nickname is the pieces before this one.
    nickname: usize,
    avatar: Option<usize>,
    params: Option<usize>,
    /// Where the keyed fields begin.
    keyed: usize,
    /// Whether they are not where the format has them.
    misplaced: bool,
}

impl Slots {
    /// A `|` in the nickname moves what follows it. The address of an avatar and the JSON of params tell where they are; and
    /// what stands before them is nickname, even if it looks like a field, because a visitor chooses it.
    fn of(pieces: &[&str]) -> Self {
        let params = pieces.iter().position(|piece| json::looks_like_object(piece));
        let slots_kept = pieces.len() > 3 && stands_for_nothing(pieces[1]) && stands_for_nothing(pieces[2]);
        let avatar = (1..params.unwrap_or(pieces.len()))
            .find(|&at| looks_like_url(pieces[at]))
            .filter(|&at| at < 3 || !slots_kept);
        let is_field = |at: usize| pieces.get(at).is_some_and(|piece| keyed::begins_known(piece));
        if let Some(avatar) = avatar {
            let params = Some(avatar + 1).filter(|&at| at < pieces.len() && !is_field(at));
            let keyed = params.unwrap_or(avatar) + 1;
            let no_params = params.is_none() && avatar + 1 < pieces.len();
            return Self { nickname: avatar, avatar: Some(avatar), params, keyed, misplaced: avatar != 1 || no_params };
        }
        let named = pieces.iter().position(|piece| keyed::begins_known(piece)).unwrap_or(pieces.len());
        match params {
            Some(at) if at > 2 && stands_for_nothing(pieces[at - 1]) => {
                Self { nickname: at - 1, avatar: Some(at - 1), params: Some(at), keyed: at + 1, misplaced: true }
            }
            Some(at) if at < 2 && at < named => {
                Self { nickname: at, avatar: None, params: Some(at), keyed: at + 1, misplaced: true }
            }
            _ => Self {
                nickname: named.min(1),
                avatar: (named > 1).then_some(1),
                params: (named > 2).then_some(2),
                keyed: named.min(3),
                misplaced: named < 3 && named < pieces.len(),
            },
        }
    }
}

fn stands_for_nothing(piece: &str) -> bool {
    piece.trim().is_empty() || text::marker(piece).is_some()
}
