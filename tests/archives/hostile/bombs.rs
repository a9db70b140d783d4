//! Archives that are too much, and gzip.

use super::{Case, case, limited};
use crate::make::gzip;
use crate::make::tar::{Tar, put};
use crate::make::zip::{Entry, zip};
use cutover::store::archive::Limits;

pub fn bombs() -> Vec<Case> {
    let zeros = vec![0; 3_000_000];
    let tar = Tar::new().file("x", &zeros).end();
    let many = (0..50).fold(Tar::new(), |tar, n| tar.file(format!("f{n}"), b""));
    let folders = Tar::new().file("a/b/c/d/e/f/g/h", b"");
    let again = (0..50).fold(Tar::new(), |tar, _| tar.folder("same"));
    let small = |limits: &mut Limits| limits.unpacked = 1_000_000;
    let ratio = |limits: &mut Limits| (limits.ratio, limits.ratio_floor) = (20, 1_000_000);
    let count = |limits: &mut Limits| limits.entries = 40;
    let bomb = zip(&[Entry::file("x", &zeros).deflated()]);
    let files: Vec<_> = (0..50).map(|n| Entry::file(format!("f{n}"), b"")).collect();
    vec![
        limited("bomb: large tar", "more than 976.5 KiB", tar.clone(), small),
        limited(
            "bomb: large tar.gz",
            "more than 976.5 KiB",
            gzip(&tar),
            small,
        ),
        limited(
            "bomb: large zip",
            "more than 976.5 KiB",
            bomb.clone(),
            small,
        ),
        limited("bomb: dense tar.gz", "20 times", gzip(&tar), ratio),
        limited("bomb: dense zip", "20 times", bomb, ratio),
        limited(
            "bomb: zeros after the end",
            "20 times",
            gzip(&[Tar::new().end(), zeros.clone()].concat()),
            ratio,
        ),
        limited(
            "bomb: dense holes",
            "20 times",
            Tar::new().sparse("x", &[], 3_000_000, b"").end(),
            ratio,
        ),
        case(
            "bomb: huge holes",
            "more than 10.0 GiB",
            Tar::new()
                .with("x", b'S', b"", |h| {
                    put(h, 257, b"ustar  \0");
                    put(h, 483, b"777777777777");
                })
                .end(),
        ),
        limited(
            "bomb: archive too large",
            "at most 976.5 KiB",
            tar,
            |limits| {
                limits.compressed = 1_000_000;
            },
        ),
        limited(
            "bomb: many entries in tar",
            "more than 40 files",
            many.clone().end(),
            count,
        ),
        limited(
            "bomb: many entries in tar.gz",
            "more than 40 files",
            gzip(&many.end()),
            count,
        ),
        limited(
            "bomb: many entries in zip",
            "more than 40 files",
            zip(&files),
            count,
        ),
        limited(
            "bomb: the same folder again and again",
            "more than 40 files",
            again.end(),
            count,
        ),
        limited(
            "bomb: folders that are only named",
            "more than 5 files",
            folders.end(),
            |limits| limits.entries = 5,
        ),
        limited(
            "bomb: names",
            "names have more than",
            Tar::new().file("x".repeat(90), b"").end(),
            |limits| limits.names = 80,
        ),
        limited(
            "bomb: names in zip",
            "names have more than",
            zip(&[Entry::file("x".repeat(90), b"")]),
            |limits| limits.names = 80,
        ),
        limited(
            "bomb: sum of sizes",
            "more than 976.5 KiB",
            zip(&[
                Entry::file("x", &zeros[..600_000]).deflated(),
                Entry::file("y", &zeros[..600_000]).deflated(),
            ]),
            small,
        ),
    ]
}

pub fn gzips() -> Vec<Case> {
    let good = || gzip(&Tar::new().file("x", &[7; 3000]).end());
    let changed = |at: fn(usize) -> usize| {
        let mut bytes = good();
        let at = at(bytes.len());
        bytes[at] ^= 0x55;
        bytes
    };
    let cut = |cut: usize| {
        let bytes = good();
        bytes[..bytes.len() - cut].to_vec()
    };
    vec![
        case(
            "gzip: wrong checksum",
            "damaged",
            changed(|length| length - 8),
        ),
        case("gzip: wrong size", "damaged", changed(|length| length - 4)),
        case("gzip: cut in its last bytes", "damaged", cut(4)),
        case("gzip: without its last bytes", "damaged", cut(8)),
        case("gzip: cut in its data", "damaged", cut(30)),
        case("gzip: only its head", "damaged", good()[..10].to_vec()),
        case("gzip: half its head", "damaged", good()[..4].to_vec()),
        case(
            "gzip: something appended",
            "damaged",
            [good(), b"more".to_vec()].concat(),
        ),
        case(
            "gzip: something behind zeros",
            "goes on after its end",
            [good(), vec![0; 100_000], b"more".to_vec()].concat(),
        ),
        case(
            "gzip: a second archive behind zeros",
            "goes on after its end",
            [good(), vec![0; 1000], good()].concat(),
        ),
        case(
            "gzip: a second archive",
            "goes on after its end",
            [good(), good()].concat(),
        ),
        case("gzip: another method", "damaged", changed(|_| 2)),
        case("gzip: not of a tar", "no tar archive", gzip(&[b'x'; 2000])),
        case(
            "gzip: of a zip",
            "no tar archive",
            gzip(&zip(&[Entry::file("x", &[1; 1000])])),
        ),
        case("gzip: of a gzip", "cut off", gzip(&good())),
        case("gzip: of nothing", "cut off", gzip(b"")),
    ]
}
