//! Room `git`.
