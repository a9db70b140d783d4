//! Documents: read or refused with places, and what was read and written is read as the same.

use std::cell::RefCell;
use std::fmt::Debug;

use cutover::agent::config::{ConfigError, File};
use cutover::model::application::Application;
use cutover::model::configuration::DeploymentConfiguration;
use cutover::model::group::DeploymentGroup;
use cutover::model::project::{Project, ProjectDocument};
use cutover::model::yaml::{self, Node};
use cutover::store::documents;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::{files, is_in, kind};
use crate::engine::Target;

pub static TARGET: Target = Target {
    name: "documents",
    seeds: || {
        let blocks = files("docs", ".md").into_iter().flat_map(|text| {
            let text = String::from_utf8(text).unwrap();
            let blocks = text.split("```yaml\n").skip(1);
            let blocks = blocks.map(|block| {
                let block = block.split("```").next().unwrap();
                let named = block.contains("connections:") && !block.contains("name: demo");
                let name = if named { "name: demo\n" } else { "" };
                format!("{name}{block}").into_bytes()
            });
            blocks.collect::<Vec<_>>()
        });
        files("assets/init", ".yaml")
            .into_iter()
            .chain(blocks)
            .collect()
    },
    examine,
};

thread_local! {
    /// One for what is its root document, and one for what is a group.
    static FOLDERS: RefCell<[TempDir; 2]> = RefCell::new([project(), project()]);
}

fn examine(bytes: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let node = match yaml::parse(&text) {
        Ok(Some(node)) => node,
        Ok(None) => return Ok("nothing".to_owned()),
        Err(error) => {
            is_in(&text, error.line, error.column)?;
            return Ok(kind(&error.message));
        }
    };
    let mut said = vec![
        typed::<ProjectDocument>(&text, &node)?,
        typed::<DeploymentGroup>(&text, &node)?,
        typed::<DeploymentConfiguration>(&text, &node)?,
        typed::<Application>(&text, &node)?,
    ];
    // Files take time: what is no such document alone is looked at now and then.
    let now_and_then = |of: usize| bytes.len().is_multiple_of(of);
    FOLDERS.with_borrow(|[project, group]| {
        if said[0] == "read" || now_and_then(16) {
            said.push(loaded(project, &text, "cutover.yaml")?);
        }
        if said[1] == "read" || now_and_then(16) {
            said.push(loaded(group, &text, "applications/shop/production.yaml")?);
        }
        if now_and_then(4) {
            said.push(agents(project, &text)?);
        }
        Ok(said.join("|"))
    })
}

/// A project that has no problems but those of what is examined.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let application = folder.path().join("applications/shop");
    std::fs::create_dir_all(&application).unwrap();
    let text = "applicationName: shop\ncomputePlatform: Server\n";
    std::fs::write(application.join("application.yaml"), text).unwrap();
    std::fs::write(folder.path().join("cutover.yaml"), "name: demo\n").unwrap();
    folder
}

/// The text as one type: what is wrong has a place, and what is written and read again is the same.
fn typed<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    text: &str,
    node: &Node,
) -> Result<String, String> {
    let value: T = match yaml::from_node_all(node) {
        Ok(value) => value,
        Err(errors) => {
            for error in &errors {
                is_in(text, error.line, error.column)?;
            }
            return match errors.first() {
                Some(error) => Ok(kind(&error.message)),
                None => Err("refused for no reason".to_owned()),
            };
        }
    };
    let written = match yaml::to_string(&value) {
        Ok(written) => written,
        // It says so instead of writing something else.
        Err(error) if error.to_string().contains("U+2028") => return Ok("unwritten".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let read = yaml::from_str::<T>(&written).map_err(|error| format!("{error} in\n{written}"))?;
    if read != value {
        return Err(format!(
            "{value:?}\nis written as\n{written}\nand read as\n{read:?}"
        ));
    }
    let json = serde_json::to_string(&value).map_err(|error| error.to_string())?;
    match serde_json::from_str::<T>(&json) {
        Ok(read) if read == value => Ok("read".to_owned()),
        other => Err(format!("{value:?}\nis {json}\nand read as\n{other:?}")),
    }
}

/// A whole project with the text as this document.
fn loaded(folder: &TempDir, text: &str, file: &str) -> Result<String, String> {
    std::fs::write(folder.path().join(file), text).unwrap();
    let (notes, good) = match documents::load(folder.path()) {
        Ok(loaded) => {
            let json = serde_json::to_string(&loaded.project).map_err(|error| error.to_string())?;
            match serde_json::from_str::<Project>(&json) {
                Ok(read) if read == loaded.project => {}
                other => return Err(format!("{json}\nis read as {other:?}")),
            }
            (loaded.notes, true)
        }
        Err(problems) => (problems, false),
    };
    if !good && !notes.iter().any(documents::Problem::is_error) {
        return Err("refused for no reason".to_owned());
    }
    for note in notes
        .iter()
        .filter(|note| note.file == std::path::Path::new(file))
    {
        is_in(text, note.line, note.column)?;
    }
    let first = notes.iter().find(|note| note.is_error() != good);
    Ok(first.map_or_else(String::new, |note| kind(&note.message)))
}

/// The text as an agent's configuration.
fn agents(folder: &TempDir, text: &str) -> Result<String, String> {
    let path = folder.path().join("agent.yml");
    std::fs::write(&path, text).unwrap();
    match File::read(&path) {
        Ok(_) => Ok("read".to_owned()),
        Err(ConfigError::Wrong { source, .. }) => {
            is_in(text, source.line, source.column)?;
            Ok(kind(&source.message))
        }
        Err(other) => Err(other.to_string()),
    }
}
