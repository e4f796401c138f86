//! What the commands need, each looked for first and installed only where it is missing.
//!
//! Where something can't be installed, the error says what to do by hand.

use std::path::{Path, PathBuf};

use crate::shell::{Cmd, Failure, root};

/// The bundler's version. Its command line and its configuration change between releases.
const TRUNK: &str = "0.21.14";
const WASM: &str = "wasm32-unknown-unknown";

/// What building the site needs: the wasm32 target, trunk and the wasm-bindgen command line.
pub fn site_tools() -> Result<(), Failure> {
    wasm_target()?;
    cargo_tool("trunk", TRUNK, &["--locked"])?;
    // Trunk would download this one; with the exact version on the path it does not. Not `--locked`: the lock file
    // that the release carries is older than the library that it must match.
    cargo_tool("wasm-bindgen", &locked_version("wasm-bindgen")?, &[])
}

fn wasm_target() -> Result<(), Failure> {
    let library = Cmd::new("rustc").args(["--print", "target-libdir", "--target", WASM]).output();
    if library.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(());
    }
    eprintln!("Installing the {WASM} target");
    Cmd::new("rustup").args(["target", "add", WASM]).run().map_err(|error| {
        Failure::new(format!("{error}\nRust for {WASM} is missing; with rustup: `rustup target add {WASM}`"))
    })
}

fn cargo_tool(program: &str, version: &str, flags: &[&str]) -> Result<(), Failure> {
    if installed_version(program).as_deref() == Some(version) {
        return Ok(());
    }
    let package = if program == "wasm-bindgen" { "wasm-bindgen-cli" } else { program };
    eprintln!("Installing {package} {version} (this takes some minutes, once)");
    Cmd::cargo("install").args([package, "--version", version]).args(flags).run()?;
    match installed_version(program) {
        Some(found) if found == version => Ok(()),
        found => Err(Failure::new(format!(
            "{program} {version} was installed, but {} answers; remove the other one from the path",
            found.as_deref().unwrap_or("nothing")
        ))),
    }
}

fn installed_version(program: &str) -> Option<String> {
    let printed = Cmd::new(program).args(["--version"]).output()?;
    printed.split_whitespace().nth(1).map(str::to_owned)
}

/// The version of a package in Cargo.lock.
fn locked_version(package: &str) -> Result<String, Failure> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))
        .map_err(|error| Failure::new(format!("Cargo.lock can't be read: {error}")))?;
    version_in_lock(&lock, package).ok_or_else(|| Failure::new(format!("{package} is not in Cargo.lock")))
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

/// A Vulkan driver for the native tests: a real one, or Mesa's software adapter. Returns the environment that makes
/// the tests use the software adapter, empty where the machine has a GPU of its own.
pub fn vulkan_adapter() -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    // Metal and DirectX 12 come with their systems.
    if !cfg!(target_os = "linux") || has_gpu() || chosen_driver() {
        return Ok(Vec::new());
    }
    if lavapipe().is_none() || !has_library("libvulkan.so.1") {
        apt_install("A software Vulkan adapter (lavapipe)", &["mesa-vulkan-drivers", "libvulkan1"])?;
    }
    let driver = lavapipe().ok_or_else(|| Failure::new("Mesa is installed, but its lavapipe driver is not found"))?;
    Ok(vec![("VK_DRIVER_FILES", driver)])
}

fn has_gpu() -> bool {
    ["/dev/dri/renderD128", "/dev/nvidia0"].iter().any(|device| Path::new(device).exists())
}

/// Whether the person said which driver to use.
fn chosen_driver() -> bool {
    ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].iter().any(|name| std::env::var_os(name).is_some())
}

fn lavapipe() -> Option<PathBuf> {
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"].iter().find_map(|folder| {
        let files = std::fs::read_dir(folder).ok()?.flatten();
        files.map(|file| file.path()).find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd")) && path.is_file()
        })
    })
}

fn has_library(name: &str) -> bool {
    ["ldconfig", "/sbin/ldconfig"]
        .iter()
        .any(|ldconfig| Cmd::new(ldconfig).args(["-p"]).output().is_some_and(|libraries| libraries.contains(name)))
}

/// A browser for the end-to-end tests.
pub fn chromium() -> Result<PathBuf, Failure> {
    if let Some(browser) = find_chromium() {
        return Ok(browser);
    }
    apt_install("Chromium", &["chromium"])?;
    find_chromium().ok_or_else(|| Failure::new("Chromium was installed but is not found; set CHROME to its path"))
}

/// The browser that `CHROME` names, or a Chromium or Chrome in the usual places.
pub fn find_chromium() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROME") {
        return Some(PathBuf::from(chosen)).filter(|path| path.is_file());
    }
    let on_path = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let elsewhere = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    ];
    on_path
        .iter()
        .find_map(|name| find_program(name))
        .or_else(|| elsewhere.iter().map(PathBuf::from).find(|path| path.is_file()))
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A Python that can run the tests of `training/` and of the benchmark's files; torch for Linux comes with CUDA
/// libraries of about 3 GB.
pub fn training_python() -> Result<PathBuf, Failure> {
    let imports = "import numpy, onnx, pytest, safetensors, tokenizers, torch";
    python(
        "cascade-training",
        imports,
        &["training/requirements.txt", "benches/browser/requirements.txt"],
        "about 3 GB",
    )
}

/// A Python that can write the files of the browser benchmark.
pub fn bench_python() -> Result<PathBuf, Failure> {
    python("cascade-bench", "import numpy, onnx, safetensors", &["benches/browser/requirements.txt"], "about 120 MB")
}

/// A Python that runs `imports`: the system's, or one in the user's cache, which outlives the checkout.
fn python(name: &str, imports: &str, lists: &[&str], size: &str) -> Result<PathBuf, Failure> {
    let home = std::env::var_os("HOME").map_or_else(|| root().join("target"), |home| Path::new(&home).join(".cache"));
    let folder = home.join(name);
    let own = folder.join("bin/python");
    let ready = |python: &Path| Cmd::new(&python.to_string_lossy()).args(["-c", imports]).output().is_some();
    if let Some(python) = [PathBuf::from("python3"), own.clone()].into_iter().find(|python| ready(python)) {
        return Ok(python);
    }
    eprintln!("Installing what {} lists ({size}) into {}", lists.join(" and "), folder.display());
    if find_program("python3").is_none() {
        apt_install("Python", &["python3", "python3-venv"])?;
    }
    Cmd::new("python3").args(["-m", "venv", &folder.to_string_lossy()]).run().map_err(|error| {
        Failure::new(format!(
            "{error}\nPython's venv module is needed; on Debian and Ubuntu the package is python3-venv"
        ))
    })?;
    let lists = lists.iter().flat_map(|list| ["-r", list]);
    Cmd::new(&own.to_string_lossy()).args(["-m", "pip", "install", "--quiet"]).args(lists).run()?;
    Ok(own)
}

/// The package manager of the benchmark's peers.
pub fn npm() -> Result<(), Failure> {
    if find_program("npm").is_some() { Ok(()) } else { apt_install("npm", &["npm"]) }
}

/// axe-core, which looks for what keeps people from using a page. From the package index that Python uses, since the
/// tests need Python anyway.
pub fn axe() -> Result<PathBuf, Failure> {
    const PACKAGE: &str = "axe-core-python==0.1.0";
    let home = std::env::var_os("HOME").map_or_else(|| root().join("target"), |home| Path::new(&home).join(".cache"));
    let folder = home.join("cascade-axe");
    let script = folder.join("axe_core_python/axe.min.js");
    if script.is_file() {
        return Ok(script);
    }
    let python = training_python()?;
    eprintln!("Installing {PACKAGE} into {}", folder.display());
    let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", &folder.to_string_lossy(), PACKAGE];
    Cmd::new(&python.to_string_lossy()).args(pip).run()?;
    if script.is_file() { Ok(script) } else { Err(Failure::new(format!("{PACKAGE} holds no axe.min.js"))) }
}

/// The compressor that measures the site as a server would send it.
pub fn brotli() -> Result<(), Failure> {
    if find_program("brotli").is_some() { Ok(()) } else { apt_install("brotli", &["brotli"]) }
}

/// Whether the brotli program is there.
pub fn has_brotli() -> bool {
    find_program("brotli").is_some()
}

fn apt_install(what: &str, packages: &[&str]) -> Result<(), Failure> {
    let names = packages.join(" ");
    if find_program("apt-get").is_none() {
        return Err(Failure::new(format!(
            "{what} is missing. On Debian and Ubuntu the packages are `{names}`; install what your system calls them \
             (for Chromium or Chrome somewhere else, set CHROME to its path)"
        )));
    }
    eprintln!("Installing {names}");
    apt(&["update"]).and_then(|()| apt(&[&["install", "-y", "--no-install-recommends"], packages].concat())).map_err(
        |error| Failure::new(format!("{error}\n{what} is missing; install it with `sudo apt-get install {names}`")),
    )
}

fn apt(arguments: &[&str]) -> Result<(), Failure> {
    let is_root = Cmd::new("id").args(["-u"]).output().as_deref() == Some("0");
    let command = if is_root { Cmd::new("apt-get") } else { Cmd::new("sudo").args(["apt-get"]) };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").run()
}

#[cfg(test)]
mod tests {
    use super::version_in_lock;

    #[test]
    fn version_is_read_from_the_lock_of_that_very_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"…\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }
}
