//! What is below every test here: the database in this process, lives that end early, and numbers from a seed.

pub(crate) mod database;
pub(crate) mod life;
pub(crate) mod random;
