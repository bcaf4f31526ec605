//! Objects of one resource in memory, and the ring of its last events.
