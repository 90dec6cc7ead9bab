//! The command line's grammar; help, completions and man pages are made from it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::civil::DateTime;
use mama_ports::vocab::{BlockReason, SourceKind, Status};

/// Program names that stand for a command of `mama`.
const ALIASES: [(&str, &str); 3] = [("mama-scan", "scan"), ("mama-apply", "apply"), ("mama-dev", "dev")];

/// Finds every photo, video, song and document a family owns, and keeps one verified copy of each.
#[derive(Debug, Parser)]
#[command(name = "mama", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 done, 1 failed, 2 usage, 3 the answer is no (changes pending, damage found), \
    4 done but some files could not be processed.\n\
    Every setting has a flag, an environment variable MAMA_… or a key in mama.toml: see `mama config show --origin`."
)]
pub(crate) struct Cli {
    /// How mama speaks.
    #[command(flatten)]
    pub(crate) manners: Manners,
    /// Where things are.
    #[command(flatten)]
    pub(crate) places: Places,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How mama speaks.
#[derive(Debug, Args)]
pub(crate) struct Manners {
    /// Print JSON, one object a line; the last line is the summary
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(crate) color: Color,
}

/// When to colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Where things are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Places {
    /// Read the settings from this file [default: $MAMA_CONFIG, else ~/.config/mama/mama.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Places")]
    pub(crate) config: Option<PathBuf>,
    /// Use the archive in this folder
    #[arg(long, global = true, value_name = "DIR", help_heading = "Places")]
    pub(crate) archive: Option<PathBuf>,
    /// Use this catalog: sqlite:PATH or postgres://USER@HOST/DATABASE [default: in the archive]
    #[arg(long, global = true, value_name = "URL", help_heading = "Places")]
    pub(crate) database: Option<String>,
    /// Remember files as those of this machine [default: its own name]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Places")]
    pub(crate) host: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an archive in a new or empty folder, or join the catalog of one on another machine, and write the configuration
    Init {
        /// The archive's folder; without it, --database names the catalog to join
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
        /// The archive that the catalog knows is lost: begin it anew in DIR, for `mama repair` and `mama apply` to fill
        #[arg(long, requires = "dir")]
        archive_lost: bool,
    },
    /// Look at folders and remember what is there; never writes below them
    Scan(ScanArgs),
    /// Read the metadata of contents that were scanned without, or that a scan could not finish
    Enrich {
        /// Only of files and folders with all below them [default: all that this machine can read, the archive included]
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Read again what another version of ExifTool read, and what failed
        #[arg(long)]
        refresh: bool,
    },
    /// Make the archive match the catalog: store contents, link views
    Apply {
        /// Do what this saved plan says, and nothing else; what has changed since is refused
        #[arg(value_name = "PLAN")]
        plan: Option<PathBuf>,
    },
    /// Show what apply would do, changing nothing; exit status 3 if it would do something
    Plan {
        /// Save the plan in this new file, too, for `mama apply FILE`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Say why something is shown, and where, or why not: every sighting of a file, and the rule that decided about it
    Why {
        /// A file or folder that was scanned, or one of the archive's views; or a hash, also its first 8 digits or more
        #[arg(value_name = "PATH|HASH")]
        what: PathBuf,
    },
    /// Say what is known about a file: when and where it was taken, with what, how large it is, and where it was seen; each with its source
    Show {
        /// A file or folder that was scanned, or one of the archive's views; or a hash, also its first 8 digits or more
        #[arg(value_name = "PATH|HASH")]
        what: PathBuf,
        /// Every tag of the metadata, too
        #[arg(long)]
        all: bool,
    },
    /// List files that meet conditions, with when and where they were taken, and with what
    Find(Which),
    /// Say that the archive should not show these; apply removes their views and keeps their contents
    Ignore(CurateArgs),
    /// Say that the archive should show these
    Assign(CurateArgs),
    /// Say that these contents are never stored or shown, wherever they are seen
    Block {
        /// Which
        #[command(flatten)]
        which: CurateArgs,
        /// Why
        #[arg(long, value_name = "REASON", default_value = "blocked", value_parser = reason())]
        reason: BlockReason,
    },
    /// Say that these contents may be stored and shown again
    Unblock(CurateArgs),
    /// Show what was decided, and which scans and applies changed something, newest first
    Log {
        /// Show so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Take a decision back, as far as nothing has changed since
    Undo {
        /// Its number in `mama log` [default: the last decision that is not taken back]
        #[arg(value_name = "NUMBER")]
        number: Option<i64>,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
    /// Show what the catalog holds
    Stats,
    /// Recreate a lost catalog from the archive's own manifests, into a new or empty one
    Rebuild,
    /// Bring the catalog and an archive that was restored from an older copy, or lost files, together again; without --yes, only look;
    /// exit status 3 if something is missing
    Repair {
        /// Really do it
        #[arg(long)]
        yes: bool,
    },
    /// Show the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check that everything mama needs is there and fits together
    Doctor,
    /// Bring the catalog's schema up to date; every other command does so too, if its user may
    Migrate,
    /// Look after the catalog itself
    #[command(subcommand)]
    Dev(DevCommand),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write man pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        dir: PathBuf,
    },
}

/// What to scan, and how.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Folders to look at
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// How the files came there: a folder that its owner goes on using (existing), one that is handed over to the archive
    /// (incoming, import), or one that Syncthing writes (syncthing)
    #[arg(long, value_name = "KIND", default_value = "existing", value_parser = kind())]
    pub(crate) kind: SourceKind,
    /// Do not read metadata; `mama enrich` does so later
    #[arg(long)]
    pub(crate) no_metadata: bool,
    /// Read only what mama finds by itself while it hashes, and do not wait for ExifTool; `mama enrich` reads the rest later
    #[arg(long, conflicts_with = "no_metadata")]
    pub(crate) quick_metadata: bool,
    /// Read again what another version of ExifTool read, and what failed
    #[arg(long, conflicts_with_all = ["no_metadata", "quick_metadata"])]
    pub(crate) refresh_metadata: bool,
    /// The files have moved to another disk, or a disk below these folders is gone for good: believe what is there now, and
    /// mark what is not there as gone
    #[arg(long)]
    pub(crate) new_disk: bool,
    /// Leave out what this gitignore-style pattern matches; may be given several times, adds to scan.exclude
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
}

/// What a decision is about.
#[derive(Debug, Args)]
pub(crate) struct CurateArgs {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Only these files, and not what belongs together with them: the other half of a Live Photo, the raw picture beside the JPEG,
    /// shots of a burst, edits, parts, sidecars. So it is, too, with --glob, --mime, --larger and --smaller, which pick files
    #[arg(long)]
    pub(crate) alone: bool,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Some files: any of the arguments, and all of the conditions. With --host, only what was seen there.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Files and folders with all below them, also those of the archive's views; or hashes, also their first 8 digits or more
    #[arg(value_name = "PATH|HASH")]
    pub(crate) what: Vec<PathBuf>,
    /// Only what was scanned as this kind
    #[arg(long, value_name = "KIND", value_parser = kind(), help_heading = "Conditions")]
    pub(crate) kind: Option<SourceKind>,
    /// Only files whose name matches, or whose path if the pattern has a slash: *.tmp, Thumbs/**, /home/*/Downloads/**
    #[arg(long, value_name = "PATTERN", help_heading = "Conditions")]
    pub(crate) glob: Option<String>,
    /// Only this media type: image/jpeg, video/*
    #[arg(long, value_name = "TYPE", help_heading = "Conditions")]
    pub(crate) mime: Option<String>,
    /// Only larger files: 500K, 2GiB
    #[arg(long, value_name = "SIZE", help_heading = "Conditions")]
    pub(crate) larger: Option<ByteSize>,
    /// Only smaller files
    #[arg(long, value_name = "SIZE", help_heading = "Conditions")]
    pub(crate) smaller: Option<ByteSize>,
    /// Only what was taken before this day or time, as `mama show` says: 2015-08-01, 2015-08-01T12:00
    #[arg(long, value_name = "DATE", help_heading = "Conditions")]
    pub(crate) taken_before: Option<DateTime>,
    /// Only what was taken on this day or at this time, or later
    #[arg(long, value_name = "DATE", help_heading = "Conditions")]
    pub(crate) taken_after: Option<DateTime>,
    /// Only files last changed before this day or time, whenever they were taken
    #[arg(long, value_name = "DATE", help_heading = "Conditions")]
    pub(crate) before: Option<DateTime>,
    /// Only files last changed on this day or at this time, or later
    #[arg(long, value_name = "DATE", help_heading = "Conditions")]
    pub(crate) after: Option<DateTime>,
    /// Only what is pending, assigned or ignored
    #[arg(long, value_name = "STATUS", value_parser = status(), help_heading = "Conditions")]
    pub(crate) status: Option<Status>,
}

/// `mama config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting
    Show {
        /// Say where each came from
        #[arg(long)]
        origin: bool,
    },
    /// Print where the configuration file is, or would be
    Path,
}

/// `mama dev`.
#[derive(Debug, Subcommand)]
pub(crate) enum DevCommand {
    /// Empty the catalog; the archive's files stay
    Reset {
        /// Really do it
        #[arg(long)]
        yes: bool,
    },
    /// Show the catalog's tables and sizes
    Stats,
}

fn status() -> impl clap::builder::TypedValueParser<Value = Status> {
    use clap::builder::TypedValueParser;
    clap::builder::PossibleValuesParser::new(Status::ALL.iter().map(|status| status.as_str()))
        .try_map(|word| word.parse::<Status>())
}

fn reason() -> impl clap::builder::TypedValueParser<Value = BlockReason> {
    use clap::builder::TypedValueParser;
    clap::builder::PossibleValuesParser::new(BlockReason::ALL.map(BlockReason::as_str)).map(|word| {
        let is_it = |reason: &BlockReason| reason.as_str() == word;
        BlockReason::ALL.into_iter().find(is_it).unwrap_or(BlockReason::Blocked)
    })
}

fn kind() -> impl clap::builder::TypedValueParser<Value = SourceKind> {
    use clap::builder::TypedValueParser;
    clap::builder::PossibleValuesParser::new(SourceKind::ALL.iter().map(|kind| kind.as_str()))
        .try_map(|word| word.parse::<SourceKind>())
}

/// Parses the arguments; prints help or a usage error and ends the process if they ask for it.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Cli {
    Cli::parse_from(spelled_out(args))
}

/// `mama-scan X` is `mama scan X`.
fn spelled_out(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let program = args.first().and_then(|program| Path::new(program).file_name()).map(|name| name.as_bytes());
    if let Some((_, command)) = ALIASES.iter().find(|(name, _)| program == Some(name.as_bytes())) {
        args.splice(..1, ["mama".into(), command.into()]);
    }
    args
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_program_name_may_say_the_command() {
        let words = |args: &[&str]| spelled_out(args.iter().map(OsString::from));
        assert_eq!(words(&["/usr/bin/mama-scan", "--json", "x"]), ["mama", "scan", "--json", "x"]);
        assert_eq!(words(&["mama", "scan"]), ["mama", "scan"]);
    }
}
