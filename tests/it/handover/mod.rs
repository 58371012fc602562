//! When a robot hands a visitor over to a person, and what it does not do then.

mod asked;
mod by_itself;
mod silent;
mod staffed;
