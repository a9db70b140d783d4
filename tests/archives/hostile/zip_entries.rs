//! Names and entries of zip.

use super::{Case, case};
use crate::make::zip::{Entry, crc, extra, zip};

pub fn names() -> Vec<Case> {
    let one = |entry: Entry| zip(&[entry]);
    let file = |name: &str| one(Entry::file(name, b"x"));
    let windows = |name: &str| {
        one(Entry::file(name, b"x").change(|entry| (entry.made_by, entry.external) = (20, 0)))
    };
    let unicode = |name: &[u8], other: &[u8]| {
        let field = [&[1][..], &crc(name).to_le_bytes(), other].concat();
        one(Entry::file(name, b"x").both(|head| head.extra = extra(0x7075, &field)))
    };
    let deep = format!("{}x", "d/".repeat(64));
    vec![
        case("zip: up", "..", file("../x")),
        case("zip: down and up", "..", file("a/../../x")),
        case("zip: folder up", "..", one(Entry::folder("../"))),
        case("zip: absolute", "absolute", file("/etc/cutover-x")),
        case("zip: drive", "absolute", file("C:/x")),
        case("zip: up with backslashes", "..", windows("..\\x")),
        case(
            "zip: down and up with backslashes",
            "..",
            windows("a\\..\\..\\x"),
        ),
        case("zip: absolute with backslashes", "absolute", windows("\\x")),
        case("zip: drive with a backslash", "absolute", windows("C:\\x")),
        case("zip: no name", "no name", file("")),
        case("zip: NUL", "NUL", file("a\0b")),
        case("zip: the root is a file", "name of the root", file(".")),
        case("zip: long part", "more than 255", file(&"x".repeat(256))),
        case(
            "zip: long path",
            "more than 4096",
            file(&format!("{}x", "abcdefghij/".repeat(380))),
        ),
        case("zip: deep", "folders deep", file(&deep)),
        case(
            "zip: not UTF-8",
            "UTF-8",
            one(Entry::file(b"\xff", b"x").both(|head| head.flags |= 1 << 11)),
        ),
        case("zip: second name up", "two names", unicode(b"x", b"../x")),
        case(
            "zip: second name absolute",
            "absolute",
            unicode(b"a/x", b"/ax"),
        ),
        case(
            "zip: second name in a folder",
            "two names",
            unicode(b"x", b"a/x"),
        ),
        case(
            "zip: second name is not UTF-8",
            "UTF-8",
            unicode(b"x", b"\xff"),
        ),
        case(
            "zip: twice",
            "twice",
            zip(&[Entry::file("x", b"1"), Entry::file("x", b"2")]),
        ),
        case(
            "zip: twice by another spelling",
            "twice",
            zip(&[Entry::file("a/x", b"1"), Entry::file("./a//x", b"2")]),
        ),
        case(
            "zip: file and folder",
            "name of a file",
            zip(&[Entry::file("x", b"1"), Entry::folder("x/")]),
        ),
        case(
            "zip: below a file",
            "below a file",
            zip(&[Entry::file("x", b"1"), Entry::file("x/y", b"2")]),
        ),
        case(
            "zip: behind a link",
            "behind a symbolic link",
            zip(&[
                Entry::folder("d/"),
                Entry::symlink("x", "d"),
                Entry::file("x/y", b"2"),
            ]),
        ),
        case(
            "zip: link up",
            "leads out",
            one(Entry::symlink("x", "../y")),
        ),
        case(
            "zip: packed link up",
            "leads out",
            one(Entry::symlink("x", "../y").deflated()),
        ),
        case(
            "zip: absolute link",
            "leads out",
            one(Entry::symlink("x", "/etc/passwd")),
        ),
        case(
            "zip: link through a link",
            "leads out",
            zip(&[
                Entry::symlink("x", "a/here/../../y"),
                Entry::symlink("a/here", "."),
            ]),
        ),
        case(
            "zip: link to itself",
            "circle",
            one(Entry::symlink("x", "x")),
        ),
        case(
            "zip: link to nothing",
            "link to nothing",
            one(Entry::symlink("x", "")),
        ),
        case(
            "zip: link with a NUL",
            "NUL",
            one(Entry::symlink("x", "a\0b")),
        ),
        case(
            "zip: long link",
            "4096 bytes or more",
            one(Entry::symlink("x", &"a/".repeat(2500))),
        ),
    ]
}

pub fn entries() -> Vec<Case> {
    let one = |entry: Entry| zip(&[entry]);
    let kind = |mode: u32| one(Entry::new(b"x", b"", mode));
    let method = |method: u16| one(Entry::file("x", b"x").both(|head| head.method = method));
    let flag = |flag: u16| one(Entry::file("x", b"x").both(|head| head.flags |= flag));
    let packed =
        |change: fn(&mut Entry)| one(Entry::file("x", &[7; 3000]).deflated().change(change));
    let both = |change: fn(&mut crate::make::zip::Head)| {
        one(Entry::file("x", &[7; 3000]).deflated().both(change))
    };
    vec![
        case("zip: character device", "neither a file", kind(0o020_644)),
        case("zip: block device", "neither a file", kind(0o060_644)),
        case("zip: pipe", "neither a file", kind(0o010_644)),
        case("zip: socket", "neither a file", kind(0o140_644)),
        case(
            "zip: folder without a slash",
            "name of a file",
            kind(0o040_755),
        ),
        case(
            "zip: link with a slash",
            "name of a folder",
            one(Entry::symlink("x/", "y")),
        ),
        case(
            "zip: folder with a size",
            "folder and has a size",
            one(Entry::new(b"x/", b"1", 0o040_755)),
        ),
        case("zip: encrypted", "encrypted", flag(1)),
        case("zip: strongly encrypted", "encrypted", flag(1 | 1 << 6)),
        case("zip: hidden behind encryption", "encrypted", flag(1 << 13)),
        case("zip: patch", "patch", flag(1 << 5)),
        case("zip: shrunk", "PKZIP", method(1)),
        case("zip: imploded", "PKZIP", method(6)),
        case("zip: deflate64", "deflate64", method(9)),
        case("zip: bzip2", "bzip2", method(12)),
        case("zip: lzma", "lzma", method(14)),
        case("zip: zstd", "zstd", method(93)),
        case("zip: xz", "xz", method(95)),
        case("zip: AES", "encryption", method(99)),
        case("zip: unknown method", "unknown method", method(77)),
        case(
            "zip: wrong checksum",
            "checksum is wrong",
            both(|head| head.crc ^= 1),
        ),
        case(
            "zip: larger than it says",
            "another size",
            both(|head| head.size -= 1),
        ),
        case(
            "zip: smaller than it says",
            "another size",
            both(|head| head.size += 1),
        ),
        case(
            "zip: stored in another size",
            "another size",
            one(Entry::file("x", b"1234").both(|head| head.size = 3)),
        ),
        case(
            "zip: damaged",
            "damaged",
            packed(|entry| entry.bytes[0] = 0xff),
        ),
        case(
            "zip: more packed than needed",
            "another size",
            one(Entry::file("x", &[7; 300])
                .deflated()
                .both(|head| head.compressed += 1)
                .change(|entry| entry.bytes.push(0))),
        ),
        case(
            "zip: less packed than needed",
            "damaged",
            one(Entry::file("x", &[7; 300])
                .deflated()
                .both(|head| head.compressed -= 1)
                .change(|entry| {
                    entry.bytes.pop();
                })),
        ),
        case(
            "zip: extra field too long",
            "longer than all",
            one(Entry::file("x", b"x").both(|head| head.extra = vec![1, 2, 99, 0])),
        ),
        case(
            "zip: on another disk",
            "another part",
            one(Entry::file("x", b"x").change(|entry| entry.disk = 1)),
        ),
    ]
}
