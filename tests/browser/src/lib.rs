//! Drives the built page in headless Chromium: a browser, its pages, and the numbers that they must show.
//!
//! The DevTools protocol is spoken as plain JSON, so that a browser newer than any generated binding works too.

mod chromium;
mod console;
mod devtools;
mod input;
pub mod oracle;
mod page;
mod picture;
mod site;

pub use chromium::Chromium;
pub use page::Page;
pub use picture::Picture;
pub use site::{Options, Site};

/// A failure in words. The tests themselves panic, as tests do.
pub type Outcome<T> = Result<T, String>;

/// Percent-encodes a value for the URL fragment.
pub fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}
