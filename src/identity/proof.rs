//! How two who meet show who they are: by a secret that a person carried from the one to the other, or by certificates of an
//! authority that both were told to believe.

use serde::{Deserialize, Serialize};

use super::authority::{Authority, Credential};
use super::invitation::{Meeting, Role, Secret};
use super::key::Identity;
use crate::model::timestamp::Timestamp;

/// What one shows at a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    /// That one has the secret.
    Secret(String),
    /// That one has a certificate, and its key.
    Certificate(Credential),
}

/// What one goes by at a meeting.
#[derive(Clone, Copy, Debug)]
pub enum Means<'a> {
    /// Both have it.
    Secret(&'a Secret),
    /// Both believe it.
    Authority {
        /// Whom.
        authority: &'a Authority,
        /// The names under which the other may be certified.
        names: &'a [&'a str],
    },
}

impl Means<'_> {
    /// What shows who one is, in this role.
    ///
    /// # Errors
    /// If one's key can't sign.
    pub fn proof(
        &self,
        own: &Identity,
        role: Role,
        meeting: Meeting<'_>,
    ) -> Result<Proof, rustls::Error> {
        match self {
            Self::Secret(secret) => Ok(Proof::Secret(secret.proof(role, meeting))),
            Self::Authority { .. } => own.credential(role, meeting).map(Proof::Certificate),
        }
    }

    /// Whether that shows that the other, in this role, is who was to be met.
    ///
    /// # Errors
    /// Why not.
    pub fn check(
        &self,
        proof: &Proof,
        role: Role,
        meeting: Meeting<'_>,
        now: Timestamp,
    ) -> Result<(), String> {
        match (self, proof) {
            (Self::Secret(secret), Proof::Secret(proof)) => {
                let proves = secret.proves(role, meeting, proof);
                proves
                    .then_some(())
                    .ok_or_else(|| "its proof is wrong".to_owned())
            }
            (Self::Authority { authority, names }, Proof::Certificate(credential)) => authority
                .certifies(credential, role, meeting, names, now)
                .map_err(|error| error.to_string()),
            (Self::Secret(_), Proof::Certificate(_)) => {
                Err("it shows a certificate, and a token was expected".to_owned())
            }
            (Self::Authority { .. }, Proof::Secret(_)) => {
                Err("it goes by a token, and a certificate was expected".to_owned())
            }
        }
    }
}
