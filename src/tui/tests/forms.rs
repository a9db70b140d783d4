//! Forms: fields that are completed and judged, and what is made of them.

use super::documents::{desk, project, written};
use super::{Cockpit, MONO, sample};
use crate::api::gate::Closed;
use crate::model::application::ComputePlatform;
use crate::store::documents::edit::New;
use crate::tui::effect::Effect;
use crate::tui::message::Message;
use crate::tui::theme::Theme;
use crate::tui::writing;

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

/// Types a text.
fn typed(cockpit: &mut Cockpit, text: &str) {
    for c in text.chars() {
        let key = match c {
            ' ' => "space".to_owned(),
            '-' => "dash".to_owned(),
            c => c.to_string(),
        };
        cockpit.keys(&key);
    }
}

/// Opens the form for this.
fn form(cockpit: &mut Cockpit, kind: &str) {
    cockpit.keys("I");
    typed(cockpit, kind);
    cockpit.keys("enter");
}

fn prepared(cockpit: &Cockpit) -> Option<(u64, New)> {
    cockpit
        .effects
        .iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Prepare(number, new) => Some((*number, (**new).clone())),
            _ => None,
        })
}

/// Does what the driver would do.
pub(super) fn prepare(cockpit: &mut Cockpit) -> Result<(), String> {
    let (number, new) = prepared(cockpit).unwrap();
    let folder = cockpit.model.documents.clone().unwrap();
    let result = writing::prepare(&new, &folder);
    let wrong = result.as_ref().err().cloned();
    cockpit.send(Message::Prepared(number, result.map(Box::new)));
    wrong.map_or(Ok(()), Err)
}

#[test]
fn what_can_be_made_is_asked_where_one_stands() {
    let project = project();
    let mut cockpit = desk(project.path());
    cockpit.keys("I");
    picture!("new-80x24", cockpit);
    let first = |keys: &str| {
        let mut cockpit = desk(project.path());
        cockpit.keys(keys);
        let screen = cockpit.screen();
        let mut rows = screen
            .lines()
            .skip_while(|line| !line.contains("New: what?"));
        let row = rows.find(|line| line.contains('\u{276f}'));
        row.unwrap().trim_matches(['│', ' ']).to_owned()
    };
    assert!(first("I").contains("deployment group"));
    assert!(first("h h I").contains("application"));
}

#[test]
fn an_application_is_made_by_a_form() {
    let project = project();
    let mut cockpit = desk(project.path());
    form(&mut cockpit, "application");
    typed(&mut cockpit, "shop");
    cockpit.keys("tab");
    assert!(
        cockpit
            .screen()
            .contains("there is an application shop already")
    );
    cockpit.keys("shift-tab backspace backspace backspace backspace");
    typed(&mut cockpit, "billing");
    // What is chosen already is replaced, and a part is completed.
    cockpit.keys("tab l");
    picture!("form-application-80x24", cockpit);
    cockpit.keys("tab");
    assert!(cockpit.screen().contains("Lambda"), "{}", cockpit.screen());
    cockpit.keys("enter");
    let new = New::Application {
        name: sample::name("billing"),
        platform: ComputePlatform::Lambda,
    };
    assert_eq!(prepared(&cockpit).unwrap().1, new);
    prepare(&mut cockpit).unwrap();
    cockpit.wait(500);
    picture!("form-application-80x24-review", cockpit);
    // Back to the form, and once more.
    cockpit.keys("n enter");
    prepare(&mut cockpit).unwrap();
    cockpit.wait(500);
    cockpit.keys("y");
    let (draft, circumstances) = written(&cockpit).unwrap();
    let said = writing::write(&draft, &circumstances).unwrap();
    cockpit.send(Message::Written(Ok(said)));
    assert!(
        cockpit.model.layers.is_empty(),
        "the form has done its work"
    );
    let file = project.path().join("applications/billing/application.yaml");
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "applicationName: billing\ncomputePlatform: Lambda\n"
    );
}

#[test]
fn a_group_is_asked_what_its_platform_needs() {
    let project = project();
    let folder = project.path().join("applications/shop");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "applicationName: shop\ncomputePlatform: Server\n";
    std::fs::write(folder.join("application.yaml"), text).unwrap();
    let mut cockpit = desk(project.path());
    form(&mut cockpit, "deployment group");
    typed(&mut cockpit, "canary");
    cockpit.keys("tab b tab tab");
    let screen = cockpit.screen();
    assert!(screen.contains("blue/green moves the traffic"), "{screen}");
    cockpit.keys("shift-tab");
    typed(&mut cockpit, "edge");
    cockpit.keys("tab");
    typed(&mut cockpit, "fe");
    picture!("form-group-80x24", cockpit);
    cockpit.keys("tab");
    typed(&mut cockpit, "Env=pro");
    cockpit.keys("tab");
    typed(&mut cockpit, "failure maybe");
    cockpit.keys("down");
    picture!("form-group-80x24-wrong", cockpit);
    cockpit.resize(60, 15);
    picture!("form-group-60x15", cockpit);
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    picture!("form-group-60x15-ascii", cockpit);
    cockpit.resize(80, 24);
    cockpit.keys("enter");
    assert!(prepared(&cockpit).is_none(), "one field is wrong");
    cockpit.keys("backspace backspace backspace backspace backspace enter enter");
    let (_, New::Group(key, fields)) = prepared(&cockpit).unwrap() else {
        panic!()
    };
    assert_eq!(key.to_string(), "shop/canary");
    // Its style and load balancer, its configuration, its tags, and two for the rollback.
    assert_eq!(fields.len(), 7);
    // The project on the disk has no such configuration: that is said, and the form is still there.
    prepare(&mut cockpit).unwrap();
    cockpit.wait(500);
    let screen = cockpit.screen();
    assert!(screen.contains("no configuration FewAtATime"), "{screen}");
    assert!(screen.contains("go on by hand, in the editor"), "{screen}");
    cockpit.keys("n");
    assert!(cockpit.screen().contains("New deployment group"));
    // Of a function nobody asks for tags.
    let mut cockpit = desk(project.path());
    cockpit.keys("h h home end I");
    typed(&mut cockpit, "deployment group");
    cockpit.keys("enter");
    let screen = cockpit.screen();
    assert!(screen.contains("application    thumbs"), "{screen}");
}

#[test]
fn a_configuration_and_a_host_are_made_by_forms() {
    let project = project();
    let mut cockpit = desk(project.path());
    form(&mut cockpit, "configuration");
    typed(&mut cockpit, "Careful");
    cockpit.keys("tab");
    typed(&mut cockpit, "lots");
    cockpit.keys("tab");
    assert!(
        cockpit
            .screen()
            .contains("expected a percentage such as 75%")
    );
    cockpit.keys("shift-tab backspace backspace backspace backspace");
    typed(&mut cockpit, "75%");
    cockpit.keys("enter enter enter enter");
    prepare(&mut cockpit).unwrap();
    cockpit.wait(500);
    let screen = cockpit.screen();
    assert!(
        screen.contains("Write configurations/Careful.yaml?"),
        "{screen}"
    );
    assert!(screen.contains("FLEET_PERCENT"), "{screen}");

    let mut cockpit = desk(project.path());
    cockpit.keys("H");
    form(&mut cockpit, "host");
    typed(&mut cockpit, "web-20");
    cockpit.keys("tab");
    typed(&mut cockpit, "10.0.0.20:7420");
    cockpit.keys("tab");
    typed(&mut cockpit, "role=web stage=production");
    cockpit.keys("enter enter");
    prepare(&mut cockpit).unwrap();
    cockpit.wait(500);
    cockpit.keys("down down");
    let screen = cockpit.screen();
    assert!(screen.contains("+  - name: web-20"), "{screen}");
    assert!(screen.contains("https://10.0.0.20:7420"), "{screen}");
}

#[test]
fn what_the_documents_do_not_take_is_said_in_the_form() {
    let project = project();
    let mut cockpit = desk(project.path());
    form(&mut cockpit, "host");
    // The picture does not know it yet, and the document does.
    typed(&mut cockpit, "web-1x");
    cockpit.keys("tab");
    typed(&mut cockpit, "10.0.0.1:7420");
    cockpit.keys("enter enter enter");
    let (number, _) = prepared(&cockpit).unwrap();
    let refused = "there is a host web-1x already".to_owned();
    cockpit.send(Message::Prepared(number + 1, Err("late".to_owned())));
    cockpit.send(Message::Prepared(number, Err(refused.clone())));
    assert!(cockpit.screen().contains(&refused), "{}", cockpit.screen());
    cockpit.keys("z");
    assert!(!cockpit.screen().contains(&refused));
    cockpit.keys("esc");
    assert!(cockpit.model.layers.is_empty());
}

#[test]
fn a_deployment_by_a_form_goes_through_its_preview() {
    let project = project();
    let run = sample::failure();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(4), &run.deployment));
    cockpit.model.documents = Some(project.path().to_owned());
    form(&mut cockpit, "a revision to a group");
    typed(&mut cockpit, "1.7.9");
    cockpit.keys("tab");
    assert!(cockpit.screen().contains("no revision is called 1.7.9"));
    cockpit.keys("shift-tab backspace 2 tab");
    typed(&mut cockpit, "Few");
    cockpit.keys("tab");
    typed(&mut cockpit, "for the fair");
    cockpit.resize(80, 24);
    picture!("form-deployment-80x24", cockpit);
    cockpit.keys("enter");
    let Some(Effect::Preview(number, deploy)) = cockpit.effects.last().cloned() else {
        panic!()
    };
    assert_eq!(deploy.group, sample::production());
    assert_eq!(
        deploy.revision,
        sample::revision("1.7.2").digest.to_string()
    );
    assert_eq!(deploy.configuration, Some(sample::name("FewAtATime")));
    assert_eq!(deploy.description, "for the fair");
    cockpit.send(Message::Previewed(number, Ok(Box::new(sample::preview()))));
    cockpit.wait(500);
    cockpit.keys("y");
    let sent = super::commands::sent(&cockpit);
    assert_eq!(sent, [crate::api::command::Command::Deploy(*deploy)]);
    assert!(cockpit.model.layers.is_empty());
}

#[test]
fn read_only_after_the_form_was_opened_is_seen_at_the_gate() {
    let project = project();
    let mut cockpit = desk(project.path());
    cockpit.keys("h h");
    form(&mut cockpit, "application");
    typed(&mut cockpit, "billing");
    cockpit.keys("enter enter");
    prepare(&mut cockpit).unwrap();
    cockpit.wait(500);
    cockpit.model.read_only = true;
    cockpit.keys("y");
    let (draft, circumstances) = written(&cockpit).unwrap();
    let refused = writing::write(&draft, &circumstances).unwrap_err();
    assert_eq!(refused, Closed::ReadOnly.to_string());
    assert!(!project.path().join("applications").exists());
}

#[test]
fn forms_and_reviews_are_drawn_at_every_size() {
    let project = project();
    let mut filled = desk(project.path());
    form(&mut filled, "deployment group");
    filled.keys("tab tab b tab tab tab tab");
    let mut reviewed = desk(project.path());
    reviewed.keys("h h");
    form(&mut reviewed, "application");
    typed(&mut reviewed, "billing");
    reviewed.keys("enter enter");
    prepare(&mut reviewed).unwrap();
    for cockpit in [&mut filled, &mut reviewed] {
        for width in (0..=100).step_by(3) {
            for height in 0..=26 {
                cockpit.resize(width, height);
                cockpit.draw();
            }
        }
        cockpit.keys("down down up pgdn pgup");
        cockpit.draw();
    }
}
