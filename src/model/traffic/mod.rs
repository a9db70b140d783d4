//! Sides and shares of traffic: original and replacement, and how a route is split between them.

pub mod status;

use std::fmt;

use serde::{Deserialize, Serialize};

/// `InstanceLabel`: the side of a blue/green deployment that an instance is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The original.
    Blue,
    /// The replacement.
    Green,
}

impl Side {
    /// As people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Blue => "original",
            Self::Green => "replacement",
        }
    }

    /// The one that it is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }
}

/// How a route is split between original and replacement, in whole percent. The shares always sum to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Split(u8);

/// More than all of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is a whole percentage from 0 to 100, not {0}")]
pub struct SplitError(u8);

impl Split {
    /// Everything goes to the original.
    pub const ORIGINAL: Self = Self(0);
    /// Everything goes to the replacement.
    pub const REPLACEMENT: Self = Self(100);

    /// The split in which the replacement has this share.
    ///
    /// # Errors
    /// If it is more than 100.
    pub fn new(replacement: u8) -> Result<Self, SplitError> {
        if replacement > 100 {
            return Err(SplitError(replacement));
        }
        Ok(Self(replacement))
    }

    /// The share of a side, in percent.
    pub fn share(self, side: Side) -> u8 {
        match side {
            Side::Blue => 100 - self.0,
            Side::Green => self.0,
        }
    }

    /// The share of the replacement, in percent.
    pub fn replacement(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Split {
    type Error = SplitError;

    fn try_from(replacement: u8) -> Result<Self, SplitError> {
        Self::new(replacement)
    }
}

impl From<Split> for u8 {
    fn from(split: Split) -> Self {
        split.0
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.share(Side::Blue), self.share(Side::Green))
    }
}
