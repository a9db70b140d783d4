//! Hostile archives are refused as a whole, for the reason that makes them hostile.

use std::collections::HashSet;

use cutover::store::archive::Limits;

use crate::host::Host;
use crate::hostile::cases;
use crate::make::gzip;
use crate::make::tar::Tar;
use crate::make::zip::{Entry, Zip, zip};

#[test]
fn hostile_archives_are_refused_as_a_whole() {
    let mut wrong = Vec::new();
    let cases = cases();
    let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "every name once");
    assert!(cases.len() >= 250, "{}", cases.len());
    let host = Host::new();
    for case in &cases {
        match host.refuse(&case.bytes, &case.limits) {
            Ok(said) if said.contains(case.says) => {}
            Ok(said) => wrong.push(format!("{}: says {said}", case.name)),
            Err(problem) => wrong.push(format!("{}: {problem}", case.name)),
        }
    }
    assert!(host.is_unharmed());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the cases are made from is good, so that it is the one thing in each that is refused.
#[test]
fn the_makers_make_good_archives() {
    let tar = Tar::new()
        .folder("d")
        .file("d/f", b"1")
        .symlink("l", "d/f")
        .hard_link("h", "d/f")
        .pax(&[("path", "é"), ("mtime", "1.5")])
        .file("x", b"1")
        .long(b'L', &[b'n'; 200])
        .file("x", b"1")
        .sparse("s", &[(512, 4)], 1024, b"1234")
        .end();
    let entries = [
        Entry::folder("d/"),
        Entry::file("d/f", b"1"),
        Entry::file("g", &[7; 500]).deflated(),
        Entry::file("h", &[7; 500]).deflated().streamed(),
        Entry::symlink("l", "d/f"),
    ];
    let wide = Zip::new(&entries).wide(|_| {}).end();
    for bytes in [tar.clone(), gzip(&tar), zip(&entries), wide] {
        let host = Host::new();
        let contents = host.unpack(&bytes, &Limits::default()).unwrap();
        assert!(contents.has_appspec() && host.is_unharmed());
    }
}

/// With the switch, links may lead where they like; whatever is written still stays inside.
#[test]
fn links_may_leave_where_that_is_allowed() {
    let allowed = Limits {
        links_may_leave: true,
        ..Limits::default()
    };
    let host = Host::new();
    let tar = Tar::new()
        .symlink("x", "/etc")
        .symlink("y", "../../z")
        .end();
    host.unpack(&tar, &allowed).unwrap();
    assert_eq!(
        std::fs::read_link(host.target().join("x"))
            .unwrap()
            .to_str(),
        Some("/etc")
    );
    assert!(host.is_unharmed());
    let behind = Tar::new().symlink("x", "/etc").file("x/y", b"1").end();
    let said = Host::new().refuse(&behind, &allowed).unwrap();
    assert!(said.contains("behind a symbolic link"), "{said}");
}
