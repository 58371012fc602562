//! Tests of the whole bundle, from the outside.
