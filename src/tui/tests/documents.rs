//! Documents by hand: which one is meant, what keeps somebody from it, and what is made of what comes back.

use super::{Cockpit, MONO, sample};
use crate::api::gate::Circumstances;
use crate::store::documents::edit::{Changes, Draft, Editor};
use crate::store::documents::place::Document;
use crate::tui::action::{ACTIONS, Action, Grade, available::available};
use crate::tui::effect::Effect;
use crate::tui::message::Message;
use crate::tui::theme::Theme;
use crate::tui::writing::{self, Manuscript, Reviewed};

const ROOT: &str = "name: shop\nhosts:\n  - name: web-1\n    address: http://127.0.0.1:1\n";

/// A project on the disk.
pub(super) fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cutover.yaml"), ROOT).unwrap();
    folder
}

/// A rollout on a machine that has its documents, and an editor.
pub(super) fn desk(folder: &std::path::Path) -> Cockpit {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.model.documents = Some(folder.to_owned());
    cockpit.model.editor = Editor::find(|_| Some("vi".to_owned()));
    cockpit.resize(80, 24);
    cockpit
}

fn edited(cockpit: &Cockpit) -> Option<Manuscript> {
    cockpit
        .effects
        .iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Edit(manuscript) => Some((**manuscript).clone()),
            _ => None,
        })
}

pub(super) fn written(cockpit: &Cockpit) -> Option<(Draft, Circumstances)> {
    cockpit
        .effects
        .iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Write(draft, circumstances) => Some(((**draft).clone(), circumstances.clone())),
            _ => None,
        })
}

/// `cutover.yaml` as somebody wrote it.
fn by_hand(folder: &std::path::Path, text: &str) -> Reviewed {
    let mut draft = Draft::new(Changes::of(folder), "cutover.yaml");
    std::fs::write(draft.open().unwrap(), text).unwrap();
    writing::review(draft)
}

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

#[test]
fn the_document_of_what_is_selected_is_meant() {
    let project = project();
    let of = |keys: &str| {
        let mut cockpit = desk(project.path());
        cockpit.keys(keys);
        match edited(&cockpit) {
            Some(Manuscript::Document(document)) => document.to_string(),
            other => panic!("{keys}: {other:?}"),
        }
    };
    assert_eq!(of("E"), "deployment group shop/production");
    assert_eq!(of("tab E"), "deployment group shop/production");
    assert_eq!(of("h E"), "deployment group shop/production");
    assert_eq!(of("h h E"), "application shop");
    assert_eq!(of("H down E"), "host web-2");
    assert_eq!(of("L E"), "deployment group shop/production");
    assert_eq!(of("0 E"), "deployment group shop/production");
    assert_eq!(of("D F e w enter"), "configuration FewAtATime");
    assert_eq!(of("D y a m l enter"), "cutover.yaml");
}

#[test]
fn at_home_a_document_with_an_error_is_opened_where_it_is() {
    let project = project();
    let mut run = sample::Run::new(
        &sample::project(4),
        sample::LIVE,
        "1.8.0",
        sample::now(0),
        &sample::ledger(4),
    );
    run.wait(1);
    let mut snapshot = sample::snapshot(sample::project(4), &run.deployment);
    snapshot.problems = vec!["applications/shop/test.yaml:3:5: error: unknown".to_owned()];
    let mut cockpit = Cockpit::with(snapshot);
    cockpit.model.documents = Some(project.path().to_owned());
    cockpit.model.editor = Editor::find(|_| Some("vi".to_owned()));
    cockpit.keys("0 / d o c u m e n t enter home E");
    let path = "applications/shop/test.yaml".into();
    assert_eq!(
        edited(&cockpit),
        Some(Manuscript::Document(Document::File(path, 3)))
    );
}

#[test]
fn what_keeps_somebody_from_writing_is_said() {
    let project = project();
    let why = |change: &dyn Fn(&mut Cockpit), action| {
        let mut cockpit = desk(project.path());
        change(&mut cockpit);
        available(action, &cockpit.model).unwrap_err()
    };
    for entry in ACTIONS.iter().filter(|entry| entry.grade == Grade::Drafts) {
        let action = entry.action;
        assert_eq!(available(action, &desk(project.path()).model), Ok(()));
        let refused = why(&|cockpit| cockpit.model.read_only = true, action);
        assert!(refused.starts_with("read-only: "), "{refused}");
        let refused = why(&|cockpit| cockpit.model.documents = None, action);
        assert_eq!(refused, "the project's documents are not on this machine");
        let mut cockpit = desk(project.path());
        cockpit.model.read_only = true;
        let key = cockpit.model.keymap.shown(action);
        cockpit.keys(&key);
        assert!(cockpit.model.layers.is_empty(), "{key}");
        assert!(edited(&cockpit).is_none());
    }
    for action in [Action::Edit, Action::Documents] {
        let refused = why(&|cockpit| cockpit.model.editor = None, action);
        assert!(refused.contains("set EDITOR"), "{refused}");
    }
}

#[test]
fn what_is_right_is_shown_and_written_on_a_key_of_its_own() {
    let project = project();
    let mut cockpit = desk(project.path());
    let text = format!("# the shop in Berlin\n{}", ROOT.replace("web-1", "web-7"));
    let reviewed = by_hand(project.path(), &text);
    let copy = reviewed.draft.copy().unwrap().to_owned();
    cockpit.send(Message::Edited(Ok(Box::new(reviewed))));
    cockpit.keys("y");
    assert!(written(&cockpit).is_none(), "typed ahead");
    picture!("review-80x24-deaf", cockpit);
    cockpit.wait(500);
    picture!("review-80x24", cockpit);
    cockpit.resize(60, 15);
    picture!("review-60x15", cockpit);
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    picture!("review-60x15-ascii", cockpit);
    cockpit.keys("E down");
    assert!(written(&cockpit).is_none());
    cockpit.keys("y");
    let (draft, circumstances) = written(&cockpit).unwrap();
    assert!(circumstances.confirmed && !circumstances.read_only);
    let said = writing::write(&draft, &circumstances);
    cockpit.send(Message::Written(said));
    assert!(cockpit.screen().contains("wrote cutover.yaml"));
    assert!(!copy.exists());
    let file = project.path().join("cutover.yaml");
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
}

#[test]
fn enter_writes_nothing_and_what_was_written_by_hand_is_kept() {
    let project = project();
    let mut cockpit = desk(project.path());
    let reviewed = by_hand(project.path(), &format!("# mine\n{ROOT}"));
    let copy = reviewed.draft.copy().unwrap().to_owned();
    cockpit.send(Message::Edited(Ok(Box::new(reviewed.clone()))));
    cockpit.wait(500);
    cockpit.keys("R");
    let again = Manuscript::Draft(reviewed.draft.clone(), None);
    assert_eq!(edited(&cockpit), Some(again));
    cockpit.send(Message::Edited(Ok(Box::new(reviewed))));
    cockpit.wait(500);
    cockpit.resize(200, 24);
    cockpit.keys("enter");
    assert!(cockpit.model.layers.is_empty());
    assert!(written(&cockpit).is_none());
    let kept = writing::kept(&copy);
    assert!(cockpit.screen().contains(&kept), "{}", cockpit.screen());
    assert!(copy.exists());
    std::fs::remove_dir_all(copy.parent().unwrap()).unwrap();
}

#[test]
fn what_is_wrong_names_its_place_and_leads_back_there() {
    let project = project();
    let mut cockpit = desk(project.path());
    let reviewed = by_hand(project.path(), &ROOT.replace("address", "adress"));
    let copy = reviewed.draft.copy().unwrap().to_owned();
    cockpit.send(Message::Edited(Ok(Box::new(reviewed.clone()))));
    cockpit.keys("y n");
    assert_eq!(cockpit.model.layers.len(), 1, "typed ahead");
    cockpit.wait(500);
    let screen = cockpit.screen();
    assert!(screen.contains("cutover.yaml has an error"), "{screen}");
    assert!(screen.contains("cutover.yaml:4:5: error"), "{screen}");
    assert!(screen.contains("\"address\"?)"), "{screen}");
    assert!(screen.contains(&copy.display().to_string()), "{screen}");
    assert!(screen.contains("y  edit again, at line 3"), "{screen}");
    assert!(screen.contains("Give up"), "{screen}");
    cockpit.keys("y");
    let again = Manuscript::Draft(reviewed.draft, Some(3));
    assert_eq!(edited(&cockpit), Some(again));
    std::fs::remove_dir_all(copy.parent().unwrap()).unwrap();
}

#[test]
fn what_did_not_become_anything_is_said() {
    let project = project();
    let mut cockpit = desk(project.path());
    let reviewed = by_hand(project.path(), ROOT);
    cockpit.send(Message::Edited(Ok(Box::new(reviewed))));
    assert!(cockpit.model.layers.is_empty());
    assert!(cockpit.screen().contains("nothing to write"));
    cockpit.send(Message::Edited(Err(
        "vi ended with exit status: 1".to_owned()
    )));
    assert!(cockpit.screen().contains("vi ended with exit status: 1"));
    cockpit.send(Message::Written(
        Err("cutover.yaml: was changed".to_owned()),
    ));
    cockpit.keys("M");
    assert!(cockpit.screen().contains("cutover.yaml: was changed"));
}
