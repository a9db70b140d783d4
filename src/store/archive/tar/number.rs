//! Numbers in tar headers.

/// A number: octal digits with blanks or NULs around them, or binary with the highest bit set. A field with nothing in it
/// is 0. Where one of the usual readers sees no number, none is seen here.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    match field.first()? {
        0x80 | 0xff => binary(field),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<i64> {
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' '));
    let (digits, rest) = digits.split_at(end.unwrap_or(digits.len()));
    if rest.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return None;
    }
    digits.iter().try_fold(0_i64, |number, digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// Two's complement; the bit after the highest is the sign.
fn binary(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let sign = if first & 0x40 == 0 { 0 } else { -1_i128 };
    let begin = sign << 6 | i128::from(first & 0x3f);
    let number = rest.iter().try_fold(begin, |number, byte| {
        number.checked_mul(256)?.checked_add(i128::from(*byte))
    });
    i64::try_from(number?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_tar_writes_them() {
        for (field, expected) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"00000000012", Some(0o12)),
            (b"\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"\x80\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff", Some(-1)),
            (b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"0000648\0", None),
            (b"+000644\0", None),
            (b"64\0x644\0", None),
            (b"\x8100\0", None),
            (b"-1\0", None),
            (b"0x1ff\0", None),
            (b"777777777777777777777777", None),
        ] {
            assert_eq!(number(field), expected, "{field:?}");
        }
    }
}
