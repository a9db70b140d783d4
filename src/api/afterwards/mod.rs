//! What people ask about deployments afterwards: why instances failed ([`causes`]), what happened when ([`timeline`]), how one
//! differs from another ([`compare`]), all of it for those who were not there ([`report`]), and what a host was given
//! ([`past`]). Pure: cockpit and commands say the same.

pub mod causes;
pub mod compare;
mod markdown;
pub mod past;
pub mod report;
pub mod timeline;
