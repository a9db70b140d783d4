//! Types to text.

use serde::Serialize;
use serde::ser::Error as _;

/// Ends of lines for the writer, which goes by YAML 1.1, and not for the reader.
const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// A value that has no form in YAML, such as a map whose keys are lists, or a text with U+0085, U+2028 or U+2029.
#[derive(Debug, thiserror::Error)]
#[error("can't be written as YAML: {0}")]
pub struct WriteError(#[from] serde_yaml::Error);

/// Writes a value as a YAML document. One of several kinds is a mapping with its name as the one key, as it is read.
///
/// # Errors
/// If the value has no form in YAML.
pub fn to_string<T: Serialize>(value: &T) -> Result<String, WriteError> {
    let mut text = Vec::new();
    let mut serializer = serde_yaml::Serializer::new(&mut text);
    serde_yaml::with::singleton_map_recursive::serialize(value, &mut serializer)?;
    // What is written is UTF-8.
    let text = String::from_utf8_lossy(&text).into_owned();
    if text.contains(BREAKS) {
        let message = "a text has U+0085, U+2028 or U+2029, which not every reader takes alike";
        return Err(serde_yaml::Error::custom(message).into());
    }
    Ok(text)
}
