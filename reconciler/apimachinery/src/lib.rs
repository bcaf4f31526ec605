//! Room `apimachinery`.
