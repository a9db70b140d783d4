//! A compute platform as an argument.

use clap::ValueEnum;

use crate::model::application::ComputePlatform;

/// The compute platforms, by the names that commands take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Platform {
    Server,
    Lambda,
    Ecs,
}

impl From<Platform> for ComputePlatform {
    fn from(platform: Platform) -> Self {
        match platform {
            Platform::Server => Self::Server,
            Platform::Lambda => Self::Lambda,
            Platform::Ecs => Self::Ecs,
        }
    }
}
