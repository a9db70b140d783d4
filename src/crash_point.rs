//! Named places at which a test ends this process as `kill -9` does, or has a part of it fail as a bug would. In a release
//! build they are nothing at all.
//!
//! `CUTOVER_CRASH_AT=journal.before-commit:3` ends the process the third time that it comes to that place. The list of
//! places is what `grep -r crash_point::here src` finds; `tests/torture` kills at each of them.

/// Ends the process here if the environment names this place: `crash_point::here!("room.place")`.
macro_rules! here {
    ($place:literal) => {
        #[cfg(debug_assertions)]
        $crate::crash_point::reach($place);
    };
}
pub(crate) use here;

/// Fails here if the environment names this place: `CUTOVER_FAIL_AT=cockpit.key:3` does so the third time.
macro_rules! fails {
    ($place:literal) => {
        #[cfg(debug_assertions)]
        $crate::crash_point::fail($place);
    };
}
pub(crate) use fails;

/// Comes to a place, and panics if it is the one.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "a test asks for it")]
pub(crate) fn fail(place: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(1);
    if let Some((wanted, count)) = WANTED.get_or_init(|| named("CUTOVER_FAIL_AT"))
        && wanted == place
        && REACHED.fetch_add(1, Ordering::Relaxed) == *count
    {
        panic!("{place} was to fail");
    }
}

/// Comes to a place, and does not come back if it is the one.
#[cfg(debug_assertions)]
pub(crate) fn reach(place: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};

    if let Some((wanted, count)) = wanted()
        && wanted == place
    {
        static REACHED: AtomicU32 = AtomicU32::new(1);
        if REACHED.fetch_add(1, Ordering::Relaxed) == *count {
            // Nothing catches it, so nothing is put in order on the way out.
            let _ =
                nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::Signal::SIGKILL);
            loop {
                std::thread::park();
            }
        }
    }
}

/// The place that the environment names, and how many times it is come to.
#[cfg(debug_assertions)]
fn wanted() -> Option<&'static (String, u32)> {
    static WANTED: std::sync::OnceLock<Option<(String, u32)>> = std::sync::OnceLock::new();
    WANTED.get_or_init(|| named("CUTOVER_CRASH_AT")).as_ref()
}

/// A place and a number, as a variable of the environment has them.
#[cfg(debug_assertions)]
fn named(variable: &str) -> Option<(String, u32)> {
    let text = std::env::var(variable).ok()?;
    let (place, count) = text.split_once(':').unwrap_or((&text, "1"));
    Some((place.to_owned(), count.parse().ok()?))
}
