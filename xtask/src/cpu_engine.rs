//! The page's CPU engine: the kernels as two small WebAssembly modules, with SIMD and without, beside the page.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::shell::{Cmd, Failure, root};

const TARGET: &str = "wasm32-unknown-unknown";
/// The folder as `index.html` names it before its contents are known.
const FOLDER: &str = "cpu-engine/";

/// `cargo xtask cpu-engine`, which trunk calls when it has built the page: adds the modules and their worker, in a
/// folder named after what is in them, so that no cache ever mixes them with another version of the page.
pub fn add_to_page() -> Result<(), Failure> {
    let staging = std::env::var_os("TRUNK_STAGING_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| Failure::new("cpu-engine is a step of trunk's build: run `cargo xtask build`"))?;
    let files = files()?;
    let mut hasher = DefaultHasher::new();
    files.each_ref().map(|(_, bytes)| bytes).hash(&mut hasher);
    let folder = format!("cpu-engine-{:016x}/", hasher.finish());

    let page = staging.join("index.html");
    let html = String::from_utf8(read(&page)?).map_err(|_| Failure::new("index.html is not UTF-8"))?;
    if !html.contains(FOLDER) {
        return Err(Failure::new(format!("index.html does not name {FOLDER}worker.js")));
    }
    write(&page, html.replace(FOLDER, &folder).as_bytes())?;
    write_files(&staging.join(folder), &files)
}

/// The same modules and worker in a folder, for the benchmark page.
pub fn build_into(folder: &Path) -> Result<(), Failure> {
    write_files(folder, &files()?)
}

type File = (&'static str, Vec<u8>);

fn files() -> Result<[File; 3], Failure> {
    let scalar = compile(&[])?;
    let simd = compile(&["--config", &format!("target.{TARGET}.rustflags=[\"-Ctarget-feature=+simd128\"]")])?;
    if simd == scalar {
        return Err(Failure::new("RUSTFLAGS hides the CPU engine's own flags: unset it to build the page"));
    }
    let worker = read(&root().join("cpu-engine/worker.js"))?;
    Ok([("scalar.wasm", scalar), ("simd.wasm", simd), ("worker.js", worker)])
}

fn write_files(folder: &Path, files: &[File]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    files.iter().try_for_each(|(name, bytes)| write(&folder.join(name), bytes))
}

/// Both variants have one name in `target/`, so each is taken out before the next is made.
fn compile(options: &[&str]) -> Result<Vec<u8>, Failure> {
    Cmd::cargo("build --quiet --package cpu-engine --profile cpu-engine --target")
        .args([TARGET])
        .args(options)
        .run()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    read(&target.join(TARGET).join("cpu-engine/cpu_engine.wasm"))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| failed(path, &error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}
