//! By what a key is known: the digest of its public half.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use webpki::EndEntityCert;

/// How a pin begins as text.
const PREFIX: &str = "sha256:";

/// What fingerprints are made of: letters and digits that can't be taken for one another, however they are read aloud.
const ALPHABET: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The SHA-256 of a public key (its `SubjectPublicKeyInfo`, as RFC 7469 §2.4 pins it): whatever certificate a key comes in, it
/// is known by this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin([u8; 32]);

/// This is no pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no pin of a key: it is sha256: and 64 hexadecimal digits")]
pub struct PinError(String);

impl Pin {
    /// The pin of a certificate's key.
    ///
    /// # Errors
    /// If this is no certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, webpki::Error> {
        let read = EndEntityCert::try_from(certificate)?;
        let key = read.subject_public_key_info();
        Ok(Self(Sha256::digest(key.as_ref()).into()))
    }

    /// The pin with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What two people compare: the first 80 bits, in four groups of four (`7QF3-K2XA-M9TD-0HWR`).
    pub fn fingerprint(&self) -> String {
        let (head, _) = self.0.split_at(10);
        let bits = head
            .iter()
            .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut text = String::with_capacity(19);
        for place in (0..16_u32).rev() {
            let letter = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET[letter]));
            if place % 4 == 0 && place > 0 {
                text.push('-');
            }
        }
        text
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let error = || PinError(text.to_owned());
        let digits = text.strip_prefix(PREFIX).ok_or_else(error)?;
        let bytes = hexadecimal(digits).ok_or_else(error)?;
        Ok(Self(bytes))
    }
}

/// The 32 bytes that 64 hexadecimal digits stand for.
pub(super) fn hexadecimal(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl TryFrom<String> for Pin {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        text.parse()
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> Self {
        pin.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_it_is_written() {
        let pin = Pin(std::array::from_fn(|at| u8::try_from(at * 7).unwrap()));
        assert_eq!(pin.to_string().parse::<Pin>().unwrap(), pin);
        let short = format!("sha256:{}", "0".repeat(63));
        let odd = format!("sha256:{}", "g".repeat(64));
        let wide = format!("sha256:{}", "é".repeat(32));
        for text in ["", "sha256:", "0", &short, &odd, &wide] {
            assert!(text.parse::<Pin>().is_err(), "{text}");
        }
    }

    #[test]
    fn fingerprints_are_short_and_tell_keys_apart() {
        assert_eq!(Pin([0; 32]).fingerprint(), "0000-0000-0000-0000");
        assert_eq!(Pin([255; 32]).fingerprint(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        let mut bytes = [0; 32];
        bytes[9] = 33;
        assert_eq!(Pin(bytes).fingerprint(), "0000-0000-0000-0011");
        bytes[0] = 0b0000_1000;
        assert_eq!(Pin(bytes).fingerprint(), "1000-0000-0000-0011");
    }
}
