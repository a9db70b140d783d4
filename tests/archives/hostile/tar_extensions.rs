//! Extensions of tar.

use super::{Case, case};
use crate::make::tar::{Tar, put};

pub fn extensions() -> Vec<Case> {
    let raw = |bytes: &[u8]| {
        Tar::new()
            .entry("PaxHeaders/x", b'x', bytes)
            .file("x", b"1")
            .end()
    };
    let pax = |records: &[(&str, &str)]| Tar::new().pax(records).file("x", b"12345").end();
    let hidden = {
        // A reader that believes pax sees one file; one that believes the header sees another archive's entries in it.
        let inner = Tar::empty().file("hidden", b"1").0;
        Tar::new().pax(&[("size", "0")]).file("x", &inner).end()
    };
    let shown = {
        let inner = Tar::empty().file("hidden", b"1").0;
        let length = inner.len().to_string();
        Tar::new()
            .pax(&[("size", &length)])
            .file("x", b"")
            .raw(&inner)
            .end()
    };
    let map_1_0 = |records: &[(&str, &str)], data: &[u8]| {
        Tar::new()
            .pax(records)
            .file("GNUSparseFile.0/x", data)
            .end()
    };
    let sparse = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "x"),
        ("GNU.sparse.realsize", "1000"),
    ];
    vec![
        case(
            "tar: pax size smaller than the header's",
            "by its pax extension",
            hidden,
        ),
        case(
            "tar: pax size larger than the header's",
            "by its pax extension",
            shown,
        ),
        case(
            "tar: pax size is no number",
            "bad or a second",
            pax(&[("size", "five")]),
        ),
        case(
            "tar: pax size with a sign",
            "bad or a second",
            pax(&[("size", "+5")]),
        ),
        case(
            "tar: pax size is empty",
            "bad or a second",
            pax(&[("size", "")]),
        ),
        case(
            "tar: two pax names",
            "bad or a second",
            pax(&[("path", "a"), ("path", "b")]),
        ),
        case(
            "tar: two pax sizes",
            "bad or a second",
            pax(&[("size", "5"), ("size", "5")]),
        ),
        case(
            "tar: pax owner is no number",
            "bad or a second",
            pax(&[("uid", "-1")]),
        ),
        case(
            "tar: pax owner that no host has",
            "owner that no host has",
            pax(&[("uid", "4294967295")]),
        ),
        case(
            "tar: pax time is no number",
            "bad or a second",
            pax(&[("mtime", "1e9")]),
        ),
        case(
            "tar: pax record too short",
            "not what its length says",
            raw(b"5 path=a\n"),
        ),
        case(
            "tar: pax record too long",
            "not what its length says",
            raw(b"99 path=a\n"),
        ),
        case(
            "tar: pax record of no length",
            "not what its length says",
            raw(b"0 path=a\n"),
        ),
        case(
            "tar: pax record with a sign",
            "not what its length says",
            raw(b"+9 path=a\n"),
        ),
        case(
            "tar: pax record without a key",
            "not what its length says",
            raw(b"5 =a\n"),
        ),
        case(
            "tar: pax record without a value",
            "not what its length says",
            raw(b"7 path\n"),
        ),
        case(
            "tar: pax record with a huge length",
            "not what its length says",
            raw(b"99999999999999999999 path=a\n"),
        ),
        case(
            "tar: two pax extensions",
            "second extension",
            Tar::new()
                .pax(&[("path", "a")])
                .pax(&[("path", "b")])
                .file("x", b"1")
                .end(),
        ),
        case(
            "tar: two GNU names",
            "second extension",
            Tar::new()
                .long(b'L', b"a")
                .long(b'L', b"b")
                .file("x", b"1")
                .end(),
        ),
        case(
            "tar: two GNU targets",
            "second extension",
            Tar::new()
                .long(b'K', b"a")
                .long(b'K', b"b")
                .symlink("x", "y")
                .end(),
        ),
        case(
            "tar: a name by pax and by GNU",
            "named twice",
            Tar::new()
                .long(b'L', b"a")
                .pax(&[("path", "b")])
                .file("x", b"1")
                .end(),
        ),
        case(
            "tar: a target by pax and by GNU",
            "named twice",
            Tar::new()
                .long(b'K', b"a")
                .pax(&[("linkpath", "b")])
                .symlink("x", "y")
                .end(),
        ),
        case(
            "tar: perhaps more holes",
            "leaves open whether more follow",
            Tar::new()
                .with("x", b'S', b"1", |header| {
                    put(header, 257, b"ustar  \0");
                    put(header, 386, b"00000000000\x0000000000001\0");
                    put(header, 482, b"\xaf00000000001\0");
                })
                .end(),
        ),
        case(
            "tar: a name by GNU and of a sparse file",
            "named twice",
            Tar::new()
                .long(b'L', b"a")
                .pax(&[
                    ("GNU.sparse.major", "1"),
                    ("GNU.sparse.minor", "0"),
                    ("GNU.sparse.name", "b"),
                    ("GNU.sparse.realsize", "1"),
                ])
                .file("x", b"1\n0\n1\n")
                .end(),
        ),
        case(
            "tar: a long name that is longer than it says",
            "longer than it says",
            Tar::new()
                .with("././@LongLink", b'L', b"ab", |header| {
                    put(header, 124, b"00000000001\0");
                })
                .file("x", b"1")
                .end(),
        ),
        case(
            "tar: a folder's name in the header of a file with a long name",
            "folder by its header",
            Tar::new().long(b'L', b"a").entry("x/", 0, b"1").end(),
        ),
        case(
            "tar: nonsense where pax says the time",
            "time that is not a number",
            Tar::new()
                .pax(&[("mtime", "1")])
                .with("x", b'0', b"1", |header| {
                    put(header, 136, b"/\x95524770400\0");
                })
                .end(),
        ),
        case(
            "tar: extension without an entry",
            "should follow its extension",
            Tar::new().pax(&[("path", "b")]).end(),
        ),
        case(
            "tar: extension for all without an entry",
            "should follow its extension",
            Tar::new().extension(b'g', &[("comment", "c")]).end(),
        ),
        case(
            "tar: GNU name without an entry",
            "should follow its extension",
            Tar::new().long(b'L', b"b").end(),
        ),
        case(
            "tar: one name for all",
            "same name or size",
            Tar::new()
                .extension(b'g', &[("path", "b")])
                .file("x", b"1")
                .end(),
        ),
        case(
            "tar: one size for all",
            "same name or size",
            Tar::new()
                .extension(b'g', &[("size", "1")])
                .file("x", b"1")
                .end(),
        ),
        case(
            "tar: one target for all",
            "same name or size",
            Tar::new()
                .extension(b'g', &[("linkpath", "y")])
                .symlink("x", "z")
                .end(),
        ),
        case(
            "tar: long GNU name",
            "extension that is too long",
            Tar::new().long(b'L', &[b'a'; 5000]).file("x", b"1").end(),
        ),
        case(
            "tar: huge pax extension",
            "extension that is too long",
            Tar::new()
                .with("p", b'x', b"", |h| put(h, 124, b"77777777777\0"))
                .end(),
        ),
        case(
            "tar: pax extension cut off",
            "cut off",
            Tar::new()
                .with("p", b'x', b"", |h| put(h, 124, b"00000001000\0"))
                .0,
        ),
        case(
            "tar: map of holes is no map",
            "holes where",
            map_1_0(&sparse, b"many\n"),
        ),
        case(
            "tar: map of too many holes",
            "holes where",
            map_1_0(&sparse, format!("{:0512}", 0).as_bytes()),
        ),
        case(
            "tar: map is longer than the data",
            "holes where",
            map_1_0(&sparse, b"2\n0\n1\n"),
        ),
        case(
            "tar: map goes up",
            "..",
            map_1_0(
                &[
                    ("GNU.sparse.major", "1"),
                    ("GNU.sparse.minor", "0"),
                    ("GNU.sparse.name", "../x"),
                    ("GNU.sparse.realsize", "0"),
                ],
                &[],
            ),
        ),
        case(
            "tar: map of another version",
            "holes where",
            map_1_0(
                &[
                    ("GNU.sparse.major", "2"),
                    ("GNU.sparse.minor", "0"),
                    ("GNU.sparse.realsize", "9"),
                ],
                b"",
            ),
        ),
        case(
            "tar: odd map",
            "holes where",
            map_1_0(
                &[("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,1,2")],
                b"1",
            ),
        ),
        case(
            "tar: map with other keys",
            "bad or a second",
            map_1_0(&[("GNU.sparse.surprise", "9")], b"1"),
        ),
        case(
            "tar: folder with holes",
            "holes and is no file",
            Tar::new().pax(&sparse).folder("x").end(),
        ),
        case(
            "tar: map out of order",
            "bad or a second",
            map_1_0(&[("GNU.sparse.numbytes", "9")], b"1"),
        ),
    ]
}
