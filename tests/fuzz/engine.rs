//! The loop: changes what is kept at random, examines it, and keeps what was answered in a way that was not seen before.
//!
//! It has no coverage of the code to go by, only what the examined code says. It will not find what hides behind a comparison
//! with a value that is in none of the kept inputs (a checksum, a magic number), nor a path that answers as others do.

use std::collections::HashSet;
use std::hash::{BuildHasher, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::words::Words;

/// Inputs are small: one that takes longer than this is a hang.
const HANG: Duration = Duration::from_mins(1);

/// Larger inputs only take time, in bytes.
const LARGEST: usize = 32 << 10;

/// So many inputs are kept to be changed.
const KEPT: usize = 4000;

/// No target needs more memory, in kibibytes.
const MEMORY: u64 = 2 << 20;

/// What is examined.
pub struct Target {
    /// As the command and the folder of its corpus call it.
    pub name: &'static str,
    /// What to begin with, besides the corpus.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Looks whether everything that must be true of an input is. Answers the kind of answer that was given.
    ///
    /// # Errors
    /// The promise that was broken.
    pub examine: fn(&[u8]) -> Result<String, String>,
}

/// The time that was asked for, in seconds.
pub fn seconds() -> Option<u64> {
    let text = std::env::var("CUTOVER_FUZZ_SECONDS").ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("CUTOVER_FUZZ_SECONDS={text}: {error}")),
    )
}

/// Where the kept inputs of a target are.
fn folder(target: &str) -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.join("tests/fuzz/corpus").join(target)
}

/// The kept inputs of a target, by name.
pub fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(folder(target))
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name() != ".gitkeep")
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// Keeps an input that broke a promise: from now on it is a test.
pub fn keep(target: &str, input: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = folder(target).join(format!("found-{:016x}", hasher.finish()));
    std::fs::write(&path, input).unwrap();
    path
}

/// Examines an input; a panic is a broken promise.
fn verdict(target: &Target, input: &[u8]) -> Result<String, String> {
    let examined = catch_unwind(AssertUnwindSafe(|| (target.examine)(input)));
    examined.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(format!("a panic: {}", words.unwrap_or_default()))
    })
}

/// Examines everything that is kept of a target.
pub fn again(target: &Target) {
    for (name, input) in corpus(target.name) {
        if let Err(harm) = verdict(target, &input) {
            panic!("tests/fuzz/corpus/{}/{name}: {harm}", target.name);
        }
    }
}

/// Looks for the time that was asked for, or for so many seconds, always in the same way.
pub fn look(target: &'static Target, usual: u64) {
    let limit = Duration::from_secs(seconds().unwrap_or(usual));
    let first = seconds().map_or(0, |_| RandomState::new().hash_one(0));
    let current = Arc::new(Mutex::new(Vec::new()));
    let (tell, told) = mpsc::channel();
    let working = Arc::clone(&current);
    thread::spawn(move || work(target, first, limit, &working, &tell));
    let mut examined = 0_u64;
    let (kinds, kept) = loop {
        match told.recv_timeout(HANG) {
            Ok(News::Goes(count)) => examined = count,
            Ok(News::Over { kinds, kept }) => break (kinds, kept),
            Ok(News::Harm(harm, input)) => {
                let small = smaller(target, input);
                let path = keep(target.name, &small);
                panic!("{harm}\nthe input: {}\nit is a test now", path.display());
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let path = keep(target.name, &current.lock().unwrap());
                panic!("a hang, or too much memory\nthe input: {}", path.display());
            }
        }
    };
    println!(
        "{}: {examined} inputs examined, {kinds} kinds of answers, {kept} kept",
        target.name
    );
    assert!(examined > 100 && kinds > 1, "it hardly looked");
}

enum News {
    Goes(u64),
    Harm(String, Vec<u8>),
    Over { kinds: usize, kept: usize },
}

fn work(
    target: &Target,
    first: u64,
    limit: Duration,
    current: &Mutex<Vec<u8>>,
    tell: &mpsc::Sender<News>,
) {
    let mut pool = (target.seeds)();
    pool.extend(corpus(target.name).into_iter().map(|(_, input)| input));
    pool.retain(|input| input.len() <= LARGEST);
    let words = Words::of(&pool);
    let mut random = Random::new(first);
    let mut kinds = HashSet::new();
    let (start, mut examined, seeds) = (Instant::now(), 0, pool.len());
    while examined < seeds as u64 || start.elapsed() < limit {
        // What is there goes first, as it is.
        let at = usize::try_from(examined).unwrap();
        let mut input = pool.get(at).filter(|_| at < seeds).cloned();
        let input = input.get_or_insert_with(|| words.change(&pool, &mut random));
        input.truncate(LARGEST);
        current.lock().unwrap().clone_from(input);
        match verdict(target, input) {
            Err(harm) => {
                // Nobody listens when the test is over.
                let _over = tell.send(News::Harm(harm, input.clone()));
                return;
            }
            Ok(kind) => {
                if kinds.insert(kind) && at >= seeds && pool.len() < KEPT {
                    pool.push(input.clone());
                }
            }
        }
        examined += 1;
        if examined.is_multiple_of(256) {
            if peak() > MEMORY {
                let harm = format!("more than {} MiB of memory", MEMORY >> 10);
                let _over = tell.send(News::Harm(harm, input.clone()));
                return;
            }
            let _over = tell.send(News::Goes(examined));
        }
    }
    let _over = tell.send(News::Goes(examined));
    let _over = tell.send(News::Over {
        kinds: kinds.len(),
        kept: pool.len(),
    });
}

/// The most memory that this process ever had, in kibibytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Leaves out what is not needed for a promise to be broken, for a few seconds.
fn smaller(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let start = Instant::now();
    let mut chunk = input.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < input.len() {
            if start.elapsed() > Duration::from_secs(5) {
                return input;
            }
            let mut without = input.clone();
            without.drain(at..(at + chunk).min(input.len()));
            if verdict(target, &without).is_err() {
                input = without;
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    input
}

/// A broken promise is found, made small, and kept apart from what broke it.
#[test]
fn a_broken_promise_is_noticed_and_made_small() {
    let target = Target {
        name: "none",
        seeds: Vec::new,
        examine: |input| match input.windows(3).any(|part| part == b"bad") {
            true if input.len() > 5000 => panic!("large"),
            true => Err("bad".to_owned()),
            false => Ok("good".to_owned()),
        },
    };
    assert_eq!(verdict(&target, b"fine"), Ok("good".to_owned()));
    assert_eq!(verdict(&target, b"a bad one"), Err("bad".to_owned()));
    let mut large = vec![b'x'; 6000];
    large[3000..3003].copy_from_slice(b"bad");
    assert_eq!(verdict(&target, &large), Err("a panic: large".to_owned()));
    assert_eq!(smaller(&target, large), b"bad");
}
