//! Room `space`.
