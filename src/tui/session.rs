//! What the next cockpit begins with: where this one was left, how its lists were arranged, and how instances and output were
//! shown. Nothing that is armed, unlocked or being typed is remembered.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lists::List;
use super::lists::filter::Mode;
use super::model::Model;
use super::output::rows::Long;
use super::output::{Room, Times};
use super::panes::instances::Shape;
use super::screens::here;
use crate::model::address::Address;

/// Where the cockpit opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Somebody asks for it.
    Asked(Address),
    /// It was seen last; gone, it is not missed.
    Remembered(Address),
}

/// What is remembered.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Session {
    /// Where somebody was.
    address: String,
    /// How lists were arranged, by name.
    #[serde(default)]
    lists: BTreeMap<String, Arranged>,
    /// How instances were shown.
    #[serde(default)]
    instances: Shape,
    /// How output was read.
    #[serde(default)]
    output: Reading,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reading {
    #[serde(default)]
    room: Room,
    #[serde(default)]
    long: Long,
    #[serde(default)]
    times: Times,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Arranged {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    filter: String,
    #[serde(default)]
    mode: Mode,
    /// The column that it is sorted by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default)]
    inverted: bool,
}

/// Takes up what a file remembers. What is wrong with it is said, and then it is as if there were none.
pub(super) fn restore(model: &mut Model, file: &Path) {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return complain(model, file, &error.to_string()),
    };
    match parse(&text) {
        Ok((address, session)) => {
            arrange(model, &session);
            model.start = Some(Start::Remembered(address));
        }
        Err(problem) => complain(model, file, &problem),
    }
}

fn complain(model: &mut Model, file: &Path, problem: &str) {
    model.complain(format!(
        "{} is ignored, and written anew at the end: {problem}",
        file.display()
    ));
}

fn parse(text: &str) -> Result<(Address, Session), String> {
    let session: Session = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let address = session.address.parse();
    let address: Address =
        address.map_err(|error: crate::model::address::AddressError| error.to_string())?;
    for (name, arranged) in &session.lists {
        let list = List::ALL.into_iter().find(|list| list.name() == name);
        let list = list.ok_or_else(|| format!("there is no list {name}"))?;
        if let Some(by) = &arranged.by
            && !list.columns().contains(&by.as_str())
        {
            return Err(format!("{name} have no column {by}"));
        }
    }
    Ok((address, session))
}

fn arrange(model: &mut Model, session: &Session) {
    model.shape = session.instances;
    let (how, reading) = (&mut model.output.how, &session.output);
    (how.room, how.long, how.times) = (reading.room, reading.long, reading.times);
    for list in List::ALL {
        let Some(arranged) = session.lists.get(list.name()) else {
            continue;
        };
        model.arranged.narrow(list, &arranged.filter, arranged.mode);
        let by = arranged.by.as_deref();
        let column = list.columns().iter().position(|name| Some(*name) == by);
        let arrangement = model.arranged.of_mut(list);
        arrangement.column = column.unwrap_or(0);
        arrangement.inverted = arranged.inverted;
    }
}

/// The text of what is to be remembered.
fn text(model: &Model) -> io::Result<String> {
    let how = &model.output.how;
    let mut session = Session {
        // Who leaves before anything was seen has been nowhere else.
        address: match &model.start {
            Some(Start::Asked(address) | Start::Remembered(address)) => address.to_string(),
            None => here(model).to_string(),
        },
        instances: model.shape,
        output: Reading {
            room: how.room,
            long: how.long,
            times: how.times,
        },
        lists: BTreeMap::new(),
    };
    for list in List::ALL {
        let arrangement = model.arranged.of(list);
        if arrangement.is_plain() {
            continue;
        }
        let by = list
            .columns()
            .get(arrangement.column)
            .filter(|_| arrangement.column > 0);
        let arranged = Arranged {
            filter: arrangement.filter.text().to_owned(),
            mode: arrangement.filter.mode(),
            by: by.map(|by| (*by).to_owned()),
            inverted: arrangement.inverted,
        };
        session.lists.insert(list.name().to_owned(), arranged);
    }
    let mut text = serde_json::to_string_pretty(&session)?;
    text.push('\n');
    Ok(text)
}

/// Writes what is to be remembered, all of it or nothing.
///
/// # Errors
/// If the file can't be written.
pub(super) fn save(model: &Model, file: &Path) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text(model)?.as_bytes())?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::keymap::Keymap;
    use crate::tui::output::Reach;
    use crate::tui::theme::Theme;

    fn model() -> Model {
        let theme = Theme::built_in("terminal", true);
        Model::new(Keymap::defaults().unwrap(), theme, "ana".to_owned(), false)
    }

    #[test]
    fn what_was_arranged_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cockpit.json");
        let mut before = model();
        before
            .arranged
            .narrow(List::Deployments, "status:failed", Mode::Exact);
        before.arranged.sort(List::Hosts, "name");
        before.arranged.sort(List::Hosts, "name");
        before.shape = Shape::Heat;
        before.output.how.room = Room::Screen;
        before.output.how.long = Long::Wrapped;
        before.output.how.times = Times::Hidden;
        before.output.how.reach = Reach::All;
        save(&before, &file).unwrap();
        let mut after = model();
        restore(&mut after, &file);
        assert!(after.messages.shown().is_none());
        assert_eq!(after.start, Some(Start::Remembered(Address::Applications)));
        let deployments = after.arranged.of(List::Deployments);
        assert_eq!(deployments.filter.text(), "status:failed");
        assert_eq!(deployments.filter.mode(), Mode::Exact);
        let hosts = after.arranged.of(List::Hosts);
        assert_eq!((hosts.column, hosts.inverted), (1, true));
        assert_eq!(after.shape, Shape::Heat);
        let how = &after.output.how;
        assert_eq!(
            (how.room, how.long, how.times),
            (Room::Screen, Long::Wrapped, Times::Hidden)
        );
        assert_eq!(how.reach, Reach::One, "that is in the address");
        restore(&mut after, &folder.path().join("none"));
        assert!(after.messages.shown().is_none(), "none yet is no problem");
    }

    #[test]
    fn a_broken_file_is_said_and_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cockpit.json");
        for text in [
            "{",
            r#"{"address": "a/b/c"}"#,
            r#"{"address": "home", "armed": true}"#,
            r#"{"address": "home", "instances": "round"}"#,
            r#"{"address": "home", "output": {"needle": "x"}}"#,
            r#"{"address": "home", "lists": {"host": {}}}"#,
            r#"{"address": "home", "lists": {"hosts": {"by": "colour"}}}"#,
        ] {
            std::fs::write(&file, text).unwrap();
            let mut model = model();
            restore(&mut model, &file);
            assert_eq!(model.start, None, "{text}");
            let (said, _) = model.messages.shown().unwrap();
            assert!(said.bad && said.text.contains("cockpit.json is ignored"));
        }
    }
}
