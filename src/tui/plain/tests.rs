//! What is told, and what lines do.
