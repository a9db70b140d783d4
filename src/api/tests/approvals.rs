//! Who approves is who the kernel says it is.

use super::world::{World, caller, deploy};
use crate::api::caller::Caller;
use crate::engine::input::{self, What};
use crate::model::deployment::DeploymentId;
use crate::orchestrator::command::{Answer, Command};

const ACCESS: &str = "\
access:
  door: /run/cutover/nowhere.sock
  people:
    - { user: olaf, role: operator }
    - { user: anna, role: approver }
    - { user: adam, role: admin }
  approvals: [{ before: [start], count: 2 }]
";

/// What somebody is told who approves and says that it is somebody else.
async fn told(world: &World, who: &Caller, id: &DeploymentId) -> Result<Answer, String> {
    let approve = input::Command {
        uid: Some(1),
        ..input::Command::new(What::Approve { step: None }, "adam")
    };
    let command = Command::Control {
        deployment: id.clone(),
        control: approve,
    };
    let answer = world.door.command(who, command).await;
    answer.map_err(|error| error.message)
}

#[tokio::test]
async fn a_second_name_of_the_same_user_is_no_second_person() {
    let world = World::new().await;
    world.rewrite(ACCESS);
    let creator = caller("olaf", &[]);
    let created = world.door.command(&creator, deploy("shop", "staging"));
    let Ok(Answer::Created { deployment: id }) = created.await else {
        panic!("it is not created");
    };
    let anna = caller("anna", &[]);
    let same = Caller {
        uid: creator.uid,
        ..anna.clone()
    };
    let refused = told(&world, &same, &id).await.unwrap_err();
    assert!(
        refused.starts_with("anna, who is the same Unix user as olaf, created it"),
        "{refused}"
    );
    told(&world, &anna, &id).await.unwrap();
    let again = Caller {
        uid: anna.uid,
        ..caller("adam", &[])
    };
    let refused = told(&world, &again, &id).await.unwrap_err();
    assert!(
        refused.starts_with("adam, who is the same Unix user as anna, has approved it already"),
        "{refused}"
    );
    told(&world, &caller("adam", &[]), &id).await.unwrap();
}
