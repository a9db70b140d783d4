//! What must be true whatever an archive is.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use cutover::store::archive::{
    self, ArchiveError, Contents, Kind, Limits, Owners, check, remove_tree,
};

use crate::differential::{listing, listings};
use crate::host::Host;

/// What unpacks.
pub type Unpack = dyn Fn(&Path, &Path, &Limits) -> Result<Contents, ArchiveError>;

/// What really unpacks.
pub fn extract(file: &Path, into: &Path, limits: &Limits) -> Result<Contents, ArchiveError> {
    archive::extract(file, into, limits, Owners::Archive)
}

/// What an archive did.
#[derive(Debug)]
pub enum Verdict {
    Refused,
    /// It was unpacked, and holds this.
    Accepted(Vec<String>),
    /// A promise was broken.
    Harm(String),
}

/// Where archives are examined.
pub struct Examiner {
    host: Host,
    limits: Limits,
}

impl Examiner {
    pub fn new() -> Self {
        let limits = Limits {
            compressed: 1_000_000,
            unpacked: 1_000_000,
            ratio: 50,
            ratio_floor: 100_000,
            entries: 100,
            names: 20_000,
            depth: 10,
            ..Limits::default()
        };
        Self {
            host: Host::new(),
            limits,
        }
    }

    /// Unpacks the archive and looks at what became of the host.
    pub fn examine(&self, bytes: &[u8], unpack: &Unpack) -> Verdict {
        let (bundle, into) = (self.host.bundle(), self.host.target());
        fs::write(&bundle, bytes).unwrap();
        let checked = check(&bundle, &self.limits);
        let unpacked = catch_unwind(AssertUnwindSafe(|| unpack(&bundle, &into, &self.limits)));
        let problem = self.problem(&checked, unpacked.as_ref().map_err(|_| ()));
        remove_tree(&into).unwrap();
        self.host.heal();
        match (problem, unpacked) {
            (Some(problem), _) => Verdict::Harm(problem),
            (None, Ok(Ok(contents))) => Verdict::Accepted(listing(&contents)),
            (None, _) => Verdict::Refused,
        }
    }

    fn problem(
        &self,
        checked: &Result<Contents, ArchiveError>,
        unpacked: Result<&Result<Contents, ArchiveError>, ()>,
    ) -> Option<String> {
        let into = self.host.target();
        if !self.host.is_unharmed() {
            return Some("something outside of the folder was changed".to_owned());
        }
        match unpacked {
            Err(()) => Some("a panic".to_owned()),
            Ok(Err(error)) if into.symlink_metadata().is_ok() => {
                Some(format!("the refusal left something behind: {error}"))
            }
            // What cannot be written, such as a time or a name that the file system does not take, is refused late.
            Ok(Err(ArchiveError::Io { .. })) => None,
            Ok(Err(error)) => match checked {
                Err(other) if other.to_string() == error.to_string() => None,
                other => Some(format!("{error}, but checking says {other:?}")),
            },
            Ok(Ok(contents)) if checked.as_ref().ok() != Some(contents) => {
                Some("unpacking and checking saw different things".to_owned())
            }
            Ok(Ok(contents)) => self
                .broken_limit(contents)
                .or_else(|| differs(contents, &into)),
        }
    }

    fn broken_limit(&self, contents: &Contents) -> Option<String> {
        let deep = |member: &&archive::Member| member.path.iter().count() > self.limits.depth;
        let broken = contents.size > self.limits.unpacked
            || contents.members.len() > self.limits.entries
            || contents.members.iter().any(|member| deep(&member));
        broken.then(|| "a limit is exceeded".to_owned())
    }
}

/// How what was unpacked differs from what the archive holds.
fn differs(contents: &Contents, into: &Path) -> Option<String> {
    let mut there = Vec::new();
    walk(into, &mut there);
    for path in &there {
        let data = path.symlink_metadata().unwrap();
        let kind = data.file_type();
        if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket() {
            return Some(format!("{} is special", path.display()));
        }
        if kind.is_symlink() && path.canonicalize().is_ok_and(|end| !end.starts_with(into)) {
            return Some(format!("{} leads out", path.display()));
        }
    }
    for member in &contents.members {
        let data = into.join(&member.path).symlink_metadata();
        let as_said = data.is_ok_and(|data| match member.kind {
            Kind::Folder => data.is_dir(),
            Kind::File { size } => data.is_file() && data.len() == size,
            Kind::HardLink { .. } => data.is_file(),
            Kind::Symlink { .. } => data.is_symlink(),
        });
        if !as_said {
            return Some(format!(
                "{} is not as the archive says",
                member.path.display()
            ));
        }
    }
    let folders = contents.folders();
    let known = |path: &PathBuf| {
        let below = path.strip_prefix(into).unwrap();
        folders.contains_key(below) || contents.members.iter().any(|member| member.path == below)
    };
    let unknown = there.iter().find(|path| !known(path))?;
    Some(format!("{} is not in the archive", unknown.display()))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.symlink_metadata().unwrap().is_dir() {
            walk(&path, found);
        }
        found.push(path);
    }
}

/// The archives in which Python sees something else, with their seeds.
pub fn seen_otherwise(accepted: &[(u64, Vec<String>, Vec<u8>)]) -> Vec<(u64, String)> {
    let scratch = tempfile::tempdir().unwrap();
    let files: Vec<_> = accepted
        .iter()
        .map(|(seed, ..)| format!("{seed}.archive"))
        .collect();
    for (file, (_, _, bytes)) in files.iter().zip(accepted) {
        fs::write(scratch.path().join(file), bytes).unwrap();
    }
    let pythons = listings(scratch.path(), &files);
    let mut different = Vec::new();
    for (file, (seed, ours, _)) in files.iter().zip(accepted) {
        let ours: Vec<_> = ours.iter().collect();
        let same = pythons[file].as_ref().is_ok_and(|theirs| {
            // The folder that is left out is an entry to Python.
            let theirs: Vec<_> = theirs
                .iter()
                .filter(|line| ours.contains(line) || !is_top_folder(line))
                .collect();
            theirs == ours
        });
        if !same {
            different.push((*seed, format!("here {ours:?}\nPython {:?}", pythons[file])));
        }
    }
    different
}

fn is_top_folder(line: &str) -> bool {
    let name = line.strip_prefix("folder 0 ");
    name.is_some_and(|name| !name.as_bytes().chunks(2).any(|digits| digits == b"2f"))
}

/// Unpackers that each break a promise, and how that is called.
pub fn harmful() -> Vec<(&'static str, &'static Unpack)> {
    vec![
        ("a panic", &|_, _, _| panic!("as it should not")),
        ("outside of the folder", &|bundle, into, limits| {
            fs::write(into.with_file_name("canary"), "dead").unwrap();
            extract(bundle, into, limits)
        }),
        ("outside of the folder", &|bundle, into, limits| {
            fs::write(into.with_file_name("egg"), "new").unwrap();
            extract(bundle, into, limits)
        }),
        ("left something behind", &|_, into, limits| {
            fs::create_dir(into).unwrap();
            extract(Path::new("/nowhere"), &into.join("x"), limits)
        }),
        ("leads out", &|bundle, into, limits| {
            let contents = extract(bundle, into, limits)?;
            std::os::unix::fs::symlink("../canary", into.join("out")).unwrap();
            Ok(contents)
        }),
        ("is not in the archive", &|bundle, into, limits| {
            let contents = extract(bundle, into, limits)?;
            fs::write(into.join("more"), "more").unwrap();
            Ok(contents)
        }),
        ("is not as the archive says", &|bundle, into, limits| {
            let contents = extract(bundle, into, limits)?;
            fs::write(into.join("x"), "longer").unwrap();
            Ok(contents)
        }),
        ("saw different things", &|bundle, into, limits| {
            let mut contents = extract(bundle, into, limits)?;
            contents.size = 7;
            Ok(contents)
        }),
    ]
}
