//! Random concurrent transactions, checked for what their isolation level forbids.

mod checker;
