//! What happens next: outlooks, previews of commands, rehearsals.

mod commands;
mod outlooks;
mod properties;
mod rehearsals;
mod remaining;
