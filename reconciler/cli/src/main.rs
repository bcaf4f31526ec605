//! The program `gitstellar`.

use std::process::ExitCode;

/// A render is made of many small values that come and go together.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
