//! The settings of a mini program's reception.

use desk::settings::Reception;
use store::Binding;

/// The settings of a mini program's reception; the defaults where none are stored.
pub fn reception(binding: Option<&Binding>) -> Reception {
    let set = binding.map(|binding| binding.reception.clone()).filter(|set| !set.is_null());
    set.and_then(|set| serde_json::from_value(set).ok()).unwrap_or_default()
}
