//! Files with holes: GNU's old headers, and its three pax formats.

use std::io::Read;

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::super::data::Piece;
use super::super::error::ArchiveError;
use super::super::limits::Limits;
use super::number::number;
use super::pax::{Pax, unsigned};
use super::{BLOCK, Stored, fill};

/// How a file lies in the archive.
pub(super) struct Map {
    pub size: u64,
    pub pieces: Vec<Piece>,
}

/// Where a file's bytes belong. `stored` is at the beginning of the entry's data.
///
/// # Errors
///
/// Outside: the archive cannot be read. Inside: what is wrong with the map.
pub(super) fn map(
    header: &Header,
    pax: &Pax,
    size: u64,
    stored: &mut Stored<'_>,
    limits: &Limits,
) -> Result<Result<Map, String>, ArchiveError> {
    let most = limits.entries;
    let old = header.entry_type().is_gnu_sparse();
    let (numbers, real) = if old {
        let Some(gnu) = header.as_gnu() else {
            return Ok(Err("has holes in a format that is not known".to_owned()));
        };
        let mut numbers = Vec::new();
        push(&mut numbers, &gnu.sparse);
        let mut more = gnu.is_extended();
        while more {
            let mut extension = GnuExtSparseHeader::new();
            fill(stored.stream, extension.as_mut_bytes())?;
            push(&mut numbers, &extension.sparse);
            more = extension.is_extended();
            if numbers.len() > most * 2 {
                return Ok(Err("has too many holes".to_owned()));
            }
        }
        let real = number(&gnu.realsize).and_then(|size| u64::try_from(size).ok());
        (numbers.into_iter().collect::<Option<Vec<_>>>(), real)
    } else if pax.sparse.version == (Some(1), Some(0)) {
        (leading_map(stored, most)?, pax.sparse.size)
    } else if pax.sparse.is_there() {
        let unknown = pax.sparse.version != (None, None);
        let numbers = Some(pax.sparse.map.clone()).filter(|_| !unknown);
        (numbers, pax.sparse.size)
    } else {
        let whole = Piece {
            offset: 0,
            length: size,
        };
        return Ok(Ok(Map {
            size,
            pieces: vec![whole],
        }));
    };
    if old && pax.sparse.is_there() {
        return Ok(Err("has two maps of its holes".to_owned()));
    }
    if header
        .as_gnu()
        .is_some_and(|gnu| old && gnu.isextended[0] > 1)
    {
        // Some readers take anything but zero for "more follows".
        return Ok(Err(
            "has holes, and leaves open whether more follow".to_owned()
        ));
    }
    let pieces = numbers
        .zip(real)
        .and_then(|(numbers, real)| Some((pieces(&numbers, real, stored.left)?, real)));
    Ok(match pieces {
        Some((pieces, size)) => Ok(Map { size, pieces }),
        None => Err("has holes where there can be none".to_owned()),
    })
}

/// The numbers of a header's map. An entry without a length ends it.
fn push(numbers: &mut Vec<Option<u64>>, fields: &[GnuSparseHeader]) {
    for field in fields.iter().filter(|field| !field.is_empty()) {
        for bytes in [&field.offset, &field.numbytes] {
            numbers.push(number(bytes).and_then(|number| u64::try_from(number).ok()));
        }
    }
}

/// The map at the beginning of the data: decimal numbers, each with a line of its own, in whole blocks.
fn leading_map(stored: &mut Stored<'_>, most: usize) -> Result<Option<Vec<u64>>, ArchiveError> {
    let mut numbers = Vec::new();
    let mut wanted = None;
    let mut line = Vec::new();
    loop {
        let mut block = [0; BLOCK];
        if stored.left < BLOCK as u64 {
            return Ok(None);
        }
        stored.read_exact(&mut block).map_err(super::cut_off)?;
        for byte in block {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            let Some(number) = unsigned(&line) else {
                return Ok(None);
            };
            line.clear();
            match wanted {
                None if number > most as u64 => return Ok(None),
                None => wanted = usize::try_from(number).ok().map(|count| count * 2),
                Some(_) => numbers.push(number),
            }
            if wanted == Some(numbers.len()) {
                return Ok(Some(numbers));
            }
        }
        if line.len() > BLOCK {
            return Ok(None);
        }
    }
}

/// The pieces, if they come one after the other, lie within the file and take exactly what is stored.
fn pieces(numbers: &[u64], size: u64, stored: u64) -> Option<Vec<Piece>> {
    let mut pieces = Vec::with_capacity(numbers.len() / 2);
    let (mut end, mut sum) = (0, 0_u64);
    for pair in numbers.chunks(2) {
        let [offset, length] = *pair else {
            return None;
        };
        if offset < end {
            return None;
        }
        end = offset.checked_add(length)?;
        sum = sum.checked_add(length)?;
        pieces.push(Piece { offset, length });
    }
    (end <= size && sum == stored).then_some(pieces)
}
