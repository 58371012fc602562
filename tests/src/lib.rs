//! Black-box tests of the whole bundle.
