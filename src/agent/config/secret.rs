//! Secrets of this host that scripts are given: what its operator allows, and nothing else.

use std::path::PathBuf;

use serde::Deserialize;

use crate::appspec::server::RESERVED_VARIABLES;
use crate::model::name::Name;
use crate::model::secret::{SecretSource, is_variable};

/// Variables that decide what a program is, which no secret does.
const TAKEN: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "IFS", "ENV"];

/// How a script is given a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// In the variable of its name.
    #[default]
    Variable,
    /// In a file, whose path is in the variable of its name with `_FILE` behind it.
    File,
}

/// A secret, and whose scripts are given it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct HookSecret {
    /// The variable.
    pub name: String,
    /// Where it is kept.
    pub source: SecretSource,
    /// How it is given.
    pub form: Form,
    /// To scripts of these applications.
    pub applications: Vec<Name>,
    /// To those of these deployment groups alone, if any is named.
    pub groups: Vec<Name>,
}

/// One as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: String,
    environment: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
    #[serde(default, rename = "as")]
    form: Form,
    applications: Vec<Name>,
    #[serde(default)]
    groups: Vec<Name>,
}

impl TryFrom<Fields> for HookSecret {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let name = fields.name;
        if !is_variable(&name) {
            return Err(format!(
                "{name:?} is no name of a variable: write letters, digits and _, as in DB_PASSWORD"
            ));
        }
        let reserved = RESERVED_VARIABLES.contains(&name.as_str());
        if reserved || TAKEN.contains(&name.as_str()) || name.starts_with("LD_") {
            return Err(format!(
                "scripts have a variable {name} already: choose another name"
            ));
        }
        let source = match (fields.environment, fields.file, fields.command) {
            (Some(variable), None, None) => SecretSource::Environment(variable),
            (None, Some(file), None) if file.is_absolute() => SecretSource::File(file),
            (None, Some(file), None) => {
                let shown = file.display();
                return Err(format!("{shown} is no file's whole path: begin with /"));
            }
            (None, None, Some(run)) => SecretSource::Command(run),
            _ => {
                return Err(format!(
                    "say where {name} is kept with one of `environment`, `file` and `command`"
                ));
            }
        };
        let kind = source.kind();
        source.check().map_err(|wrong| format!("{kind}: {wrong}"))?;
        if fields.applications.is_empty() {
            return Err(format!(
                "no application's scripts are given {name}: name one under `applications`"
            ));
        }
        Ok(Self {
            name,
            source,
            form: fields.form,
            applications: fields.applications,
            groups: fields.groups,
        })
    }
}

impl HookSecret {
    /// Whether scripts of this application and deployment group are given it.
    fn is_for(&self, application: &str, group: &str) -> bool {
        let named = |names: &[Name], name: &str| names.iter().any(|one| one.as_str() == name);
        named(&self.applications, application)
            && (self.groups.is_empty() || named(&self.groups, group))
    }

    /// Whether some script would be given both.
    fn meets(&self, other: &Self) -> bool {
        let shared = |a: &[Name], b: &[Name]| a.iter().any(|name| b.contains(name));
        let everywhere = self.groups.is_empty() || other.groups.is_empty();
        shared(&self.applications, &other.applications)
            && (everywhere || shared(&self.groups, &other.groups))
    }

    /// The variable that a script sees.
    fn variable(&self) -> String {
        match self.form {
            Form::Variable => self.name.clone(),
            Form::File => format!("{}_FILE", self.name),
        }
    }
}

/// All of them: no script is given two under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<HookSecret>")]
pub struct HookSecrets(Vec<HookSecret>);

impl HookSecrets {
    /// Each, as the file has them.
    pub fn all(&self) -> &[HookSecret] {
        &self.0
    }

    /// Those that scripts of this application and deployment group are given.
    pub fn of(&self, application: &str, group: &str) -> impl Iterator<Item = &HookSecret> {
        let all = self.0.iter();
        all.filter(move |one| one.is_for(application, group))
    }
}

impl TryFrom<Vec<HookSecret>> for HookSecrets {
    type Error = String;

    fn try_from(all: Vec<HookSecret>) -> Result<Self, String> {
        for (index, one) in all.iter().enumerate() {
            let same = |other: &&HookSecret| {
                one.meets(other) && (other.name == one.name || other.variable() == one.variable())
            };
            if let Some(other) = all[..index].iter().find(same) {
                return Err(format!(
                    "{} is given twice to scripts of {}",
                    other.name, one.applications[0]
                ));
            }
        }
        Ok(Self(all))
    }
}
