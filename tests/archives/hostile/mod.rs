//! Archives that must be refused as a whole: what they are, and what the refusal says.
#![allow(clippy::too_many_lines, reason = "tables are long")]

use cutover::store::archive::Limits;

mod bombs;
mod others;
mod tar_extensions;
mod tar_headers;
mod tar_links;
mod tar_names;
mod zip_entries;
mod zip_records;

use crate::make::gzip;

/// One of them.
pub struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    /// A part of what the refusal says.
    pub says: &'static str,
    pub limits: Limits,
}

fn case(name: &str, says: &'static str, bytes: Vec<u8>) -> Case {
    Case {
        name: name.to_owned(),
        bytes,
        says,
        limits: Limits::default(),
    }
}

fn limited(name: &str, says: &'static str, bytes: Vec<u8>, change: impl Fn(&mut Limits)) -> Case {
    let mut case = case(name, says, bytes);
    change(&mut case.limits);
    case
}

/// All of them; those that are tar also compressed.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let tar = [
        tar_names::names_and_clashes(),
        tar_links::links(),
        tar_headers::headers(),
        tar_headers::ends(),
        tar_extensions::extensions(),
    ];
    for case in tar.into_iter().flatten() {
        all.push(Case {
            name: format!("{}, compressed", case.name),
            bytes: gzip(&case.bytes),
            limits: case.limits.clone(),
            says: case.says,
        });
        all.push(case);
    }
    all.extend(tar_headers::unsealed());
    all.extend(bombs::bombs());
    all.extend(bombs::gzips());
    all.extend(zip_entries::names());
    all.extend(zip_entries::entries());
    all.extend(zip_records::disagreements());
    all.extend(zip_records::ends());
    all.extend(others::not_archives());
    all
}
