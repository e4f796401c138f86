//! What the float64 oracle says of the test text, from `tests/golden/`.

use serde_json::Value;

/// The oracle's output for a model (`sd-6m`, `gpt2-6m`) on the test text.
pub fn golden(model: &str) -> Value {
    let text = read(&format!("{model}.lighthouse256.json"));
    serde_json::from_str(&text).expect("golden output is JSON")
}

/// The same under the mixture of modes that the file names.
pub fn golden_mixed(model: &str) -> Value {
    let text = read(&format!("{model}.lighthouse256.mixed.json"));
    serde_json::from_str(&text).expect("golden output is JSON")
}

/// The text that the golden output is about: more than 256 tokens, of which the first 256 count.
pub fn text() -> String {
    read("lighthouse.txt")
}

fn read(name: &str) -> String {
    let path = xtask::shell::root().join("tests/golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A JSON file that ships with the site, by its path under `assets/`.
pub fn asset(path: &str) -> Value {
    let path = xtask::shell::root().join("assets").join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("a shipped file is JSON")
}

/// A number as a person reads it: the first one in a text such as `32.83` or `× 1.03`.
pub fn shown_number(text: &str) -> f64 {
    let start = text.find(|letter: char| letter.is_ascii_digit()).unwrap_or_else(|| panic!("no number in `{text}`"));
    let digits: String = text[start..]
        .chars()
        .filter(|letter| *letter != ',')
        .take_while(|letter| letter.is_ascii_digit() || *letter == '.')
        .collect();
    digits.trim_end_matches('.').parse().unwrap_or_else(|_| panic!("no number in `{text}`"))
}

/// Fails unless `shown` is the oracle's number to three digits, however many digits it is shown with.
#[track_caller]
pub fn assert_three_digits(what: &str, shown: f64, oracle: f64) {
    let unit = 10_f64.powf(oracle.abs().log10().floor() - 2.0);
    // Half a unit is what rounding to three digits allows; a little more for a value near the middle of two.
    assert!((shown - oracle).abs() <= 0.52 * unit, "{what}: {shown} is shown, the oracle says {oracle}");
}

#[cfg(test)]
mod tests {
    use super::{assert_three_digits, shown_number};

    #[test]
    fn numbers_are_found_in_what_the_page_says() {
        assert_eq!(shown_number("perplexity 32.83"), 32.83);
        assert_eq!(shown_number("1,234.5 now"), 1234.5);
        assert_eq!(shown_number("× 1."), 1.0);
    }

    #[test]
    fn three_digits_allow_rounding_and_no_more() {
        assert_three_digits("rounded", 32.8, 32.834);
        assert_three_digits("exact", 445.77, 445.77009);
        assert!(std::panic::catch_unwind(|| assert_three_digits("off by one", 32.9, 32.834)).is_err());
        assert!(std::panic::catch_unwind(|| assert_three_digits("nan", f64::NAN, 32.834)).is_err());
    }
}
