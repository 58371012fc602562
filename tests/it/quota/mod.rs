//! WeChat's five replies in 48 hours: Kefu's own count of them, and what becomes of a text that they do not suffice for.

mod held;
mod ledger;
mod random;
mod released;
mod reserve;
