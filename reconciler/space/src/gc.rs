//! Owner references: background and foreground deletion, orphaning. (space two; driven by [`crate::controllers`])
