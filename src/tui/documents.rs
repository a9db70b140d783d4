//! Documents in the cockpit: which one is meant by what is selected, and why one can't be changed here.

use super::action::Action;
use super::model::{Model, Pane};
use super::replay::REFUSED;
use super::screens::{self, Screen};
use crate::api::attention::Kind;
use crate::api::configuration::is_predefined;
use crate::api::gate::Closed;
use crate::model::address::Address;
use crate::model::deployment::DeploymentId;
use crate::store::documents::place::Document;

/// Whether documents can be written here.
///
/// # Errors
/// Why not.
pub(crate) fn writable(model: &Model) -> Result<(), String> {
    if model.replay.is_some() {
        return Err(REFUSED.to_owned());
    }
    if model.is_read_only() {
        return Err(Closed::ReadOnly.to_string());
    }
    if model.documents.is_none() {
        return Err("the project's documents are not on this machine".to_owned());
    }
    Ok(())
}

/// Whether documents can be changed by hand here.
///
/// # Errors
/// Why not.
pub(crate) fn editable(model: &Model) -> Result<(), String> {
    writable(model)?;
    if model.theme.words {
        let remedy = "the linear mode gives its terminal to nobody: `cutover application edit`, `group edit`, `configuration edit` and `hosts edit` open the editor";
        return Err(remedy.to_owned());
    }
    if model.editor.is_none() {
        let remedy = "nothing says which editor: set EDITOR, and open the cockpit again";
        return Err(remedy.to_owned());
    }
    Ok(())
}

/// The document of what is selected: of a deployment, that of its group.
///
/// # Errors
/// If nothing is selected that has one.
pub(crate) fn selected(model: &Model) -> Result<Document, String> {
    let nothing = || "nothing is selected that has a document".to_owned();
    match model.screen {
        Screen::Home if model.home.kind() == Some(Kind::Documents) => {
            let problems = model.view.iter().flat_map(|view| &view.problems);
            let mut found = problems.filter_map(|problem| Document::of_problem(problem));
            found.next().ok_or_else(nothing)
        }
        Screen::Home => of_address(model, &model.home.selected().ok_or_else(nothing)?),
        Screen::Hosts => match model.hosts.selected() {
            Some(name) => of_address(model, &Address::Host(name)),
            None => Ok(Document::Project),
        },
        Screen::Configurations => {
            let name = model.configurations.selected().ok_or_else(nothing)?;
            of_address(model, &Address::Configuration(name))
        }
        Screen::History => {
            let id = screens::subject(model).ok_or("no deployment is selected")?;
            of_deployment(model, &id)
        }
        Screen::Rollouts if model.focus == Pane::Applications => {
            let application = model.selected.application.clone();
            application
                .map(Document::Application)
                .ok_or_else(|| "no application is selected".to_owned())
        }
        Screen::Rollouts => {
            let group = model.selected.group.clone();
            group
                .map(Document::Group)
                .ok_or_else(|| "no deployment group is selected".to_owned())
        }
    }
}

fn of_deployment(model: &Model, id: &DeploymentId) -> Result<Document, String> {
    let known = model.view.as_ref().and_then(|view| view.summaries.get(id));
    known
        .map(|summary| Document::Group(summary.group.clone()))
        .ok_or_else(|| format!("{id} is not kept any more"))
}

fn of_address(model: &Model, address: &Address) -> Result<Document, String> {
    match address {
        Address::Application(name) => Ok(Document::Application(name.clone())),
        Address::Group(key) | Address::GroupHistory(key) => Ok(Document::Group(key.clone())),
        Address::Deployment(id)
        | Address::Output(id)
        | Address::Instance(id, _)
        | Address::Event(id, ..) => of_deployment(model, id),
        Address::Host(name) | Address::HostHistory(name) => {
            let mut hosts = model.view.iter().flat_map(|view| &view.project.hosts);
            let written = |host: &&crate::model::host::Host| {
                host.name == *name && host.provisioned.is_none() && host.instance.is_none()
            };
            match hosts.find(written) {
                Some(host) => Ok(Document::Host(host.name.clone())),
                None => Err(format!(
                    "{name} is in no document: a fleet or AWS has made it"
                )),
            }
        }
        Address::Configuration(name) if is_predefined(name) => Err(format!(
            "{name} is predefined and can't be changed: {} makes one of your own",
            model.keymap.shown(Action::New)
        )),
        Address::Configuration(name) => Ok(Document::Configuration(name.clone())),
        Address::Home
        | Address::Applications
        | Address::Hosts
        | Address::History
        | Address::Configurations => Ok(Document::Project),
    }
}

/// Every document that can be changed, as far as the picture knows them.
pub(crate) fn all(model: &Model) -> Vec<(Document, String, &'static str)> {
    let Some(view) = &model.view else {
        return Vec::new();
    };
    let project = &view.project;
    let mut all = Vec::new();
    let mut add = |document: Document, text: String, what| all.push((document, text, what));
    for group in &project.groups {
        let key = group.key();
        add(
            Document::Group(key.clone()),
            key.to_string(),
            "deployment group",
        );
    }
    for name in project.applications.keys() {
        add(
            Document::Application(name.clone()),
            name.to_string(),
            "application",
        );
    }
    for name in project.configurations.keys() {
        if !is_predefined(name) {
            let document = Document::Configuration(name.clone());
            add(document, name.to_string(), "deployment configuration");
        }
    }
    let about = "the project: hosts, connections, settings";
    add(Document::Project, Document::Project.to_string(), about);
    all
}
