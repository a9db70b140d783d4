//! Taking records apart: little-endian numbers, and extra fields.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::super::error::ArchiveError;

/// A record's bytes, taken from the front. Records have a fixed size, so what is missing reads as nothing.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.bytes(2)?.try_into().ok()?))
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }
}

/// Reads a part of the file.
pub(super) fn read_at(file: &File, at: u64, length: usize) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(
            ArchiveError::archive("is cut off, or a record points out of it"),
        ),
        Err(error) => Err(ArchiveError::io("reading the bundle")(error)),
    }
}

/// The extra field of this kind.
///
/// # Errors
///
/// When the fields are not what their lengths say, or this one is there twice.
pub(super) fn extra(mut extra: &[u8], wanted: u16) -> Result<Option<&[u8]>, String> {
    let mut found = None;
    // Fewer bytes than a field's head are padding; some tools align with them.
    while extra.len() >= 4 {
        let mut fields = Fields(extra);
        let head = fields.u16().zip(fields.u16());
        let Some((id, value)) =
            head.and_then(|(id, length)| Some((id, fields.bytes(length.into())?)))
        else {
            return Err("has an extra field that is longer than all of them".to_owned());
        };
        if id == wanted && found.replace(value).is_some() {
            return Err(format!("has the extra field {id:#06x} twice"));
        }
        extra = fields.0;
    }
    Ok(found)
}
