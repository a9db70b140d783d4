//! What kind of failure a local deployment met: one stable word for each, for scripts to decide by.

use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::lifecycle::LifecycleEvent;

/// A kind of failure. The words never change their meaning; new ones may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "`meaning` says it, for the reference too")]
pub enum Kind {
    InvalidArguments,
    InvalidConfiguration,
    LocationNotFound,
    LocationUnsupported,
    BundleInvalid,
    AppspecMissing,
    AppspecInvalid,
    FileExists,
    InstallConflict,
    UnknownOwner,
    AttributesFailed,
    InstallFailed,
    ScriptMissing,
    ScriptNotExecutable,
    ScriptTimedOut,
    ScriptFailed,
    Interrupted,
    AgentFailed,
}

use Kind as K;

impl Kind {
    /// All kinds, in the order of a deployment.
    pub const ALL: [Self; 18] = [
        K::InvalidArguments,
        K::InvalidConfiguration,
        K::LocationNotFound,
        K::LocationUnsupported,
        K::BundleInvalid,
        K::AppspecMissing,
        K::AppspecInvalid,
        K::FileExists,
        K::InstallConflict,
        K::UnknownOwner,
        K::AttributesFailed,
        K::InstallFailed,
        K::ScriptMissing,
        K::ScriptNotExecutable,
        K::ScriptTimedOut,
        K::ScriptFailed,
        K::Interrupted,
        K::AgentFailed,
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            K::InvalidArguments => "invalid_arguments",
            K::InvalidConfiguration => "invalid_configuration",
            K::LocationNotFound => "location_not_found",
            K::LocationUnsupported => "location_unsupported",
            K::BundleInvalid => "bundle_invalid",
            K::AppspecMissing => "appspec_missing",
            K::AppspecInvalid => "appspec_invalid",
            K::FileExists => "file_exists",
            K::InstallConflict => "install_conflict",
            K::UnknownOwner => "unknown_owner",
            K::AttributesFailed => "attributes_failed",
            K::InstallFailed => "install_failed",
            K::ScriptMissing => "script_missing",
            K::ScriptNotExecutable => "script_not_executable",
            K::ScriptTimedOut => "script_timed_out",
            K::ScriptFailed => "script_failed",
            K::Interrupted => "interrupted",
            K::AgentFailed => "agent_failed",
        }
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            K::InvalidArguments => "An option or the list of events is wrong; nothing was done.",
            K::InvalidConfiguration => {
                "The configuration file is missing or wrong; nothing was done."
            }
            K::LocationNotFound => {
                "There is no bundle of the given type at the location; nothing was done."
            }
            K::LocationUnsupported => {
                "Bundles cannot be fetched from such a location; nothing was done."
            }
            K::BundleInvalid => {
                "The bundle cannot be read or unpacked, or is refused because it is unsafe."
            }
            K::AppspecMissing => "The revision has no AppSpec (E17).",
            K::AppspecInvalid => "The AppSpec is wrong; the message has the error's id and place.",
            K::FileExists => "A file that another put there is in the way (E15).",
            K::InstallConflict => {
                "What is to be installed contradicts itself, the revision or the host."
            }
            K::UnknownOwner => "The host has no such user or group (E40).",
            K::AttributesFailed => {
                "An access control list or SELinux context cannot be set (E29, E38)."
            }
            K::InstallFailed => {
                "Copying failed on the way; the message says what was left on the host."
            }
            K::ScriptMissing => "A script is not in the revision.",
            K::ScriptNotExecutable => "A script cannot be made executable.",
            K::ScriptTimedOut => {
                "A script ran longer than its timeout, or a program it left held its output open."
            }
            K::ScriptFailed => {
                "A script ended with an exit code other than zero or by a signal, or could not be started."
            }
            K::Interrupted => "The deployment was interrupted from the keyboard or by a signal.",
            K::AgentFailed => "Something else failed: a disk, a folder's rights, the agent itself.",
        }
    }

    /// The kind of what made an event fail.
    pub fn of(event: LifecycleEvent, diagnostics: &Diagnostics) -> Self {
        match diagnostics.error_code {
            LifecycleErrorCode::ScriptMissing => K::ScriptMissing,
            LifecycleErrorCode::ScriptNotExecutable => K::ScriptNotExecutable,
            LifecycleErrorCode::ScriptTimedOut => K::ScriptTimedOut,
            LifecycleErrorCode::ScriptFailed => K::ScriptFailed,
            LifecycleErrorCode::Success | LifecycleErrorCode::UnknownError => {
                match (catalogue_number(&diagnostics.message), event) {
                    (Some(number), _) => Self::of_finding(number),
                    (None, LifecycleEvent::DownloadBundle) => K::BundleInvalid,
                    (None, LifecycleEvent::Install) => K::InstallFailed,
                    (None, _) => K::AgentFailed,
                }
            }
        }
    }

    fn of_finding(number: u32) -> Self {
        match number {
            15 => K::FileExists,
            17 => K::AppspecMissing,
            8 | 10..=13 | 21 | 22 | 39 | 60 | 61 => K::InstallConflict,
            29 | 38 => K::AttributesFailed,
            40 => K::UnknownOwner,
            _ => K::AppspecInvalid,
        }
    }
}

/// The number of the first finding that a message names: messages of findings carry their id, such as `E15`.
fn catalogue_number(message: &str) -> Option<u32> {
    message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|word| {
            let digits = word.strip_prefix('E').filter(|digits| digits.len() == 2)?;
            digits.parse().ok()
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn findings_tell_the_kind() {
        use LifecycleEvent as E;
        let of = |event, message: &str| Kind::of(event, &Diagnostics::unknown(message)).word();
        assert_eq!(
            of(E::Install, "E15 line 4, column 5: /x exists"),
            "file_exists"
        );
        assert_eq!(
            of(E::DownloadBundle, "appspec.yml: E05 line 1, column 1: x"),
            "appspec_invalid"
        );
        assert_eq!(of(E::Install, "copying to /x: no space"), "install_failed");
        assert_eq!(
            of(E::DownloadBundle, "the bundle is refused"),
            "bundle_invalid"
        );
        assert_eq!(of(E::AfterInstall, "the disk is full"), "agent_failed");
        assert_eq!(catalogue_number("EXIT E1 E999 END"), None);
    }

    #[test]
    fn the_reference_lists_every_word_with_its_meaning() {
        let reference = include_str!("../../../docs/local.md");
        let mut words = BTreeSet::new();
        for kind in Kind::ALL {
            let row = format!("| `{}` | {} |", kind.word(), kind.meaning());
            assert!(
                reference.contains(&row),
                "docs/local.md lacks the line {row}"
            );
            assert!(words.insert(kind.word()));
        }
        let rows = reference
            .lines()
            .filter(|line| line.starts_with("| `") && line.contains('_'));
        assert!(rows.count() >= words.len());
    }
}
