//! Records of zip that disagree, and where it ends.

use super::{Case, case};
use crate::make::zip::{Entry, Zip, extra, zip};

pub fn disagreements() -> Vec<Case> {
    let local = |change: fn(&mut crate::make::zip::Head)| {
        zip(&[Entry::file("x", b"12345").change(|entry| change(&mut entry.local))])
    };
    let entry = |change: fn(&mut Entry)| zip(&[Entry::file("x", b"12345").change(change)]);
    let streamed = |change: fn(&mut Vec<u8>)| {
        zip(&[Entry::file("x", b"12345")
            .deflated()
            .streamed()
            .change(|entry| change(&mut entry.after))])
    };
    let wide = |value: &[u8]| {
        zip(&[Entry::file("x", b"12345").change(|entry| {
            entry.central.extra = extra(1, value);
            entry.central.size = u32::MAX;
        })])
    };
    let overlap = zip(&[
        Entry::file("x", b"1"),
        Entry::file("y", b"2").change(|entry| entry.begin = Some(0)),
    ]);
    let shared = {
        // Two records of one entry: what makes the smallest bombs.
        let entry = Entry::file("x", b"12345");
        let begin = 30 + 11 + 23;
        zip(&[
            entry.clone(),
            entry.change(|entry| entry.begin = Some(begin)),
        ])
    };
    let inside = {
        let inner = Entry::file("y", b"1");
        let hidden = Zip::of(&[inner]).bytes;
        zip(&[
            Entry::file("x", &hidden),
            Entry::file("y", b"1").change(|entry| entry.begin = Some(30 + 11 + 23 + 31)),
        ])
    };
    let gap = Zip::with_gaps(
        &[Entry::file("appspec.yml", b"x"), Entry::file("y", b"1")],
        b"gap!",
    )
    .end();
    let unlisted = {
        let all = Zip::new(&[Entry::file("hidden", b"1")]);
        let only = Zip::new(&[]);
        let mut bytes = all.bytes[..all.directory].to_vec();
        let directory = bytes.len();
        bytes.extend(&only.bytes[only.directory..]);
        Zip {
            bytes,
            directory,
            count: 1,
            end: [None; 4],
            comment: Vec::new(),
        }
        .end()
    };
    let extra_byte = zip(&[
        Entry::file("x", b"1").change(|entry| entry.after = vec![0]),
        Entry::file("y", b"1"),
    ]);
    vec![
        case(
            "zip: another name before the bytes",
            "another name",
            local(|head| head.name = b"y".to_vec()),
        ),
        case(
            "zip: a longer name before the bytes",
            "another name",
            local(|head| head.name = b"../../x".to_vec()),
        ),
        case(
            "zip: another size before the bytes",
            "another size or checksum than",
            local(|head| head.size = 4),
        ),
        case(
            "zip: another packed size before the bytes",
            "another size or checksum than",
            local(|head| head.compressed = 4),
        ),
        case(
            "zip: another checksum before the bytes",
            "another size or checksum than",
            local(|head| head.crc ^= 1),
        ),
        case(
            "zip: no sizes before the bytes",
            "another size or checksum than",
            local(|head| (head.size, head.compressed, head.crc) = (0, 0, 0)),
        ),
        case(
            "zip: another method before the bytes",
            "another way",
            local(|head| head.method = 8),
        ),
        case(
            "zip: encrypted before the bytes",
            "another way",
            local(|head| head.flags = 1),
        ),
        case(
            "zip: streamed before the bytes",
            "another way",
            local(|head| head.flags = 8),
        ),
        case(
            "zip: streamed in the directory",
            "another way",
            entry(|entry| entry.central.flags = 8),
        ),
        case(
            "zip: wide size before the bytes without one",
            "no sizes",
            local(|head| head.size = u32::MAX),
        ),
        case(
            "zip: another size behind the bytes",
            "behind it",
            streamed(|after| after[12] ^= 1),
        ),
        case(
            "zip: another packed size behind the bytes",
            "behind it",
            streamed(|after| after[8] ^= 1),
        ),
        case(
            "zip: another checksum behind the bytes",
            "behind it",
            streamed(|after| after[4] ^= 1),
        ),
        case(
            "zip: no signature behind the bytes",
            "behind it",
            streamed(|after| after[0] ^= 1),
        ),
        case(
            "zip: something behind the numbers",
            "no record knows",
            streamed(|after| after.push(0)),
        ),
        case(
            "zip: nothing behind the bytes",
            "another size or checksum than",
            streamed(Vec::clear),
        ),
        case(
            "zip: wide size too short",
            "zip64 field",
            wide(&[5, 0, 0, 0]),
        ),
        case(
            "zip: wide size with more",
            "zip64 field",
            wide(&[5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]),
        ),
        case(
            "zip: wide size that is not needed",
            "zip64 field",
            entry(|entry| entry.central.extra = extra(1, &[9, 0, 0, 0, 0, 0, 0, 0])),
        ),
        case(
            "zip: no wide size",
            "zip64 field",
            entry(|entry| entry.central.size = u32::MAX),
        ),
        case(
            "zip: two wide sizes",
            "twice",
            entry(|entry| {
                entry.central.extra = [
                    extra(1, &[5, 0, 0, 0, 0, 0, 0, 0]),
                    extra(1, &[6, 0, 0, 0, 0, 0, 0, 0]),
                ]
                .concat();
            }),
        ),
        case(
            "zip: huge wide size",
            "another size or checksum than",
            wide(&[255, 255, 255, 255, 255, 255, 255, 127]),
        ),
        case("zip: entries overlap", "overlap", overlap),
        case("zip: two records of one entry", "overlap", shared),
        case("zip: an entry in an entry", "overlap", inside),
        case("zip: something before every entry", "not a zip", gap),
        case(
            "zip: an entry that is not in the directory",
            "no record knows",
            unlisted,
        ),
        case("zip: a byte between entries", "no record knows", extra_byte),
        case(
            "zip: begins nowhere",
            "followed by something that no record knows",
            entry(|entry| entry.begin = Some(0x7fff_ffff)),
        ),
        case(
            "zip: a name that only the entry itself calls UTF-8",
            "not UTF-8",
            zip(&[Entry::file(b"\xff", b"1").change(|entry| entry.local.flags |= 1 << 11)]),
        ),
        case(
            "zip: no signature before the bytes",
            "not where the directory says",
            {
                let second = 30 + 11 + 23;
                zip(&[Entry::file("x", b"1")]).tap(|bytes| bytes[second] = b'Q')
            },
        ),
    ]
}

pub fn ends() -> Vec<Case> {
    let good = || zip(&[Entry::file("x", b"12345")]);
    let end = |index: usize, value: u32| {
        let mut zip = Zip::new(&[Entry::file("x", b"12345")]);
        zip.end[index] = Some(value);
        zip.end()
    };
    let wide =
        |change: fn(&mut [u64; 6])| Zip::new(&[Entry::file("x", b"12345")]).wide(change).end();
    let comment = |comment: &[u8]| {
        let mut zip = Zip::new(&[Entry::file("x", b"12345")]);
        zip.comment = comment.to_vec();
        zip.end()
    };
    let cut = |cut: usize| good()[..good().len() - cut].to_vec();
    vec![
        case(
            "zip: something appended",
            "appended",
            [good(), b"x".to_vec()].concat(),
        ),
        case(
            "zip: a second archive",
            "has a directory that is not where",
            [good(), good()].concat(),
        ),
        case(
            "zip: a second archive in the comment",
            "directory that is not where",
            comment(&good()),
        ),
        case(
            "zip: an end record in the comment",
            "two archives",
            comment(b"PK\x05\x06"),
        ),
        case("zip: cut in the end record", "cut off", cut(4)),
        case("zip: cut before the end record", "cut off", cut(22)),
        case("zip: cut in the directory", "cut off", cut(40)),
        case("zip: cut in an entry", "cut off", good()[..40].to_vec()),
        case("zip: only a signature", "cut off", b"PK\x03\x04".to_vec()),
        case(
            "zip: fewer than it says",
            "fewer entries",
            Zip {
                end: [Some(3), Some(3), None, None],
                ..Zip::new(&[Entry::file("x", b"1")])
            }
            .end(),
        ),
        case(
            "zip: more than it says",
            "more in its directory",
            Zip {
                end: [Some(1), Some(1), None, None],
                ..Zip::new(&[Entry::file("x", b"1")])
            }
            .end(),
        ),
        case(
            "zip: none, as it says",
            "more in its directory",
            Zip {
                end: [Some(0), Some(0), None, None],
                ..Zip::new(&[])
            }
            .end(),
        ),
        case("zip: counts that disagree", "split", end(0, 1)),
        case(
            "zip: directory elsewhere",
            "directory that is not where",
            end(3, 7),
        ),
        case(
            "zip: directory too small",
            "directory that is not where",
            end(2, 7),
        ),
        case(
            "zip: directory too large",
            "directory that is not where",
            end(2, 7000),
        ),
        case(
            "zip: needs zip64 and has none",
            "needs a zip64",
            end(3, u32::MAX),
        ),
        case(
            "zip: count needs zip64",
            "needs a zip64",
            Zip {
                end: [Some(0xffff), Some(0xffff), None, None],
                ..Zip::new(&[])
            }
            .end(),
        ),
        case(
            "zip: zip64 with another count",
            "disagree",
            wide(|n| (n[1], n[2]) = (1, 1)),
        ),
        case(
            "zip: zip64 with another size",
            "disagree",
            wide(|n| n[3] -= 1),
        ),
        case(
            "zip: zip64 with another begin",
            "disagree",
            wide(|n| n[4] += 1),
        ),
        case(
            "zip: zip64 with two counts",
            "zip64 end record",
            wide(|n| n[1] = 1),
        ),
        case(
            "zip: zip64 of another size",
            "zip64 end record",
            wide(|n| n[0] = 45),
        ),
        case(
            "zip: zip64 elsewhere",
            "zip64 end record",
            wide(|n| n[5] -= 1),
        ),
        case(
            "zip: zip64 far away",
            "zip64 end record",
            wide(|n| n[5] = u64::MAX),
        ),
        case("zip: part of a split archive", "split", {
            let mut bytes = good();
            let at = bytes.len() - 18;
            bytes[at] = 1;
            bytes
        }),
        case(
            "zip: no entry in the directory",
            "something else than entries",
            {
                let zip = Zip::new(&[]);
                let at = zip.directory;
                zip.end().tap(|bytes| bytes[at] = b'Q')
            },
        ),
        case(
            "zip: empty with something in it",
            "directory does not know",
            {
                let mut zip = Zip::of(&[Entry::file("x", b"1")]);
                zip.bytes.truncate(zip.directory);
                zip.count = 0;
                zip.end()
            },
        ),
    ]
}

/// Changes a value in passing.
trait Tap: Sized {
    fn tap(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Tap for Vec<u8> {}
