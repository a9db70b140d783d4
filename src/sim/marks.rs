//! Coverage marks: rare branches of the world, counted, so that a campaign that never takes one is noticed.

macro_rules! marks {
    ($($name:ident: $text:literal,)*) => {
        /// A rare branch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the texts are the documentation")]
        pub enum Mark { $($name,)* }

        /// Every mark with what it says.
        pub const ALL: &[(Mark, &str)] = &[$((Mark::$name, $text),)*];
    };
}

marks! {
    MessageLost: "a request was lost",
    AnswerLost: "an answer was lost",
    MessageDoubled: "a request arrived twice",
    StreamCut: "a stream broke off",
    LogTooShort: "a host's log no longer reached back to where an execution began",
    Partition: "a host was cut off",
    Swizzle: "hosts were cut off and came back in another order",
    AgentKilled: "an agent was killed",
    AgentKilledBeforeEntry: "an agent was killed just before an entry of its log",
    AgentKilledAfterEntry: "an agent was killed just after an entry of its log",
    HostCrashed: "a host crashed",
    HostGone: "a host went away for good",
    HostDeregistered: "a host that went away for good was taken out of the project",
    PassingNotesLost: "a crash of a host lost what its agent had written in passing",
    ScriptOutlivesAgent: "a script outlived its agent",
    Orphan: "an agent ended what its former life had left",
    OrphanIgnoresTerm: "such a script did not mind TERM",
    OrphanEndsByItself: "a script ended while there was no agent",
    GoesOnBehindScripts: "an event went on behind scripts that had ended",
    AgentWaits: "an agent waited for a lease",
    OrderAgain: "an order arrived once more",
    StopOvertookOrder: "a stop overtook its order",
    ScriptHangs: "a script hung",
    ScriptTimesOut: "a script took too long",
    ScriptIgnoresTerm: "a script that took too long did not mind TERM",
    ControllerKilled: "the orchestrator was killed",
    ControllerKilledAtEffect: "the orchestrator was killed between two effects",
    WriteLost: "a crash lost entries that were not durable yet",
    WriteKept: "a crash kept entries whose writer did not hear of it",
    WriteFailed: "a write failed and was tried again",
    WaitedForLedger: "an end or a beginning waited for the group's ledger",
    ClockJumped: "the orchestrator's clock jumped",
    HostClockJumped: "a host's clock jumped",
    DeadlineExpired: "a deadline passed",
    StatesTold: "a host's state had to tell what its log no longer did",
    HostRefused: "a host refused an order",
    NeverGotOrder: "a stop found that the host had never had the order",
    KeyRefused: "an operator was refused",
    KeyStale: "an operator was refused for an old picture",
    KeyWhileDown: "an operator found nobody to talk to",
    SlotTaken: "a deployment was refused because the group was busy",
    Impossible: "a deployment could not start",
    StoppedByOperator: "a deployment was stopped",
    StoppedByAlarm: "an alarm stopped a deployment",
    FailedEarly: "a deployment ended early for want of healthy instances",
    SucceededWithFailures: "a deployment succeeded with failed instances",
    RolledBack: "a deployment was rolled back automatically",
    NothingToRollBackTo: "there was no revision to roll back to",
    RollbackFailed: "a rollback failed",
    StaleReport: "a report changed nothing",
    BalancerUnheard: "a request to a load balancer was lost",
    BalancerUnanswered: "an answer of a load balancer was lost",
    AppliedUnanswered: "a load balancer had done everything, and its answer was lost",
    AppliedLate: "a load balancer took a while to do what it had accepted",
    ChangeBrokenOff: "a connection to a load balancer broke in the middle of a change",
    BalancerRefused: "a load balancer refused a change",
    BalancerRestarted: "a load balancer restarted and forgot everything",
    BalancerByHand: "somebody changed a load balancer by hand",
    KeeperWaits: "a keeper waited for the one of the deployment before it",
    LastServerKept: "the last healthy server of a route had to stay",
    DrainedInTime: "a server left when nothing was in flight",
    CutOff: "a server left with requests in flight, for its time was over",
    PutRight: "what others had changed at a load balancer was put right",
    Approved: "somebody approved what another had created",
    ApprovedInVain: "somebody was refused an approval",
    Frozen: "a deployment came into a freeze",
    Thawed: "a deployment came out of a freeze",
    RefusedFrozen: "a deployment was refused because its group was frozen",
    Rerouted: "somebody rerouted",
    NotRerouted: "nobody rerouted in time",
    KeptWhile: "the original was kept to the end of its time",
    Swapped: "a blue/green deployment succeeded",
    WayBack: "a blue/green deployment went back",
    Shifted: "a part of the traffic shifted",
    WeighedByHand: "somebody set a share by hand",
    ReleasedAtOnce: "a function got another version at once",
    ReleasedByCanary: "a function got another version by a canary",
    ReleasedInSteps: "a function got another version in equal steps",
    FunctionHeld: "what a function's deployment had failed at waited for a person",
    FunctionPaused: "a function's deployment was paused",
    FunctionStopped: "a function's deployment was stopped",
    KilledWhileShifting: "the orchestrator was killed while the traffic of a function shifted",
    FunctionWentBack: "a function went back to its former version",
    FunctionRefused: "a deployment of a function was refused for the version that it named",
    AliasFaulty: "an alias did not lead to the version that its deployment named",
    AliasReset: "somebody gave a version of a function everything by hand",
    AliasOfOthers: "an alias led to a server that is no version of its function",
    VersionIll: "a version of a function fell ill",
    HookUnheard: "a call of a hook was lost",
    HookUnanswered: "a hook had taken its call, and the answer was lost",
    HookNotNow: "a hook did not take its call at once",
    HookRefused: "a hook refused its call",
    HookCalledAgain: "a hook was called again with the ticket that it had",
    HookSucceeded: "a hook reported that all is well",
    HookFailed: "a hook reported that it failed",
    HookEarly: "a hook reported before anybody knew that it had taken the call",
    HookInVain: "a hook reported to nobody, or once more",
    HookTimedOut: "a hook did not report in time",
    HookInterrupted: "an orchestrator was killed while a program ran as a hook",
    ServedFirst: "a service got its first task set",
    ServedAtOnce: "a service got another task set at once",
    ServedByCanary: "a service got another task set by a canary",
    ServedInSteps: "a service got another task set in equal steps",
    ServiceHeld: "what a service's deployment had failed at waited for a person",
    ServicePaused: "a service's deployment was paused",
    ServiceStopped: "a service's deployment was stopped",
    ServiceWentBack: "a service went back to its original task set",
    KilledWhileMoving: "the orchestrator was killed while the traffic of a service shifted",
    TestTraffic: "test traffic went to another task set",
    TasksUnwell: "the tasks of a task set did not get well",
    NoTasksTaken: "a host took no tasks",
    TaskDied: "a task ended by itself",
    TaskIgnoresTerm: "a task did not mind TERM",
    TaskSetAgain: "an order for tasks arrived once more",
    TaskSetLost: "a host had lost the tasks that were ordered of it",
    EndOvertookTaskSet: "the end of a task set came to a host that had not its order",
    NewDisk: "a host came back with a new disk",
    OriginalDeleted: "the task set that had lost the traffic was deleted",
    OriginalKept: "the task set that had lost the traffic was left for good",
    ReplacementDeleted: "the way back deleted the replacement",
    TaskSetLeft: "a deployment left a task set behind",
    LeftDeleted: "what a deployment had left behind was deleted by the next",
    NotEnded: "tasks could not be ended",
    ListenerFaulty: "a listener did not lead where its deployment took it to",
    ListenerReset: "somebody gave the task set of a service everything by hand",
    RolledBackByHand: "somebody rolled a deployment back that was over",
    NoWayBack: "there was no way back from a deployment that was over",
}

/// How often each mark was hit.
#[derive(Clone, Debug)]
pub struct Marks(Vec<u64>);

impl Default for Marks {
    fn default() -> Self {
        Self(vec![0; ALL.len()])
    }
}

impl Marks {
    /// Counts one.
    pub fn hit(&mut self, mark: Mark) {
        self.0[mark as usize] += 1;
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, more) in self.0.iter_mut().zip(&other.0) {
            *mine += more;
        }
    }

    /// Every mark's text and count.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        ALL.iter()
            .map(|(_, text)| *text)
            .zip(self.0.iter().copied())
    }
}
