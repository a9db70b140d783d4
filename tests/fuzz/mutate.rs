//! Archives to begin with, and what is done to them.

use crate::hostile;
use crate::make::gzip;
use crate::make::tar::{BLOCK, Tar, put, sign};
use crate::make::zip::{Entry, Zip, extra, zip};
use crate::random::Random;

/// Larger ones only take time.
const LARGEST: usize = 200_000;

/// Good archives, and all hostile ones: a change may well make them good.
pub fn seeds() -> Vec<Vec<u8>> {
    let hostile = hostile::cases().into_iter().map(|case| case.bytes);
    let all = good()
        .into_iter()
        .flat_map(|bytes| vec![bytes; 8])
        .chain(hostile);
    all.filter(|bytes| bytes.len() <= LARGEST && !bytes.starts_with(b"\x1f\x8b"))
        .collect()
}

fn good() -> Vec<Vec<u8>> {
    let tar = Tar::new()
        .extension(b'g', &[("comment", "0123456789abcdef")])
        .folder("d")
        .file("d/f", &[7; 700])
        .symlink("l", "d/f")
        .symlink("d/m", "../l")
        .hard_link("h", "d/f")
        .pax(&[("path", "é"), ("mtime", "1.5"), ("uid", "7")])
        .file("x", b"1")
        .long(b'L', &[b'n'; 200])
        .file("x", b"1")
        .long(b'K', &[b'n'; 200])
        .symlink("k", "x");
    let holes = Tar::new()
        .sparse("s", &[(512, 4), (600, 2)], 1024, b"123456")
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "t"),
            ("GNU.sparse.realsize", "900"),
        ])
        .file(
            "GNUSparseFile.0/t",
            &[&b"1\n512\n3\n"[..], &[0; BLOCK - 8], b"abc"].concat(),
        )
        .pax(&[("GNU.sparse.size", "900"), ("GNU.sparse.map", "0,1,9,2")])
        .file("u", b"abc");
    let nested = Tar::empty()
        .folder("repo")
        .file("repo/appspec.yml", b"version: 0.0\n")
        .symlink("repo/l", "appspec.yml");
    let entries = [
        Entry::folder("d/"),
        Entry::file("d/f", b"1"),
        Entry::file("g", &[7; 500]).deflated(),
        Entry::file("h", &[7; 500]).deflated().streamed(),
        Entry::symlink("l", "d/f"),
        Entry::symlink("d/m", "../l").deflated(),
        Entry::file("t", b"x").both(|head| head.extra = extra(0x5455, &[1, 0, 0, 0, 1])),
    ];
    let wide = Zip::new(&entries).wide(|_| {});
    vec![
        tar.end(),
        holes.end(),
        nested.end(),
        zip(&entries),
        wide.end(),
    ]
}

/// The archive of this seed.
pub fn mutant(seeds: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = random.pick(seeds).clone();
    let is_zip = bytes.starts_with(b"PK");
    for _ in 0..=random.below(4) {
        match random.below(10) {
            0 => flip(&mut bytes, &mut random),
            1 => cut(&mut bytes, &mut random),
            2 => move_chunk(&mut bytes, &mut random),
            3 => {
                let other = random.pick(seeds);
                splice(&mut bytes, other, &mut random);
            }
            _ if is_zip => zip_field(&mut bytes, &mut random),
            _ => tar_field(&mut bytes, &mut random),
        }
    }
    if is_zip || random.below(3) > 0 {
        return bytes;
    }
    let mut compressed = gzip(&bytes);
    if random.below(4) == 0 {
        flip(&mut compressed, &mut random);
    }
    compressed
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    if !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
}

fn cut(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    bytes.truncate(at);
}

/// Takes a chunk, in tar often whole blocks, and puts it somewhere else, or a copy of it.
fn move_chunk(bytes: &mut Vec<u8>, random: &mut Random) {
    let unit = *random.pick(&[1, BLOCK]);
    let place = |random: &mut Random, length: usize| random.below(length / unit + 1) * unit;
    let (one, other) = (place(random, bytes.len()), place(random, bytes.len()));
    let (from, to) = (one.min(other), one.max(other));
    let chunk = bytes[from..to].to_vec();
    if random.below(2) == 0 {
        bytes.drain(from..to);
    }
    let at = place(random, bytes.len());
    bytes.splice(at..at, chunk);
}

/// A part of another archive in place of the same part here.
fn splice(bytes: &mut [u8], other: &[u8], random: &mut Random) {
    let from = random.below(bytes.len().min(other.len())) / BLOCK * BLOCK;
    let to = (from + BLOCK * (1 + random.below(4)))
        .min(bytes.len())
        .min(other.len());
    if from < to {
        bytes[from..to].copy_from_slice(&other[from..to]);
    }
}

const NAMES: [&[u8]; 14] = [
    b"../x\0",
    b"/x\0",
    b"x\0",
    b"x/\0",
    b".\0",
    b"..\0",
    b"a/../b\0",
    b"d\0",
    b"d/f\0",
    b"l/x\0",
    b"\0",
    b"appspec.yml\0",
    b"h\0",
    b"\xff\\\0",
];

fn name(random: &mut Random) -> &'static [u8] {
    let at = random.below(NAMES.len());
    NAMES[at]
}

/// Changes a field of a header and repairs its checksum.
fn tar_field(bytes: &mut [u8], random: &mut Random) {
    let blocks = bytes.chunks_exact(BLOCK).enumerate();
    let headers: Vec<_> = blocks
        .filter(|(_, block)| block[257..].starts_with(b"ustar"))
        .map(|(at, _)| at)
        .collect();
    if headers.is_empty() {
        return flip(bytes, random);
    }
    let at = random.pick(&headers) * BLOCK;
    let header = &mut bytes[at..at + BLOCK];
    match random.below(8) {
        0 | 1 => put(header, 0, name(random)),
        2 => put(header, 157, name(random)),
        3 => header[156] = *random.pick(b"\x00012345678gxLKSDMVX"),
        4 => put(
            header,
            124,
            format!("{:011o}\0", random.below(2000)).as_bytes(),
        ),
        5 => put(header, 345, name(random)),
        6 => put(
            header,
            *random.pick(&[100, 108, 116, 136, 386, 398, 410, 483]),
            &[random.byte(), random.byte()],
        ),
        _ => {
            let at = random.below(BLOCK);
            header[at] = random.byte();
        }
    }
    sign(header);
}

/// Changes a number or a name in one of the records, or in two alike.
fn zip_field(bytes: &mut [u8], random: &mut Random) {
    let signatures: [&[u8]; 5] = [
        b"PK\x01\x02",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"PK\x07\x08",
    ];
    let records: Vec<_> = (0..bytes.len().saturating_sub(50))
        .filter(|at| {
            signatures
                .iter()
                .any(|signature| bytes[*at..].starts_with(signature))
        })
        .collect();
    if records.is_empty() {
        return flip(bytes, random);
    }
    let at = *random.pick(&records);
    if random.below(3) == 0 {
        // The same letter everywhere: names change before the bytes and in the directory alike.
        let old = *random.pick(b"dfghlmt/xy.a");
        let new = *random.pick(b"./\\d\0l\xff");
        bytes
            .iter_mut()
            .filter(|byte| **byte == old)
            .for_each(|byte| *byte = new);
    } else {
        let value = *random.pick(&[0, 1, 2, 8, 23, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff_u32]);
        let width = *random.pick(&[1, 2, 4]);
        let field = at + 4 + random.below(40);
        let end = (field + width).min(bytes.len());
        bytes[field..end].copy_from_slice(&value.to_le_bytes()[..end - field]);
    }
}
