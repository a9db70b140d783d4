//! Bugs on purpose: places where the program can be told to do the wrong thing, to prove that the simulation notices.
//!
//! They exist only with the feature `deliberate-bugs`, which no build for users has. Without it [`deliberate`] is the constant
//! `false` and leaves nothing behind.

macro_rules! bugs {
    ($($name:ident: $text:literal,)*) => {
        /// A mistake somebody could have made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the texts are the documentation")]
        pub enum Bug { $($name,)* }

        impl Bug {
            /// Every bug with what it does wrong.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $text),)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

bugs! {
    OneTooMany: "the window lets one instance more be in flight",
    PercentRoundedDown: "a percentage of the fleet is rounded down",
    FloorIgnored: "a healthy instance is taken away that is needed",
    ZoneFloorIgnored: "the minimum of a zone is not looked at",
    ZoneKeepsMoreThanItHas: "a zone of one instance must keep two healthy",
    NoEarlyStop: "too many failures do not end a deployment early",
    StopStartsNext: "the scheduler starts instances after a stop",
    PauseStartsNext: "the scheduler starts instances while paused",
    HoldForgotten: "a hold does not keep instances from starting",
    ApprovalForgotten: "a deployment starts, and traffic moves, without the approvals that were demanded",
    OwnApprovalCounts: "somebody may approve what is their own",
    FreezeForgotten: "a freeze does not keep instances from starting",
    AlarmForgotten: "an alarm stops nothing",
    AlarmSucceeds: "a deployment whose last instance was done when its alarm went off succeeds",
    ReportAfterEnd: "reports about an instance that is done still count",
    AttemptReused: "a retry uses the execution id of the attempt before",
    DeadlineNotExtended: "an event that starts keeps the deadline of its pick-up",
    HostClockDecides: "a deadline counts from the time by the host's clock",
    DeadlineForgotten: "an event that starts has no deadline",
    HaltNotPending: "a stop gives hosts nothing to do",
    StopChangesNothing: "the change of pending work after a stop is not found",
    MonitorSkipped: "the monitor time after a zone is skipped",
    VerdictWithoutSuccess: "a deployment may succeed although fewer than the minimum are healthy",
    PendingLeftOpen: "instances that never started stay pending when the deployment ends",
    FailureNotCounted: "a failed instance is not counted as failed",
    OldPictureAccepted: "a command that rests on an old picture is carried out",
    StopNeedsFreshPicture: "a stop that rests on an old picture is refused",
    RollbackOfRollback: "a failed rollback is rolled back",
    RollbackForgotten: "a stopped deployment is not rolled back",
    RollbackToItself: "a rollback deploys the revision that failed",
    SlotKept: "an ended deployment keeps its group's slot",
    FailureLooksHealthy: "an instance that failed counts as healthy afterwards",
    FailedRevisionKept: "a failed deployment's revision becomes the group's",
    HealthyFirst: "the sick are deployed to last",
    OrderTakenTwice: "an order that is known is taken once more",
    LeaseIgnored: "an agent starts events without a lease",
    OrderIsLease: "an order starts without a word more, however late it comes",
    EarlyStopForgotten: "an agent forgets a stop that overtook its order",
    StopNotObeyed: "an agent goes on after a stop",
    ScriptRunsAgain: "a script that had ended runs again after a restart of the agent",
    OrphanRunsAgain: "a script that was interrupted is started again",
    OrphanNotEnded: "an orphaned script is left running",
    ResultLost: "an agent forgets that a script has ended",
    FailureIgnored: "an agent goes on after a failed event",
    QueueIgnored: "an agent runs two deployments of a group at a time",
    EventSkipped: "an agent leaves an event out",
    ActBeforeDurable: "work is begun before its decision is durable",
    AnswerBeforeDurable: "an operator is answered before the decision is durable",
    TornBatch: "a write is durable without its last entry",
    SlotIgnored: "a deployment is created although the slot is taken",
    StopKeepsLease: "leases are renewed after a stop",
    StaleWorkBegun: "what was decided and undone in one write is begun all the same",
    TimersLost: "deadlines are not armed after a restart",
    ScriptBeforeItsNote: "a script starts before its note is durable",
    DrainSkipped: "a server leaves at once, whatever is in flight",
    DrainCutShort: "a server that drains leaves at the next look",
    LastServerTaken: "the last healthy server of a route is taken out",
    SickServerCounts: "a server that is not well counts as one that serves",
    CutUntold: "nobody is told that requests were cut off",
    AcceptedIsDone: "what a load balancer has accepted counts as done",
    DrainingIsOut: "a server that drains counts as one that has left",
    KeeperBeginsEarly: "load balancers are changed before the deployment has begun",
    KeeperSleeps: "nobody looks at load balancers while nothing is asked",
    PlaceForgotten: "a server that has left is left as it is until it enters",
    EntersUnvalidated: "what is installed gets requests before it is validated",
    BlockFailureIgnored: "a server that could not leave is deployed to all the same",
    OriginalLeavesFirst: "the original leaves before the replacement enters",
    ReplacementStays: "the way back leaves the replacement in service",
    ServingTurned: "the group takes the side that lost the traffic for its own",
    ReroutedUnasked: "traffic moves although nobody has said so in time",
    TerminatedEarly: "the original is not kept for its time",
    ShiftedEarly: "the next share comes before its time",
    PauseShifts: "traffic shifts on while paused",
    ShareAssumed: "a share counts as in effect as soon as it is asked for",
    EmptySideGetsShare: "a side that nobody serves gets a share",
    AliasUnseen: "nobody looks whether an alias leads to one version alone before its traffic shifts",
    AliasTouchedEarly: "an alias is changed before its deployment may move traffic",
    BystandersStay: "a version that is neither the former nor the next keeps its share of an alias",
    HookComesLate: "traffic shifts before the first hook has been called",
    HookFailureIgnored: "a hook that failed counts as one that agreed",
    HookCalledTwice: "a hook that has taken its call is called once more after a restart",
    WayBackKeepsShare: "the way back leaves the next version a share",
    PortsOfOthersGiven: "a task gets a port at which one of another task set is known",
    RunningIsWell: "a task counts as well as soon as it runs",
    TaskStartedTwice: "an agent that comes back starts tasks that it has",
    TaskSetEndedEarly: "a task set ends before the listeners have let it go",
    ReplacementForgotten: "a deployment that failed does not leave its task set to its group",
    PrimaryTurned: "the group takes the task set that lost the traffic for the one that has it",
    LeftForgotten: "what failed deployments have left behind is forgotten by the next",
    LeftMayServe: "what a failed deployment has left behind may have a share",
    TestsBeforeSteady: "test traffic moves before the replacement is there",
    ListenerUnseen: "nobody looks at a listener before its traffic shifts",
    ListenerTouchedEarly: "a listener is changed before its deployment may move traffic",
    WayBackLeavesTasks: "the way back leaves the replacement's tasks",
    OneTargetGroup: "a replacement is bound to the target group that the original has",
}

#[cfg(feature = "deliberate-bugs")]
thread_local! {
    static SWITCH: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Switches a bug on in this thread, or none.
#[cfg(feature = "deliberate-bugs")]
pub fn switch(bug: Option<Bug>) {
    SWITCH.set(bug);
}

/// Whether this bug is wanted here.
#[cfg(feature = "deliberate-bugs")]
#[inline]
pub fn deliberate(bug: Bug) -> bool {
    SWITCH.get() == Some(bug)
}

/// Whether this bug is wanted here: never.
#[cfg(not(feature = "deliberate-bugs"))]
#[inline]
pub const fn deliberate(_bug: Bug) -> bool {
    false
}
