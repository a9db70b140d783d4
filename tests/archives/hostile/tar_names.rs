//! Names and clashes in tar.

use super::{Case, case};
use crate::make::tar::{Tar, put};

pub fn names_and_clashes() -> Vec<Case> {
    let long_part = "x".repeat(256);
    let long_path = format!("{}x", "abcdefghij/".repeat(380));
    let deep = format!("{}x", "d/".repeat(64));
    vec![
        case("tar: up", "..", Tar::new().file("../x", b"x").end()),
        case("tar: up at the end", "..", Tar::new().folder("a/..").end()),
        case(
            "tar: down and up",
            "..",
            Tar::new().file("a/../../x", b"x").end(),
        ),
        case(
            "tar: down and up within",
            "..",
            Tar::new().file("a/../x", b"x").end(),
        ),
        case("tar: only up", "..", Tar::new().folder("..").end()),
        case(
            "tar: absolute",
            "absolute",
            Tar::new().file("/etc/cutover-x", b"x").end(),
        ),
        case(
            "tar: absolute twice",
            "absolute",
            Tar::new().file("//etc/cutover-x", b"x").end(),
        ),
        case(
            "tar: absolute folder",
            "absolute",
            Tar::new().folder("/").end(),
        ),
        case(
            "tar: drive",
            "absolute",
            Tar::new().file("C:/x", b"x").end(),
        ),
        case(
            "tar: drive with a backslash",
            "absolute",
            Tar::new().file("c:\\x", b"x").end(),
        ),
        case("tar: no name", "no name", Tar::new().file("", b"x").end()),
        case(
            "tar: the root is a file",
            "name of the root",
            Tar::new().file(".", b"x").end(),
        ),
        case(
            "tar: the root is a link",
            "name of the root",
            Tar::new().symlink(".", "x").end(),
        ),
        case(
            "tar: NUL in a pax name",
            "NUL",
            Tar::new().pax(&[("path", "a\0b")]).file("x", b"x").end(),
        ),
        case(
            "tar: NUL in a GNU name",
            "NUL",
            Tar::new().long(b'L', b"a\0b").file("x", b"x").end(),
        ),
        case(
            "tar: up by pax",
            "..",
            Tar::new().pax(&[("path", "../x")]).file("x", b"x").end(),
        ),
        case(
            "tar: up by GNU",
            "..",
            Tar::new().long(b'L', b"../x").file("x", b"x").end(),
        ),
        case(
            "tar: up by prefix",
            "..",
            Tar::new()
                .with("x", b'0', b"x", |h| put(h, 345, b".."))
                .end(),
        ),
        case(
            "tar: absolute by pax",
            "absolute",
            Tar::new().pax(&[("path", "/x")]).file("x", b"x").end(),
        ),
        case(
            "tar: empty by pax",
            "no name",
            Tar::new().pax(&[("path", "")]).file("x", b"x").end(),
        ),
        case(
            "tar: long part",
            "more than 255",
            Tar::new()
                .pax(&[("path", &long_part)])
                .file("x", b"x")
                .end(),
        ),
        case(
            "tar: long path",
            "more than 4096",
            Tar::new()
                .pax(&[("path", &long_path)])
                .file("x", b"x")
                .end(),
        ),
        case(
            "tar: deep",
            "folders deep",
            Tar::new().pax(&[("path", &deep)]).file("x", b"x").end(),
        ),
        case(
            "tar: twice, and before that with a second name",
            "twice",
            Tar::new()
                .file("x", b"1")
                .hard_link("y", "x")
                .file("x", b"2")
                .end(),
        ),
        case(
            "tar: a second name twice",
            "twice",
            Tar::new()
                .file("x", b"1")
                .hard_link("y", "x")
                .file("./y", b"2")
                .end(),
        ),
        case(
            "tar: file and folder",
            "name of a file",
            Tar::new().file("x", b"1").folder("x").end(),
        ),
        case(
            "tar: folder and file",
            "name of a folder",
            Tar::new().folder("x").file("x", b"1").end(),
        ),
        case(
            "tar: below a file",
            "below a file",
            Tar::new().file("x", b"1").file("x/y", b"2").end(),
        ),
        case(
            "tar: a file above files",
            "name of a folder",
            Tar::new().file("x/y", b"1").file("x", b"2").end(),
        ),
        case(
            "tar: file with a slash",
            "slash",
            Tar::new().file("x/", b"1").end(),
        ),
        case(
            "tar: old folder with bytes",
            "no file and has a size",
            Tar::new().entry("x/", 0, b"1").end(),
        ),
    ]
}
