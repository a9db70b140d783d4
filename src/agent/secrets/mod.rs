//! Secrets for scripts: where the host keeps them, who gets them, and how. They are read here, on the host, for each script
//! that gets them, so that no network, journal or orchestrator ever has them.

mod folder;
pub mod source;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use self::folder::Folder;
pub(super) use self::folder::clear;
use super::check::Finding;
use super::config::{Form, HookSecret, HookSecrets};
use super::hooks::user::Identity;
use super::protocol::Order;
use crate::model::secret::mask::{Mask, SHORTEST};
use crate::model::secret::{Secret, SecretSource};

/// What one script is given. Its files go when this is dropped.
#[derive(Debug, Default)]
pub struct Given {
    variables: Vec<Secret>,
    files: Vec<(String, OsString)>,
    mask: Mask,
    _folder: Option<Folder>,
}

impl Given {
    /// Reads what scripts of the order's application and group are given; they run as this user, of the agent with this
    /// root.
    ///
    /// # Errors
    /// If one can't be read, or can't be given. It is named; what it is never.
    pub async fn to(
        all: &HookSecrets,
        order: &Order,
        identity: &Identity,
        root: &Path,
    ) -> Result<Self, String> {
        let (mut variables, mut written) = (Vec::new(), Vec::new());
        for wanted in all.of(&order.application_name, &order.deployment_group_name) {
            let secret = read(wanted).await?;
            match wanted.form {
                Form::Variable => variables.push(secret),
                Form::File => written.push(secret),
            }
        }
        let mask = Mask::new(variables.iter().chain(&written));
        let (mut files, mut folder) = (Vec::new(), None);
        for secret in &written {
            let name = secret.name();
            let refused =
                |why: String| format!("the secret {name} can't be given as a file: {why}");
            let folder = match &folder {
                Some(folder) => folder,
                None => folder.insert(Folder::new(root, identity).map_err(refused)?),
            };
            let path = folder.put(secret, identity).map_err(refused)?;
            files.push((format!("{name}_FILE"), path.into()));
        }
        Ok(Self {
            variables,
            files,
            mask,
            _folder: folder,
        })
    }

    /// What hides them in what the script writes.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Adds them to a script's environment.
    pub fn add_to(&self, environment: &mut BTreeMap<OsString, OsString>) {
        let variables = self.variables.iter();
        environment.extend(variables.map(|one| (one.name().into(), one.expose().into())));
        let files = self.files.iter();
        environment.extend(files.map(|(name, path)| (name.into(), path.clone())));
    }
}

async fn read(wanted: &HookSecret) -> Result<Secret, String> {
    let read = source::read(&wanted.name, &wanted.source, Path::new("/")).await;
    read.map_err(|error| error.to_string())
}

/// Takes from an environment what the agent's own has of secrets: who is to have them gets them by name.
pub fn withhold(all: &HookSecrets, environment: &mut BTreeMap<OsString, OsString>) {
    for secret in all.all() {
        if let SecretSource::Environment(variable) = &secret.source
            && let Some(own) = std::env::var_os(variable)
            && environment.get(variable.as_ref() as &std::ffi::OsStr) == Some(&own)
        {
            environment.remove(variable.as_ref() as &std::ffi::OsStr);
        }
    }
}

/// Looks at every secret, without keeping what it is.
pub async fn findings(all: &HookSecrets) -> Vec<Finding> {
    let mut findings = Vec::new();
    for secret in all.all() {
        let (name, from) = (&secret.name, &secret.source);
        findings.push(match read(secret).await {
            Err(why) => Finding::warning("secret", format!("{why}: scripts that get it will fail")),
            Ok(read) if read.expose().len() < SHORTEST => {
                let text = format!(
                    "{name} from {from} has fewer than {SHORTEST} bytes: output is not searched for it"
                );
                Finding::warning("secret", text)
            }
            Ok(_) => Finding::ok("secret", format!("{name} from {from}")),
        });
    }
    findings
}
