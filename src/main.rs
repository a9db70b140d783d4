//! The `cutover` binary: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    cutover::cli::main()
}
