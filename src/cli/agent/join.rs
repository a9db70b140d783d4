//! `cutover agent join`: what a host needs to obey an orchestrator, and `keys` and `forget`: whom it obeys.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use color_eyre::eyre::{WrapErr as _, bail};

use super::super::Exit;
use super::super::context::UsageError;
use super::super::print::say;
use super::unit;
use crate::agent::config::{DEFAULT_FILE, DEFAULT_ROOT, File};
use crate::agent::layout::Layout;
use crate::agent::metadata::Metadata;
use crate::identity::invitation::Token;
use crate::identity::orchestrators::{Certified, KnownOrchestrators, Whom};
use crate::identity::{Identity, OwnKey};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::text::clock_time;

/// Where the metadata service of an instance is, if it is not where AWS has it: a variable of AWS's own.
const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// Where agents of instances are looked for, unless the account says otherwise.
const PORT: u16 = 7420;

/// The arguments of `cutover agent join`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As which host, as the project knows it
    #[arg(long, value_name = "NAME", required_unless_present = "instance")]
    name: Option<Name>,
    /// Where the agent will listen; with --instance, :7420 is that port at the instance's own address
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        required_unless_present = "instance"
    )]
    listen: Option<Listen>,
    /// Join as an instance of AWS: under its id, at its address, both as its metadata service says, and however long it takes
    #[arg(long, requires = "token")]
    instance: bool,
    /// What `cutover hosts add` or `cutover hosts invite` printed
    #[arg(
        long,
        value_name = "TOKEN",
        value_parser = token,
        required_unless_present = "authority",
        conflicts_with = "authority"
    )]
    token: Option<Token>,
    /// Expect an orchestrator that has a certificate of this authority (PEM), instead of one that has a token
    #[arg(
        long,
        value_name = "FILE",
        requires = "certificate",
        requires = "orchestrator"
    )]
    authority: Option<PathBuf>,
    /// The name in the orchestrator's certificate
    #[arg(long, value_name = "NAME", requires = "authority")]
    orchestrator: Option<String>,
    /// The host's key, with the certificate of the authority for it and those in between (PEM)
    #[arg(long, value_name = "FILE", requires = "authority")]
    certificate: Option<PathBuf>,
    /// Where the agent is to find its name and address; they are written there
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// The folder in which the agent keeps its own files, by default what the file says, or /var/lib/cutover-agent
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Install a unit for systemd and start the agent
    #[arg(long)]
    systemd: bool,
}

/// Where an agent will listen.
#[derive(Clone, Copy, Debug)]
enum Listen {
    /// There.
    At(SocketAddr),
    /// At this port of the instance's own address.
    Port(u16),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = text.strip_prefix(':').and_then(|port| port.parse().ok());
        let wrong = |_| "write ADDRESS:PORT, such as 10.0.0.7:7420".to_owned();
        match port {
            Some(port) => Ok(Self::Port(port)),
            None => text.parse().map(Self::At).map_err(wrong),
        }
    }
}

/// Who an agent is, and where.
struct Own {
    name: Name,
    listen: SocketAddr,
}

/// The arguments of `cutover agent keys`.
#[derive(Debug, clap::Args)]
pub(super) struct Keys {
    #[command(flatten)]
    place: Place,
}

/// The arguments of `cutover agent forget`.
#[derive(Debug, clap::Args)]
pub(super) struct Forget {
    /// The orchestrator's key, as `cutover agent keys` shows it
    fingerprint: String,
    #[command(flatten)]
    place: Place,
}

/// Which agent of this machine.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The configuration file; by default /etc/cutover-agent/agent.yml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder in which the agent keeps its own files, by default /var/lib/cutover-agent
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

fn token(text: &str) -> Result<Token, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// Makes the host's key, expects the orchestrator, and writes what the agent needs to know.
pub(super) async fn run(args: &Args) -> color_eyre::Result<Exit> {
    let said = configured(&args.config)?;
    let whom = args.whom()?;
    let own = args.own().await?;
    let root = args.root.as_ref().or(said.root_dir.as_ref());
    let root = root.map_or_else(|| PathBuf::from(DEFAULT_ROOT), Clone::clone);
    write_config(args, &own, &said)?;
    let layout = Layout::open(&root).wrap_err_with(|| format!("opening {}", root.display()))?;
    let spoke_plainly = !layout.key().exists();
    let identity = match &args.certificate {
        Some(file) => Identity::install(&layout.key(), &read(file)?)?,
        None => Identity::open(&layout.key())?,
    };
    let known = KnownOrchestrators::open(layout.orchestrators())?;
    let orchestrator = match &whom {
        Whom::Token { orchestrator, .. } => orchestrator.fingerprint(),
        Whom::Certified(one) => one.name.clone(),
    };
    let lasts = if args.instance {
        known.expect_always(&own.name, whom)?;
        "until it comes"
    } else {
        known.expect(&own.name, whom)?;
        "for 15 minutes"
    };
    say(format_args!(
        "{} has the key            {}\n{:width$} expects the orchestrator {orchestrator}, {lasts}",
        own.name,
        identity.pin().fingerprint(),
        "",
        width = own.name.as_str().len(),
    ));
    if let Some(token) = args.token.as_ref().filter(|_| args.instance) {
        say(format_args!("it goes by the token {}", token.secret.id()));
    }
    if args.systemd {
        return unit::install(&args.config);
    }
    let config = if args.config == Path::new(DEFAULT_FILE) {
        String::new()
    } else {
        format!(" --config {}", args.config.display())
    };
    if !is_running(&layout) {
        say(format_args!("now start it: cutover agent{config}"));
    } else if spoke_plainly {
        say("an agent is running here: start it anew, so that it listens encrypted");
    } else {
        say("the agent that is running here goes by this at once");
    }
    Ok(Exit::Succeeded)
}

impl Args {
    /// Who this host is, and where its agent listens.
    async fn own(&self) -> color_eyre::Result<Own> {
        let at = match self.listen {
            Some(Listen::At(at)) => Some(at),
            Some(Listen::Port(_)) if !self.instance => {
                let message = "--listen needs an address before the port: an instance of AWS alone is asked for its own (--instance)";
                return Err(UsageError(message.to_owned()).into());
            }
            Some(Listen::Port(_)) | None => None,
        };
        if let (Some(name), Some(listen)) = (&self.name, at) {
            let name = name.clone();
            return Ok(Own { name, listen });
        }
        let endpoint = std::env::var(ENDPOINT).ok().filter(|it| !it.is_empty());
        let metadata = Metadata::open(endpoint.as_deref()).await?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => metadata.instance().await?,
        };
        let listen = match (at, self.listen) {
            (Some(at), _) => at,
            (None, Some(Listen::Port(port))) => (metadata.address().await?, port).into(),
            (None, _) => (metadata.address().await?, PORT).into(),
        };
        Ok(Own { name, listen })
    }

    /// Which orchestrator is expected.
    fn whom(&self) -> Result<Whom, UsageError> {
        match (&self.token, &self.authority, &self.orchestrator) {
            (Some(token), ..) => Ok(token.clone().into()),
            (None, Some(file), Some(name)) => {
                let authority = read(file)?.parse();
                let authority = authority
                    .map_err(|error| UsageError(format!("{}: {error}", file.display())))?;
                let name = name.clone();
                Ok(Whom::Certified(Certified { authority, name }))
            }
            _ => Err(UsageError("give --token, or --authority".to_owned())),
        }
    }
}

fn read(file: &Path) -> Result<String, UsageError> {
    let text = fs::read_to_string(file);
    text.map_err(|error| UsageError(format!("{}: {error}", file.display())))
}

/// What the file says, if there is one.
fn configured(path: &Path) -> Result<File, UsageError> {
    if path.exists() {
        File::read(path).map_err(|error| UsageError(error.to_string()))
    } else {
        Ok(File::default())
    }
}

fn is_running(layout: &Layout) -> bool {
    let lock = fs::File::open(layout.lock());
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

/// Has the file say how the host is called and where its agent listens. What it says otherwise stays.
fn write_config(args: &Args, own: &Own, said: &File) -> color_eyre::Result<()> {
    let path = &args.config;
    let shown = path.display();
    let mut missing = Vec::new();
    let mut want = |key: &str, said: Option<String>, wanted: String| match said {
        None => {
            missing.push(format!("{key}: {wanted}\n"));
            Ok(())
        }
        Some(said) if said == wanted => Ok(()),
        Some(said) => Err(UsageError(format!(
            "{shown} says {key}: {said}, and this is to be {wanted}: change one of them"
        ))),
    };
    let quoted = |path: &PathBuf| serde_json::to_string(&path.to_string_lossy());
    want(
        "name",
        said.name.as_ref().map(Name::to_string),
        own.name.to_string(),
    )?;
    // In quotes: an address of IPv6 begins with a bracket.
    want(
        "listen",
        said.listen.map(|listen| format!("\"{listen}\"")),
        format!("\"{}\"", own.listen),
    )?;
    if let Some(root) = &args.root {
        let said = said.root_dir.as_ref().map(quoted).transpose()?;
        want("root_dir", said, quoted(root)?)?;
    }
    let missing = missing.concat();
    if missing.is_empty() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).wrap_err_with(|| format!("making {}", folder.display()))?;
    }
    let mut text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).wrap_err_with(|| format!("reading {shown}")),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text += &missing;
    if let Err(error) = File::parse(&text) {
        bail!(
            "these lines can't be added to {shown} ({error}); write them there yourself:\n{missing}"
        );
    }
    fs::write(path, text).wrap_err_with(|| format!("writing {shown}"))?;
    say(format_args!("wrote {shown}"));
    Ok(())
}

impl Place {
    pub(super) fn layout(&self) -> Result<Layout, UsageError> {
        let said = configured(self.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE)))?;
        let root = self.root.clone().or(said.root_dir);
        Ok(Layout::of(&root.unwrap_or_else(|| DEFAULT_ROOT.into())))
    }
}

/// Shows the host's key, and those of the orchestrators that it obeys.
pub(super) fn keys(args: &Keys) -> color_eyre::Result<Exit> {
    let layout = args.place.layout()?;
    if !layout.key().exists() {
        say("this host has no key: it has not been told to join (`cutover agent join`)");
        return Ok(Exit::Succeeded);
    }
    let known = KnownOrchestrators::open(layout.orchestrators())?;
    let own: OwnKey = OwnKey::open(&layout.key())?;
    say(format_args!("own           {}", own.pin().fingerprint()));
    if let Some(next) = own.next()? {
        say(format_args!("next          {}", next.pin().fingerprint()));
    }
    let at = |at: Timestamp| clock_time(at);
    for one in known.all() {
        say(format_args!(
            "orchestrator  {}  {} since {}",
            one.pin.fingerprint(),
            one.project,
            at(one.since)
        ));
    }
    if let Some(expected) = known.expected() {
        let whom = match expected.whom {
            Whom::Token { orchestrator, .. } => orchestrator.fingerprint(),
            Whom::Certified(one) => one.name,
        };
        let until = expected.until;
        let until = until.map_or_else(|| "it comes".to_owned(), at);
        say(format_args!("expected      {whom}  until {until}"));
    }
    Ok(Exit::Succeeded)
}

/// Obeys an orchestrator no longer.
pub(super) fn forget(args: &Forget) -> color_eyre::Result<Exit> {
    let layout = args.place.layout()?;
    let known = KnownOrchestrators::open(layout.orchestrators())?;
    let all = known.all();
    let found = all
        .iter()
        .find(|one| one.pin.fingerprint() == args.fingerprint);
    let Some(found) = found else {
        let message = format!(
            "this host obeys no orchestrator with the key {}: `cutover agent keys` shows those it obeys",
            args.fingerprint
        );
        return Err(UsageError(message).into());
    };
    known.forget(found.pin)?;
    say(format_args!(
        "{} of {} is obeyed no longer",
        args.fingerprint, found.project
    ));
    Ok(Exit::Succeeded)
}
