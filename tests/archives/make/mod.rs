//! Archives, made byte by byte: no library makes bad ones.

pub mod tar;
pub mod zip;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The same, compressed by gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
