//! From wire types and plain objects to the nouns of `plan`.
