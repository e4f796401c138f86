//! Building the static site with trunk, measuring it, and serving it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::install;
use crate::shell::{Cmd, Failure, root};
use crate::static_site::{Mount, StaticSite};
use crate::wasm;

/// The most that a visitor may have to download before the page runs: wasm and JavaScript together, compressed.
const LIMIT_BYTES: usize = 1_000_000;
const DEFAULT_PORT: u16 = 8080;

/// The folder that holds the built site.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// `cargo xtask build`: the whole static site in `dist/`, and its size.
pub fn build() -> Result<(), Failure> {
    install::site_tools()?;
    Cmd::new("trunk").args(["build"]).env("TRUNK_SKIP_VERSION_CHECK", "true").env("NO_COLOR", "true").run()?;
    wasm::strip_folder(&dist())?;
    if install::has_brotli() {
        check_size()
    } else {
        eprintln!("Not measured: install the `brotli` program to see the size that visitors download");
        Ok(())
    }
}

/// Prints the size of the code, raw and compressed, and fails when it is over the limit.
pub fn check_size() -> Result<(), Failure> {
    let mut code = Vec::new();
    find_code(&dist(), &mut code)?;
    code.sort();
    let (mut raw, mut compressed) = (0, 0);
    println!("{:>10} {:>10}  file", "raw", "brotli");
    for path in code {
        let sizes = sizes(&path)?;
        println!("{:>10} {:>10}  {}", sizes.0, sizes.1, path.strip_prefix(dist()).unwrap_or(&path).display());
        // A visitor without WebGPU gets one of the two CPU engines; the other is the larger.
        if !path.ends_with("simd.wasm") {
            raw += sizes.0;
            compressed += sizes.1;
        }
    }
    println!("{raw:>10} {compressed:>10}  wasm and js, of at most {LIMIT_BYTES} compressed");
    match compressed {
        0 => Err(Failure::new("dist/ holds no wasm and no JavaScript")),
        size if size > LIMIT_BYTES => {
            Err(Failure::new(format!("the site's code is {size} bytes compressed, over the limit of {LIMIT_BYTES}")))
        }
        _ => Ok(()),
    }
}

/// All wasm and JavaScript in a folder and those below it.
fn find_code(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let files = std::fs::read_dir(folder)
        .map_err(|error| Failure::new(format!("{} can't be read: {error}", folder.display())))?;
    for path in files.flatten().map(|file| file.path()) {
        if path.is_dir() {
            find_code(&path, found)?;
        } else if matches!(path.extension().and_then(|extension| extension.to_str()), Some("wasm" | "js")) {
            found.push(path);
        }
    }
    Ok(())
}

fn sizes(path: &Path) -> Result<(usize, usize), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{} can't be measured: {error}", path.display()));
    let raw = std::fs::metadata(path).map_err(failed)?.len() as usize;
    let output = Command::new("brotli")
        .args(["--stdout", "--best", "--lgwin=24"])
        .arg(path)
        .stderr(Stdio::inherit())
        .output()
        .map_err(failed)?;
    if output.status.success() {
        Ok((raw, output.stdout.len()))
    } else {
        Err(Failure::new(format!("brotli failed on {}", path.display())))
    }
}

/// `cargo xtask serve`: builds, serves until it is stopped, and opens the browser.
pub fn serve(arguments: &[String]) -> Result<(), Failure> {
    let (port, open) = serve_options(arguments)?;
    build()?;
    let mounts = || vec![Mount { prefix: "/".to_owned(), folder: dist(), edit: None }];
    let site = match port {
        Some(port) => StaticSite::bind(port, mounts())?,
        None => StaticSite::bind(DEFAULT_PORT, mounts()).or_else(|_| StaticSite::bind(0, mounts()))?,
    };
    let address = format!("{}/", site.address());
    println!("\nCascade is at {address} (Ctrl-C stops it)");
    let server = site.start()?;
    if open {
        open_browser(&address);
    }
    server.join().map_err(|_| Failure::new("the server stopped"))
}

fn serve_options(arguments: &[String]) -> Result<(Option<u16>, bool), Failure> {
    let (mut port, mut open) = (None, true);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--no-open" => open = false,
            "--port" => {
                let value = rest.next().ok_or_else(|| Failure::new("--port needs a number"))?;
                port = Some(value.parse().map_err(|_| Failure::new(format!("`{value}` is not a port")))?);
            }
            other => return Err(Failure::new(format!("serve: unexpected argument `{other}`"))),
        }
    }
    Ok((port, open))
}

/// A machine without a desktop is no reason to stop serving: the address is printed anyway.
fn open_browser(address: &str) {
    let (program, before) = match std::env::consts::OS {
        "macos" => ("open", &[][..]),
        "windows" => ("cmd", &["/C", "start", ""][..]),
        _ => ("xdg-open", &[][..]),
    };
    let opened = Command::new(program).args(before).arg(address).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if opened.is_err() {
        println!("No browser could be opened here; open the address yourself.");
    }
}

#[cfg(test)]
mod tests {
    use super::serve_options;

    #[test]
    fn serve_reads_its_options() {
        let options = |text: &str| {
            let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            serve_options(&arguments).map_err(|failure| failure.to_string())
        };
        assert_eq!(options(""), Ok((None, true)));
        assert_eq!(options("--no-open --port 9000"), Ok((Some(9000), false)));
        assert!(options("--port").is_err());
        assert!(options("--port 99999").is_err());
        assert!(options("--prot 1").is_err());
    }
}
