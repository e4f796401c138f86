//! Running other programs: one small builder that says what it runs and turns a bad exit into an error.

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a command failed, in words for the person who ran it.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure with this explanation.
    pub fn new(explanation: impl Into<String>) -> Self {
        Self(explanation.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf()
}

/// A program to run from the repository's root, with `~/.cargo/bin` on its path.
pub struct Cmd {
    command: Command,
    line: String,
}

impl Cmd {
    /// A program without arguments.
    pub fn new(program: &str) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root()).env("PATH", path_with_cargo_bin());
        Self { command, line: program.to_owned() }
    }

    /// Cargo itself, with arguments separated by spaces.
    pub fn cargo(arguments: &str) -> Self {
        Self::new("cargo").args(arguments.split_whitespace())
    }

    /// Cargo in the folder that the person is in, for programs that are given relative paths.
    pub fn cargo_here(arguments: &str) -> Self {
        let mut cargo = Self::cargo(arguments).args(["--manifest-path", &root().join("Cargo.toml").to_string_lossy()]);
        if let Ok(here) = std::env::current_dir() {
            cargo.command.current_dir(here);
        }
        cargo
    }

    /// Adds arguments.
    pub fn args<S: AsRef<str>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        for argument in arguments {
            self.command.arg(argument.as_ref());
            self.line.push(' ');
            self.line.push_str(argument.as_ref());
        }
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.command.env(key, value.into());
        self
    }

    /// Runs it, with its output shown; a bad exit is an error.
    pub fn run(mut self) -> Result<(), Failure> {
        eprintln!("$ {}", self.line);
        let status = self.command.status().map_err(|error| self.not_started(&error))?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` failed ({status})", self.line))) }
    }

    /// Runs it, shows each line that it prints on standard output and hands the line to `watch` too.
    pub fn run_watched(mut self, mut watch: impl FnMut(&str)) -> Result<(), Failure> {
        eprintln!("$ {}", self.line);
        let mut child = self.command.stdout(Stdio::piped()).spawn().map_err(|error| self.not_started(&error))?;
        let output = child.stdout.take().expect("standard output is piped");
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            watch(&line);
        }
        std::io::stdout().flush().ok();
        let status = child.wait().map_err(|error| self.not_started(&error))?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` failed ({status})", self.line))) }
    }

    /// Runs it in silence about itself and returns its exit code.
    pub fn code(mut self) -> Result<u8, Failure> {
        let status = self.command.status().map_err(|error| self.not_started(&error))?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }

    /// What it prints on standard output, or nothing when it can't be started or fails.
    pub fn output(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("`{}` can't be started: {error}", self.line))
    }
}

/// Where `cargo install` puts programs.
pub fn cargo_bin() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).map(|home| home.join("bin"))
}

/// The search path, with cargo's own folder in front: a freshly installed tool must be found, and found first.
fn path_with_cargo_bin() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = cargo_bin().into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}
