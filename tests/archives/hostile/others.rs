//! What is no archive.

use super::{Case, case};
use crate::make::tar::{header, put, sign};
use crate::make::zip::zip;

pub fn not_archives() -> Vec<Case> {
    let mut old = header(b"x", b'0', 0);
    put(&mut old, 257, &[0; 8]);
    sign(&mut old);
    old[0] = b'y';
    vec![
        case("nothing", "it is empty", Vec::new()),
        case(
            "a text",
            "it is a text",
            b"version: 0.0\nos: linux\n".to_vec(),
        ),
        case(
            "an old tar with a wrong checksum",
            "something unknown",
            old.to_vec(),
        ),
        case("bzip2", "bzip2", b"BZh91AY&SY".to_vec()),
        case("xz", "by xz", b"\xfd7zXZ\0\0\x04".to_vec()),
        case("zstd", "by zstd", b"\x28\xb5\x2f\xfd\x04\0".to_vec()),
        case("7z", "7z", b"7z\xbc\xaf\x27\x1c\0\x04".to_vec()),
        case("rar", "rar", b"Rar!\x1a\x07\x01\0".to_vec()),
        case("package", "ar archive", b"!<arch>\ndebian-binary".to_vec()),
        case("rpm", "rpm", b"\xed\xab\xee\xdb\x03\0".to_vec()),
        case("program", "a program", b"\x7fELF\x02\x01\x01\0".to_vec()),
        case("split zip", "split zip", b"PK\x07\x08PK\x03\x04".to_vec()),
        case(
            "zip behind a script",
            "a text",
            [b"#!/bin/sh\nexit\n".repeat(60), zip(&[])].concat(),
        ),
    ]
}
