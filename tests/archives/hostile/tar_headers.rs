//! Headers of tar, and where it ends.

use super::{Case, case};
use crate::make::tar::{BLOCK, Tar, put};

pub fn headers() -> Vec<Case> {
    let changed = |at: usize, bytes: &'static [u8]| {
        Tar::new()
            .with("x", b'0', b"12345", move |h| put(h, at, bytes))
            .end()
    };
    let unsigned = {
        let mut bytes = Tar::new().file("x", b"1").end();
        bytes[2 * BLOCK] ^= 1;
        bytes
    };
    vec![
        case(
            "tar: character device",
            "device",
            Tar::new().entry("x", b'3', b"").end(),
        ),
        case(
            "tar: block device",
            "device",
            Tar::new().entry("x", b'4', b"").end(),
        ),
        case("tar: pipe", "pipe", Tar::new().entry("x", b'6', b"").end()),
        case(
            "tar: volume label",
            "kind that is not known",
            Tar::new().entry("x", b'V', b"").end(),
        ),
        case(
            "tar: part of several volumes",
            "kind that is not known",
            Tar::new().entry("x", b'M', b"").end(),
        ),
        case(
            "tar: list of a folder",
            "kind that is not known",
            Tar::new().entry("x", b'D', b"").end(),
        ),
        case(
            "tar: extension of Solaris",
            "kind that is not known",
            Tar::new().entry("x", b'X', b"").end(),
        ),
        case(
            "tar: unknown kind",
            "kind that is not known",
            Tar::new().entry("x", b'\xff', b"").end(),
        ),
        case("tar: wrong checksum", "checksum", unsigned),
        case(
            "tar: size is no number",
            "size that is not a number",
            changed(124, b"12x45678901\0"),
        ),
        case(
            "tar: no size",
            "size that is not a number",
            changed(124, &[0; 12]),
        ),
        case(
            "tar: negative size",
            "size that is not a number",
            changed(124, &[0xff; 12]),
        ),
        case(
            "tar: huge size",
            "size that is not a number",
            changed(124, b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ),
        case(
            "tar: larger than its bytes",
            "cut off",
            changed(124, b"00000010000\0"),
        ),
        case(
            "tar: smaller than its bytes",
            "checksum",
            Tar::new()
                .with("x", b'0', &[7; 1024], |h| put(h, 124, b"00000000001\0"))
                .end(),
        ),
        case(
            "tar: folder with a size",
            "no file and has a size",
            Tar::new().entry("x", b'5', b"1").end(),
        ),
        case(
            "tar: link with a size",
            "no file and has a size",
            Tar::new()
                .with("x", b'2', b"1", |h| put(h, 157, b"y"))
                .end(),
        ),
        case(
            "tar: hard link with a size",
            "no file and has a size",
            Tar::new()
                .with("x", b'1', b"1", |h| put(h, 157, b"appspec.yml"))
                .end(),
        ),
        case(
            "tar: owner is no number",
            "owner that is not a number",
            changed(108, b"root\0\0\0\0"),
        ),
        case(
            "tar: owner that no host has",
            "owner that no host has",
            changed(108, b"\x80\0\0\0\xff\xff\xff\xff"),
        ),
        case(
            "tar: negative group",
            "group that no host has",
            changed(116, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        ),
        case(
            "tar: mode is no number",
            "mode that is not a number",
            changed(100, b"rwxr-xr-"),
        ),
        case(
            "tar: time is no number",
            "time that is not a number",
            changed(136, b"yesterday\0\0\0"),
        ),
        case(
            "tar: device is no number",
            "letters where numbers",
            changed(329, b"x"),
        ),
        case(
            "tar: owner of an extension is no number",
            "letters where numbers",
            Tar::new()
                .with("p", b'x', &[], |h| put(h, 108, b"root\0"))
                .file("x", b"1")
                .end(),
        ),
        case(
            "tar: prefix where there is none",
            "beginning of a name",
            Tar::new()
                .with("x", b'0', b"", |h| {
                    put(h, 257, b"ustar  \0");
                    put(h, 345, b"..");
                })
                .end(),
        ),
        case(
            "tar: holes overlap",
            "holes where",
            Tar::new()
                .sparse("x", &[(0, 4), (2, 4)], 512, b"12345678")
                .end(),
        ),
        case(
            "tar: holes go backwards",
            "holes where",
            Tar::new()
                .sparse("x", &[(100, 4), (0, 4)], 512, b"12345678")
                .end(),
        ),
        case(
            "tar: holes go past the end",
            "holes where",
            Tar::new().sparse("x", &[(510, 8)], 512, b"12345678").end(),
        ),
        case(
            "tar: holes without their bytes",
            "holes where",
            Tar::new().sparse("x", &[(0, 4)], 512, b"12345678").end(),
        ),
        case(
            "tar: holes without a size",
            "holes where",
            Tar::new()
                .with("x", b'S', b"", |h| {
                    put(h, 257, b"ustar  \0");
                    put(h, 483, b"no");
                })
                .end(),
        ),
        case(
            "tar: holes of another format",
            "format that is not known",
            Tar::new().entry("x", b'S', b"").end(),
        ),
    ]
}

pub fn ends() -> Vec<Case> {
    let good = || Tar::new().file("x", &[7; 3000]).end();
    let cut = |length: usize| good()[..length].to_vec();
    vec![
        case("tar: cut in a header", "cut off", cut(2 * BLOCK + 100)),
        case("tar: cut in a file", "cut off", cut(4 * BLOCK)),
        case(
            "tar: cut before the padding",
            "cut off",
            cut(3 * BLOCK + 3000),
        ),
        case("tar: cut after the header", "cut off", cut(3 * BLOCK)),
        case(
            "tar: two archives",
            "goes on after its end",
            [good(), good()].concat(),
        ),
        case(
            "tar: something appended",
            "goes on after its end",
            [good(), b"more".to_vec()].concat(),
        ),
        case(
            "tar: something after much padding",
            "goes on after its end",
            [good(), vec![0; 100_000], vec![1]].concat(),
        ),
        case(
            "tar: garbage after an entry",
            "checksum",
            Tar::new().raw(&[7; BLOCK]).end(),
        ),
        case(
            "tar: an entry after half an end",
            "goes on after its end",
            Tar::new().raw(&[0; BLOCK]).file("x", b"1").end(),
        ),
    ]
}

/// What gzip would vouch for.
pub fn unsealed() -> Vec<Case> {
    let whole = Tar::new().file("x", b"1").0;
    vec![case("tar: no end mark", "cut off", whole)]
}
