//! The upstreams of an nginx on this host that the agent may change: what its operator allows, and nothing else.

use std::path::PathBuf;

use serde::Deserialize;

use crate::model::name::Name;

/// A file with the servers of one upstream, and the nginx that reads it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Upstream {
    /// As connections of load balancers name it.
    pub name: Name,
    /// The file that is written. nginx includes it inside of its `upstream` block.
    pub file: PathBuf,
    /// Says whether nginx would take its configuration: a program and its arguments.
    pub test: Vec<String>,
    /// Makes nginx read its configuration again.
    pub reload: Vec<String>,
    /// Where nginx writes its process number.
    pub pid_file: PathBuf,
}

/// An upstream as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: Name,
    file: PathBuf,
    #[serde(default = "test")]
    test: Vec<String>,
    #[serde(default = "reload")]
    reload: Vec<String>,
    #[serde(default = "pid_file")]
    pid_file: PathBuf,
}

fn test() -> Vec<String> {
    ["nginx", "-t", "-q"].map(str::to_owned).to_vec()
}

fn reload() -> Vec<String> {
    ["nginx", "-s", "reload"].map(str::to_owned).to_vec()
}

fn pid_file() -> PathBuf {
    "/run/nginx.pid".into()
}

impl TryFrom<Fields> for Upstream {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        for path in [&fields.file, &fields.pid_file] {
            if !path.is_absolute() || path.file_name().is_none() {
                let shown = path.display();
                return Err(format!("{shown} is no file's whole path: begin with /"));
            }
        }
        if fields.test.is_empty() || fields.reload.is_empty() {
            return Err("test and reload each need a program".to_owned());
        }
        Ok(Self {
            name: fields.name,
            file: fields.file,
            test: fields.test,
            reload: fields.reload,
            pid_file: fields.pid_file,
        })
    }
}

/// All of them: no two have the same name or the same file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Upstream>")]
pub struct Upstreams(Vec<Upstream>);

impl Upstreams {
    /// Each, as the file has them.
    pub fn all(&self) -> &[Upstream] {
        &self.0
    }
}

impl TryFrom<Vec<Upstream>> for Upstreams {
    type Error = String;

    fn try_from(upstreams: Vec<Upstream>) -> Result<Self, String> {
        for (index, one) in upstreams.iter().enumerate() {
            for other in &upstreams[..index] {
                if one.name == other.name {
                    return Err(format!("two upstreams are called {}", one.name));
                }
                if one.file == other.file {
                    let (a, b, file) = (&other.name, &one.name, one.file.display());
                    return Err(format!("{a} and {b} have the same file {file}"));
                }
            }
        }
        Ok(Self(upstreams))
    }
}
