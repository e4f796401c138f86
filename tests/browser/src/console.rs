//! What no visit may cause: errors on the console, uncaught exceptions, requests to other servers.

use serde_json::Value;

/// An event of the DevTools protocol in words, if it is a problem for a page at `address`.
pub fn problem(method: &str, params: &Value, address: &str) -> Option<String> {
    match method {
        "Runtime.exceptionThrown" => Some(format!("uncaught: {}", params["exceptionDetails"])),
        "Runtime.consoleAPICalled" if ["error", "assert"].contains(&params["type"].as_str()?) => {
            let words = params["args"]
                .as_array()?
                .iter()
                .map(|word| word["value"].as_str().or(word["description"].as_str()).unwrap_or_default().to_owned());
            Some(format!("console error: {}", words.collect::<Vec<_>>().join(" ")))
        }
        "Log.entryAdded" if params["entry"]["level"] == "error" => {
            Some(format!("log: {} ({})", params["entry"]["text"], params["entry"]["url"]))
        }
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str()?;
            let own = [address, "data:", "blob:", "about:", "chrome-error:"].iter().any(|start| url.starts_with(start));
            (!own).then(|| format!("a request to {url}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::problem;

    #[test]
    fn only_other_servers_errors_and_exceptions_are_problems() {
        let here = "http://127.0.0.1:1/sub/path/";
        let request = |url: &str| problem("Network.requestWillBeSent", &json!({ "request": { "url": url } }), here);
        assert_eq!(request("http://127.0.0.1:1/sub/path/a.js"), None);
        assert_eq!(request("blob:http://127.0.0.1:1/x"), None);
        assert!(request("http://127.0.0.1:1/a.js").is_some(), "an absolute path leaves the folder");
        assert!(request("https://cdn.example/a.js").is_some());
        let console = |kind: &str| json!({ "type": kind, "args": [{ "value": "words" }] });
        assert_eq!(problem("Runtime.consoleAPICalled", &console("log"), here), None);
        assert!(problem("Runtime.consoleAPICalled", &console("error"), here).is_some());
        assert!(problem("Runtime.exceptionThrown", &json!({}), here).is_some());
    }
}
