//! Types to text.

use serde::Serialize;

/// A value that has no form in YAML, such as a map whose keys are lists.
#[derive(Debug, thiserror::Error)]
#[error("can't be written as YAML: {0}")]
pub struct WriteError(#[from] serde_yaml::Error);

/// Writes a value as a YAML document.
///
/// # Errors
/// If the value has no form in YAML.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, WriteError> {
    Ok(serde_yaml::to_string(value)?)
}
