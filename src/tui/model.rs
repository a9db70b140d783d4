//! The cockpit's state: the picture of the world, which screen is seen, what is selected, and what lies on top.

use std::path::PathBuf;
use std::time::Duration;

use super::action::Context;
use super::action::key::Key;
use super::action::keymap::Keymap;
use super::ahead::Ahead;
use super::attention::Attention;
use super::calm::Calm;
use super::causes::Causes;
use super::changes::Changes;
use super::choices::Choices;
use super::cursors::Cursors;
use super::effect::Purpose;
use super::layers::Layer;
use super::layout::Layout;
use super::lists::Arrangements;
use super::messages::Messages;
use super::output::Output;
use super::pace::Pace;
use super::panes::instances::Shape;
use super::recent::Recent;
use super::remaining::Left;
use super::replay::Player;
use super::rest::Rest;
use super::screens::configurations::Configurations;
use super::screens::history::History;
use super::screens::home::Home;
use super::screens::hosts::Hosts;
use super::screens::{self, Screen};
use super::sent::Sent;
use super::servers::Servers;
use super::session::Start;
use super::terminal::clipboard::Clipboard;
use super::terminal::multiplexer::Multiplexer;
use super::theme::Theme;
use super::tour::Step;
use super::trail::Trail;
use crate::api::command::{Command, Deploy};
use crate::api::gate::{Circumstances, TOO_OLD};
use crate::api::gauge::Gauge;
use crate::api::locks::Unlocked;
use crate::api::view::View;
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::engine::ledger::Ledger;
use crate::engine::summary::Summary;
use crate::model::deployment::Creator;
use crate::model::deployment::DeploymentId;
use crate::model::environment::Environment;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::store::documents::edit::Editor;

/// Where the keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pane {
    Applications,
    Groups,
    Deployments,
    Instances,
    Output,
}

impl Pane {
    /// Every pane, in the order of Tab.
    pub(crate) const ALL: [Self; 5] = [
        Self::Applications,
        Self::Groups,
        Self::Deployments,
        Self::Instances,
        Self::Output,
    ];

    /// The pane before it; itself, if it is the first.
    pub(crate) fn before(self) -> Self {
        let before = Self::ALL.iter().rev().find(|pane| **pane < self);
        before.copied().unwrap_or(self)
    }

    /// Whether it is one of the three lists at the top.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Applications | Self::Groups | Self::Deployments)
    }
}

/// The connection to the orchestrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing has come yet.
    Connecting,
    /// The feed runs.
    Live,
    /// The feed broke; somebody tries again.
    Lost {
        /// When.
        since: Timestamp,
        /// Why.
        reason: String,
    },
}

/// Whose the mouse is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mouse {
    /// Clicks and the wheel come here.
    #[default]
    Ours,
    /// The terminal has it, to select text, until somebody takes it again.
    Lent,
    /// It is not wanted here.
    Unused,
}

/// What is selected: ids, never positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selected {
    pub application: Option<Name>,
    pub group: Option<GroupKey>,
    pub deployment: Option<DeploymentId>,
    pub instance: Option<Name>,
}

/// The ids that the lists show, in the order of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    pub applications: Vec<Name>,
    pub groups: Vec<GroupKey>,
    pub deployments: Vec<DeploymentId>,
    /// The instances as positions in their deployment, if they are not as the deployment has them.
    pub instances: Option<Vec<usize>>,
    /// What the instances were arranged for.
    pub arranged: Option<(DeploymentId, Calm)>,
    /// How many applications, groups and deployments there would be without a filter.
    pub all: [usize; 3],
}

/// The instances of a deployment in the order of the screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instances<'a> {
    targets: &'a [Target],
    shown: Option<&'a [usize]>,
}

impl<'a> Instances<'a> {
    /// How many are shown.
    pub(crate) fn len(self) -> usize {
        self.shown.map_or(self.targets.len(), <[usize]>::len)
    }

    /// The one in this row.
    pub(crate) fn get(self, row: usize) -> Option<&'a Target> {
        match self.shown {
            Some(shown) => self.targets.get(*shown.get(row)?),
            None => self.targets.get(row),
        }
    }

    /// The row of one.
    pub(crate) fn row(self, deployment: &Deployment, name: &Name) -> Option<usize> {
        let position = deployment.position(name)?;
        match self.shown {
            Some(shown) => shown.iter().position(|other| *other == position),
            None => Some(position),
        }
    }

    /// So many from this row on.
    pub(crate) fn window(self, top: usize, rows: usize) -> impl Iterator<Item = &'a Target> {
        (top..top.saturating_add(rows)).map_while(move |row| self.get(row))
    }
}

/// The first visible row of each list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scroll {
    pub applications: usize,
    pub groups: usize,
    pub deployments: usize,
    pub instances: usize,
}

/// A deployment that is being fetched, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fetch {
    Running(DeploymentId),
    Failed(DeploymentId, String),
}

/// Everything the cockpit knows.
#[derive(Debug)]
pub(crate) struct Model {
    /// The time of the last message.
    pub now: Timestamp,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub link: Link,
    /// When the orchestrator was last heard of.
    pub heard: Option<Timestamp>,
    /// The picture; `None` until the first snapshot.
    pub view: Option<View>,
    /// Counts what the orchestrator has told.
    pub news: u64,
    /// The screen that is seen.
    pub screen: Screen,
    /// Where somebody has been.
    pub trail: Trail,
    /// How each list is arranged.
    pub arranged: Arrangements,
    pub home: Home,
    pub hosts: Hosts,
    pub history: History,
    pub configurations: Configurations,
    pub selected: Selected,
    /// What was selected elsewhere.
    pub cursors: Cursors,
    pub lists: Lists,
    pub scroll: Scroll,
    pub focus: Pane,
    pub output: Output,
    /// Why instances of the deployment failed that the screen tells about.
    pub causes: Causes,
    /// How long its instances take.
    pub pace: Pace,
    /// When it will be over.
    pub left: Left,
    /// How its instances are shown.
    pub shape: Shape,
    /// What the deployment that the screen tells about waits for, and what comes then.
    pub ahead: Ahead,
    /// How the servers of the selected deployment stand at its load balancers.
    pub servers: Servers,
    /// What has changed at its hosts since it was made, if it has two sides.
    pub changes: Changes,
    /// What can be done in its wait for a person, and what speaks for it.
    pub choices: Choices,
    /// The deployment that is on its way.
    pub fetch: Option<Fetch>,
    /// The row on which the cursor rests, where a deployment is told beside it.
    pub rest: Rest,
    /// The deployments that are kept whole although they are over.
    pub recent: Recent,
    /// The first key of a sequence, after which the second is waited for.
    pub begun: Option<Key>,
    /// What lies on top, the topmost last.
    pub layers: Vec<Layer>,
    pub messages: Messages,
    /// The guide for who is here for the first time.
    pub tour: Vec<Step>,
    /// Select the rollback of this deployment when it comes: this person asked for it.
    pub expected_rollback: Option<DeploymentId>,
    /// Select this deployment when it is known.
    pub expected: Option<DeploymentId>,
    /// Go there as soon as there is a picture.
    pub start: Option<Start>,
    /// What passes the terminal's own commands on, if something lies between.
    pub multiplexer: Option<Multiplexer>,
    /// What copies besides the terminal.
    pub clipboard: Option<Clipboard>,
    /// Whose the mouse is.
    pub mouse: Mouse,
    pub read_only: bool,
    /// The folder of the project's documents, if it is on this machine.
    pub documents: Option<PathBuf>,
    /// Where the project is, if whoever types a command has to say so.
    pub place: Option<PathBuf>,
    /// What was sent.
    pub sent: Sent,
    /// What documents are written with by hand.
    pub editor: Option<Editor>,
    /// The environments that this person has unlocked here.
    pub unlocked: Unlocked,
    /// The recording, if this is a replay.
    pub replay: Option<Box<Player>>,
    /// The cockpit from which this replay was opened, which goes on behind it.
    pub behind: Option<Box<Model>>,
    /// The request for a journal that is waited for, and what for.
    pub journal: Option<(u64, Purpose)>,
    /// Whether somebody looks.
    pub attention: Attention,
    /// Who asks for changes.
    pub user: String,
    pub keymap: Keymap,
    pub theme: Theme,
    /// Writes a time of day; a value, so that a test has its own zone.
    pub clock: fn(Timestamp) -> String,
    /// Writes a day with its time.
    pub date: fn(Timestamp) -> String,
    /// Counts requests, so that a late answer is told from the one that is waited for.
    pub requests: u64,
    /// How the cockpit ends, once it does.
    pub outcome: Option<Outcome>,
}

/// How the cockpit was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was running.
    Idle,
    /// Deployments go on in the background.
    LeaveRunning,
    /// The deployments that ran were asked to stop.
    Stopped,
    /// A signal ended the cockpit.
    Signal,
}

impl Model {
    /// The state before anything is known.
    pub(crate) fn new(keymap: Keymap, theme: Theme, user: String, read_only: bool) -> Self {
        Self {
            now: Timestamp::default(),
            size: (80, 24),
            link: Link::Connecting,
            heard: None,
            view: None,
            news: 0,
            screen: Screen::Rollouts,
            trail: Trail::default(),
            arranged: Arrangements::default(),
            home: Home::default(),
            hosts: Hosts::default(),
            history: History::default(),
            configurations: Configurations::default(),
            selected: Selected::default(),
            cursors: Cursors::default(),
            lists: Lists::default(),
            scroll: Scroll::default(),
            focus: Pane::Deployments,
            output: Output::default(),
            causes: Causes::default(),
            pace: Pace::default(),
            left: Left::default(),
            shape: Shape::default(),
            ahead: Ahead::default(),
            servers: Servers::default(),
            changes: Changes::default(),
            choices: Choices::default(),
            attention: Attention::default(),
            fetch: None,
            rest: Rest::default(),
            recent: Recent::default(),
            begun: None,
            layers: Vec::new(),
            messages: Messages::default(),
            tour: Vec::new(),
            expected_rollback: None,
            expected: None,
            start: None,
            multiplexer: None,
            clipboard: None,
            mouse: Mouse::default(),
            read_only,
            documents: None,
            place: None,
            sent: Sent::default(),
            editor: None,
            unlocked: Unlocked::default(),
            replay: None,
            behind: None,
            journal: None,
            user,
            keymap,
            theme,
            clock: crate::text::clock_time,
            date: crate::text::date_time,
            requests: 0,
            outcome: None,
        }
    }

    /// The selected deployment, whole; `None` while it is on its way.
    pub(crate) fn deployment(&self) -> Option<&Deployment> {
        let id = self.selected.deployment.as_ref()?;
        self.view.as_ref()?.deployments.get(id)
    }

    /// The deployment that the screen tells about, whole; `None` while it is on its way.
    pub(crate) fn told(&self) -> Option<&Deployment> {
        let id = screens::about(self)?;
        self.view.as_ref()?.deployments.get(&id)
    }

    /// The instances of the selected deployment, in the order of the screen.
    pub(crate) fn instances(&self) -> Instances<'_> {
        let deployment = self.deployment();
        let of = |(id, _): &(DeploymentId, Calm)| deployment.is_some_and(|d| d.id() == id);
        let fits = self.lists.arranged.as_ref().is_some_and(of);
        Instances {
            targets: deployment.map_or(&[], |deployment| &deployment.targets),
            shown: self.lists.instances.as_deref().filter(|_| fits),
        }
    }

    /// Whether the keys are the output's: it has the focus, on the screen of rollouts.
    pub(crate) fn reads(&self) -> bool {
        self.screen == Screen::Rollouts && self.focus == Pane::Output
    }

    /// Where the keys of the topmost layer are looked up, if something lies on top.
    pub(crate) fn context(&self) -> Option<Context> {
        Some(self.layers.last()?.context())
    }

    /// Whether a pane has the keys. It keeps them while somebody types its filter, or looks for something in it.
    pub(crate) fn has_keys(&self, pane: Pane) -> bool {
        let typing = |layer: &Layer| matches!(layer, Layer::Filter(_) | Layer::Search(_));
        self.focus == pane && self.layers.iter().all(typing)
    }

    /// The selected deployment as lists know it.
    pub(crate) fn summary(&self) -> Option<&Summary> {
        let id = self.selected.deployment.as_ref()?;
        self.view.as_ref()?.summaries.get(id)
    }

    /// The selected instance.
    pub(crate) fn target(&self) -> Option<&Target> {
        self.deployment()?.target(self.selected.instance.as_ref()?)
    }

    /// Where the traffic of a deployment goes, while it runs.
    pub(crate) fn gauge(&self, deployment: &Deployment) -> Option<&Gauge> {
        let gauge = self.view.as_ref()?.traffic.get(deployment.id());
        gauge.filter(|_| !deployment.status.is_terminal())
    }

    /// What a group remembers.
    pub(crate) fn ledger(&self, group: &GroupKey) -> Option<&Ledger> {
        self.view.as_ref()?.ledgers.get(group)
    }

    /// Whether nothing may be changed: this session, or the project as its documents say now.
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
            || self.replay.is_some()
            || self
                .view
                .as_ref()
                .is_some_and(|view| view.project.settings.read_only)
    }

    /// How old the picture is.
    pub(crate) fn age(&self) -> Duration {
        self.heard
            .map_or(Duration::MAX, |heard| self.now.since(heard))
    }

    /// Whether the picture is too old to be taken for the present.
    pub(crate) fn is_stale(&self) -> bool {
        self.link != Link::Live || self.age() > TOO_OLD
    }

    /// The time that running durations are counted to: it stands still when nothing is heard.
    pub(crate) fn present(&self) -> Timestamp {
        match self.heard {
            Some(heard) if self.is_stale() => heard,
            _ => self.now,
        }
    }

    /// The environment that what is selected stands in.
    pub(crate) fn environment(&self) -> Option<(&Name, &Environment)> {
        let view = self.view.as_ref()?;
        if view.project.environments.is_empty() {
            return None;
        }
        if self.screen == Screen::Hosts {
            let name = self.hosts.selected()?;
            let host = view.project.hosts.iter().find(|host| host.name == name)?;
            let mut groups = view.project.groups.iter();
            let group = groups.find(|group| group.environment.is_some() && group.selects(host))?;
            return view.project.environment(&group.key());
        }
        let group = match self.screen {
            Screen::Rollouts => self.selected.group.as_ref()?,
            _ => &view.summaries.get(&screens::subject(self)?)?.group,
        };
        view.project.environment(group)
    }

    /// The environment whose lock a command runs into.
    pub(crate) fn lock(&self, command: &Command) -> Option<Name> {
        let locks = self.view.as_ref()?.locks(command);
        let held = |name: &Name| self.unlocked.until(name, self.now).is_none();
        locks.into_iter().find(held)
    }

    /// The production environment that a command is about.
    pub(crate) fn production(&self, command: &Command) -> Option<Name> {
        let view = self.view.as_ref()?;
        let mut named = view.environments(command);
        named.retain(|name| {
            let known = view.project.environments.get(name);
            known.is_some_and(|environment| environment.production)
        });
        named.pop_first()
    }

    /// What the gate must know about a command that this person confirmed now.
    pub(crate) fn circumstances(&self, command: &Command) -> Circumstances {
        Circumstances {
            locked: self.lock(command),
            ..self.circumstances_of_writing()
        }
    }

    /// What the gate must know about documents whose change this person confirmed now. Locks are for what runs.
    pub(crate) fn circumstances_of_writing(&self) -> Circumstances {
        Circumstances {
            read_only: self.is_read_only(),
            data_age: Some(self.age()),
            confirmed: true,
            locked: None,
        }
    }

    /// A number for a request.
    pub(crate) fn request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Where everything is on the screen.
    pub(crate) fn layout(&self) -> Layout {
        Layout::of(self)
    }

    /// Deployments that are not over.
    pub(crate) fn running(&self) -> Vec<&Summary> {
        self.view.iter().flat_map(View::running).collect()
    }

    /// A deployment of this revision to this group, by this person.
    pub(crate) fn deploy(&self, group: GroupKey, revision: String) -> Deploy {
        Deploy {
            group,
            revision,
            configuration: None,
            target_instances: None,
            description: String::new(),
            options: crate::engine::spec::Options::default(),
            token: None,
            verify_artifact: false,
            creator: Creator::User,
            by: self.user.clone(),
            uid: None,
        }
    }

    /// Says something that goes away by itself.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.messages.say(self.now, text.into());
    }

    /// Says something that stays until the next key.
    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.messages.complain(self.now, text.into());
    }
}
