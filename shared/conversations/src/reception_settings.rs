//! The settings of a mini program's reception.

use desk::settings::Reception;
use store::{Binding, Result};

/// The settings of a mini program's reception; the defaults where none are stored or the mini program is not bound.
pub(crate) fn reception(binding: Option<&Binding>) -> Result<Reception> {
    binding.map_or_else(|| Ok(Reception::default()), Binding::reception)
}
