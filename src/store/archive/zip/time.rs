//! When an entry was changed.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::super::member::Time;
use super::fields::Fields;

/// The time in the extra field that Unix tools write, if it has one.
pub(super) fn extended(field: &[u8]) -> Option<Time> {
    let mut field = Fields(field);
    let has_modified = field.bytes(1)?[0] & 1 != 0;
    let seconds = field.u32().filter(|_| has_modified)?;
    Some(Time {
        // Signed, as `unzip` has it: times end in 2038.
        seconds: seconds.cast_signed().into(),
        nanoseconds: 0,
    })
}

/// A time of DOS, which is local, and whole to two seconds. One that is no time is the first that is.
pub(super) fn dos(date: u16, time: u16) -> Time {
    let bits = |value: u16, from: u32, count: u32| (value >> from) & ((1 << count) - 1);
    let small = |value: u16| i8::try_from(value).unwrap_or(0);
    let year = i16::try_from(1980 + bits(date, 9, 7)).unwrap_or(1980);
    let civil = DateTime::new(
        year,
        small(bits(date, 5, 4)),
        small(bits(date, 0, 5)),
        small(bits(time, 11, 5)),
        small(bits(time, 5, 6)),
        small(bits(time, 0, 5) * 2),
        0,
    );
    let civil = civil.unwrap_or_else(|_| DateTime::constant(1980, 1, 1, 0, 0, 0, 0));
    let zoned = civil.to_zoned(TimeZone::system());
    Time {
        seconds: zoned.map_or(0, |zoned| zoned.timestamp().as_second()),
        nanoseconds: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dos_times_are_local_and_never_fail() {
        let civil = |time: Time| {
            let timestamp = jiff::Timestamp::from_second(time.seconds).unwrap();
            timestamp
                .to_zoned(TimeZone::system())
                .datetime()
                .to_string()
        };
        assert_eq!(civil(dos(0x585d, 0xbf7d)), "2024-02-29T23:59:58");
        assert_eq!(civil(dos(0, 0)), "1980-01-01T00:00:00");
        for date in (0..=u16::MAX).step_by(97) {
            dos(date, !date);
        }
    }

    #[test]
    fn the_unix_time_may_be_missing() {
        assert_eq!(
            extended(b"\x01\0\xf1\x53\x65").unwrap().seconds,
            1_700_000_000
        );
        assert_eq!(extended(b"\x02\0\xf1\x53\x65"), None);
        assert_eq!(extended(b"\x01"), None);
    }
}
