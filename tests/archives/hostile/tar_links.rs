//! Links in tar.

use super::{Case, case};
use crate::make::tar::Tar;

pub fn links() -> Vec<Case> {
    let chain = (0..60).fold(Tar::new(), |tar, n| {
        tar.symlink(format!("l{n}"), &format!("l{}", n + 1))
    });
    let nested = Tar::empty()
        .file("repo/appspec.yml", b"version: 0.0\n")
        .symlink("repo/x", "../y")
        .end();
    vec![
        case(
            "tar: link to the root of the host",
            "leads out",
            Tar::new().symlink("x", "/").end(),
        ),
        case(
            "tar: absolute link",
            "leads out",
            Tar::new().symlink("x", "/etc/passwd").end(),
        ),
        case(
            "tar: link up",
            "leads out",
            Tar::new().symlink("x", "../x").end(),
        ),
        case(
            "tar: link only up",
            "leads out",
            Tar::new().symlink("x", "..").end(),
        ),
        case(
            "tar: link down and up",
            "leads out",
            Tar::new().symlink("x", "a/../../y").end(),
        ),
        case(
            "tar: link up from a folder",
            "leads out",
            Tar::new().symlink("a/x", "../../y").end(),
        ),
        case("tar: link out of a nested root", "leads out", nested),
        case(
            "tar: link through a link",
            "leads out",
            Tar::new()
                .symlink("a/here", ".")
                .symlink("x", "a/here/../../y")
                .end(),
        ),
        case(
            "tar: link through a link that comes later",
            "leads out",
            Tar::new()
                .symlink("x", "a/up/../..")
                .symlink("a/up", "..")
                .end(),
        ),
        case(
            "tar: link to itself",
            "circle",
            Tar::new().symlink("x", "x").end(),
        ),
        case(
            "tar: links in a circle",
            "circle",
            Tar::new().symlink("x", "y").symlink("y", "x/z").end(),
        ),
        case("tar: long chain of links", "circle, or over", chain.end()),
        case(
            "tar: link to nothing",
            "link to nothing",
            Tar::new().symlink("x", "").end(),
        ),
        case(
            "tar: long link",
            "4096 bytes or more",
            Tar::new()
                .pax(&[("linkpath", &"a/".repeat(2100))])
                .symlink("x", "y")
                .end(),
        ),
        case(
            "tar: link up by pax",
            "leads out",
            Tar::new()
                .pax(&[("linkpath", "../y")])
                .symlink("x", "y")
                .end(),
        ),
        case(
            "tar: link up by GNU",
            "leads out",
            Tar::new().long(b'K', b"../y").symlink("x", "y").end(),
        ),
        case(
            "tar: link with a NUL",
            "NUL",
            Tar::new()
                .pax(&[("linkpath", "a\0b")])
                .symlink("x", "y")
                .end(),
        ),
        case(
            "tar: behind a link",
            "behind a symbolic link",
            Tar::new()
                .folder("d")
                .symlink("x", "d")
                .file("x/y", b"1")
                .end(),
        ),
        case(
            "tar: behind a link out",
            "behind a symbolic link",
            Tar::new().symlink("x", "/etc").file("x/y", b"1").end(),
        ),
        case(
            "tar: a link in place of a folder",
            "name of a folder",
            Tar::new().file("x/y", b"1").symlink("x", "d").end(),
        ),
        case(
            "tar: a folder in place of a link",
            "name of a file or link",
            Tar::new().symlink("x", "d").folder("x").end(),
        ),
        case(
            "tar: a file in place of a link",
            "twice",
            Tar::new().symlink("x", "y").file("x", b"1").end(),
        ),
        case(
            "tar: a link in place of a file",
            "twice",
            Tar::new().file("x", b"1").symlink("x", "y").end(),
        ),
        case(
            "tar: hard link up",
            "..",
            Tar::new().hard_link("x", "../bundle").end(),
        ),
        case(
            "tar: absolute hard link",
            "absolute",
            Tar::new().hard_link("x", "/etc/passwd").end(),
        ),
        case(
            "tar: hard link to nothing",
            "does not come before",
            Tar::new().hard_link("x", "y").end(),
        ),
        case(
            "tar: hard link to what comes later",
            "does not come before",
            Tar::new().hard_link("x", "y").file("y", b"1").end(),
        ),
        case(
            "tar: hard link to itself",
            "does not come before",
            Tar::new().hard_link("x", "x").end(),
        ),
        case(
            "tar: hard link to a folder",
            "to a folder",
            Tar::new().folder("y").hard_link("x", "y").end(),
        ),
        case(
            "tar: hard link to the root",
            "to a folder",
            Tar::new().hard_link("x", ".").end(),
        ),
        case(
            "tar: hard link to a link",
            "to a symbolic link",
            Tar::new()
                .symlink("y", "appspec.yml")
                .hard_link("x", "y")
                .end(),
        ),
        case(
            "tar: hard link through a link",
            "through a symbolic link",
            Tar::new()
                .file("d/f", b"1")
                .symlink("y", "d")
                .hard_link("x", "y/f")
                .end(),
        ),
        case(
            "tar: hard link without a target",
            "no name",
            Tar::new().hard_link("x", "").end(),
        ),
        case(
            "tar: hard link over a file",
            "twice",
            Tar::new()
                .file("x", b"1")
                .hard_link("x", "appspec.yml")
                .end(),
        ),
        case(
            "tar: hard link up by GNU",
            "..",
            Tar::new().long(b'K', b"../y").hard_link("x", "y").end(),
        ),
    ]
}
