//! What a visitor can do where there is no GPU to use, in the words of the browser that they have.

use crate::engine::NoGpu;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Chrome, Edge and their relatives, with what their own pages' addresses begin with.
    Chromium(&'static str),
    Firefox,
    Safari,
    /// Every browser on an iPhone or iPad: all run on Safari's engine.
    Ios,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum System {
    Windows,
    Mac,
    Linux,
    Android,
    Other,
}

/// A browser as far as the advice depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Browser {
    kind: Kind,
    system: System,
    /// Major version; 0 where it is not told.
    version: u32,
}

impl Browser {
    /// From `navigator.userAgent` and `navigator.maxTouchPoints`: an iPad calls itself a Mac, and no Mac has a touch
    /// screen.
    pub fn new(agent: &str, touch_points: u32) -> Self {
        let has = |part: &str| agent.contains(part);
        let version = |before: &str| {
            let rest = agent.split_once(before).map_or("", |(_, rest)| rest);
            rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        let system = if has("Android") {
            System::Android
        } else if has("Windows") {
            System::Windows
        } else if has("Mac OS X") {
            System::Mac
        } else if has("Linux") || has("X11") {
            System::Linux
        } else {
            System::Other
        };
        let (kind, version) =
            if has("iPhone") || has("iPad") || has("iPod") || (system == System::Mac && touch_points > 1) {
                (Kind::Ios, version("Version/"))
            } else if has("Firefox/") {
                (Kind::Firefox, version("Firefox/"))
            } else if has("Edg/") || has("EdgA/") {
                (Kind::Chromium("edge"), version("Chrome/"))
            } else if has("Chrome/") {
                (Kind::Chromium("chrome"), version("Chrome/"))
            } else if has("Safari/") {
                (Kind::Safari, version("Version/"))
            } else {
                (Kind::Unknown, 0)
            };
        // Chrome OS says X11 too, and has WebGPU as Windows has.
        let system = if has("CrOS") { System::Other } else { system };
        Browser { kind, system, version }
    }

    /// What to do about it: one or two sentences.
    pub fn advice(self, reason: &NoGpu) -> String {
        match reason {
            NoGpu::InsecureContext => "Browsers offer WebGPU only over https and from localhost: open this page at an \
                https address, or run a copy on this machine."
                .into(),
            NoGpu::NoApi => self.without_api(),
            NoGpu::NoAdapter(_) => self.without_adapter(),
            NoGpu::Limits { .. } => "If this machine has a second, larger GPU, let the browser use it in the system’s \
                graphics settings."
                .into(),
            NoGpu::Device(_) => "Closing other tabs and programs that use the GPU may help.".into(),
        }
    }

    fn without_api(self) -> String {
        match (self.kind, self.system) {
            (Kind::Chromium(own), System::Linux) => linux_flags(own),
            (Kind::Chromium(_), System::Android) if self.version < 121 => {
                format!("This is version {}: WebGPU comes with version 121 on Android 12 or later.", self.version)
            }
            (Kind::Chromium(_), _) if self.version < 113 => {
                format!("This is version {}: WebGPU comes with version 113. Update the browser.", self.version)
            }
            (Kind::Chromium(own), _) => {
                format!("It has been switched off here: look at {own}://flags/#enable-unsafe-webgpu and {own}://gpu.")
            }
            (Kind::Firefox, System::Windows) if self.version < 141 => {
                format!("This is version {}: WebGPU comes with version 141. Update Firefox.", self.version)
            }
            (Kind::Firefox, System::Mac) if self.version < 145 => {
                let version = self.version;
                format!("This is version {version}: WebGPU comes with version 145 on Macs with Apple silicon.")
            }
            (Kind::Firefox, _) => {
                "Open about:config, set dom.webgpu.enabled to true, and restart Firefox; it is new on this system and \
                 may not work yet."
                    .into()
            }
            (Kind::Safari, _) => {
                "Safari has WebGPU from version 26 on. In version 18 it can be switched on: Settings › \
                Advanced › Show features for web developers, then Feature Flags › WebGPU."
                    .into()
            }
            (Kind::Ios, _) => "iOS and iPadOS have WebGPU from version 26 on, in every browser. In version 18 it can \
                be switched on: Settings › Apps › Safari › Advanced › Feature Flags › WebGPU."
                .into(),
            (Kind::Unknown, _) => "Current versions of Chrome, Edge, Firefox and Safari have it.".into(),
        }
    }

    fn without_adapter(self) -> String {
        match (self.kind, self.system) {
            (Kind::Chromium(own), System::Linux) => linux_flags(own),
            (Kind::Chromium(own), System::Android) => {
                format!("This device’s GPU driver may be too old for it: {own}://gpu says more.")
            }
            (Kind::Chromium(own), _) => format!(
                "Switch on “Use graphics acceleration when available” in {own}://settings/system and restart; \
                 {own}://gpu says more."
            ),
            (Kind::Firefox, System::Linux) => "It needs a Vulkan driver (in Mesa: the package mesa-vulkan-drivers); \
                about:support says more under Graphics."
                .into(),
            (Kind::Firefox, _) => "Switch on “Use hardware acceleration when available” under Settings › General › \
                Performance and restart; about:support says more under Graphics."
                .into(),
            (Kind::Safari | Kind::Ios, _) => "Restarting the browser or the device often brings it back.".into(),
            (Kind::Unknown, _) => "Hardware acceleration may be switched off in the browser’s settings.".into(),
        }
    }
}

fn linux_flags(own: &str) -> String {
    format!(
        "On Linux it may have to be switched on: enable {own}://flags/#enable-unsafe-webgpu and \
         {own}://flags/#enable-vulkan and restart."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (SYSTEM) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15";

    fn chrome(system: &str) -> String {
        CHROME.replace("SYSTEM", system)
    }

    #[test]
    fn browsers_are_told_apart() {
        let kind = |agent: &str| Browser::new(agent, 0).kind;
        assert_eq!(kind(&chrome("X11; Linux x86_64")), Kind::Chromium("chrome"));
        assert_eq!(kind(&(chrome("Windows NT 10.0") + " Edg/140.0.0.0")), Kind::Chromium("edge"));
        assert_eq!(kind("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"), Kind::Firefox);
        assert_eq!(kind(SAFARI), Kind::Safari);
        assert_eq!(Browser::new(SAFARI, 5).kind, Kind::Ios, "an iPad in its desktop guise");
        let iphone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 CriOS/140 Safari/604.1";
        assert_eq!(kind(iphone), Kind::Ios, "Chrome on a phone of Apple's is Safari underneath");
        assert_eq!(kind("curl/8"), Kind::Unknown);
        assert_eq!(Browser::new(&chrome("X11; CrOS x86_64 1"), 0).system, System::Other);
        assert_eq!(Browser::new(SAFARI, 0).version, 18);
        assert_eq!(Browser::new(&chrome("Linux; Android 10; K"), 5).version, 140);
    }

    #[test]
    fn advice_is_of_the_browser_at_hand() {
        let no_api = |agent: &str| Browser::new(agent, 0).advice(&NoGpu::NoApi);
        let no_adapter = |agent: &str| Browser::new(agent, 0).advice(&NoGpu::NoAdapter(String::new()));
        assert!(no_api(&chrome("X11; Linux x86_64")).contains("chrome://flags/#enable-unsafe-webgpu"));
        let old = chrome("Windows NT 10.0").replace("140", "109");
        assert!(no_api(&old).contains("109") && no_api(&old).contains("113"));
        assert!(no_api(SAFARI).contains("26"));
        assert!(no_api("Mozilla/5.0 (X11; Linux; rv:143.0) Firefox/143.0").contains("about:config"));
        assert!(no_api("Mozilla/5.0 (Windows NT 10.0; rv:130.0) Firefox/130.0").contains("141"));
        assert!(no_adapter(&(chrome("Windows NT 10.0") + " Edg/140")).contains("edge://settings/system"));
        assert!(no_adapter("Mozilla/5.0 (Windows NT 10.0; rv:143.0) Firefox/143.0").contains("about:support"));
    }

    #[test]
    fn every_reason_gets_advice_in_every_browser() {
        let reasons = [
            NoGpu::InsecureContext,
            NoGpu::NoApi,
            NoGpu::NoAdapter("none".into()),
            NoGpu::Limits { what: "threads", found: 1, needed: 2 },
            NoGpu::Device("lost".into()),
        ];
        for kind in [Kind::Chromium("chrome"), Kind::Firefox, Kind::Safari, Kind::Ios, Kind::Unknown] {
            for system in [System::Windows, System::Mac, System::Linux, System::Android, System::Other] {
                for reason in &reasons {
                    let advice = Browser { kind, system, version: 0 }.advice(reason);
                    assert!(advice.ends_with('.') && !advice.contains("http:"), "{kind:?}: {advice}");
                    assert!(!advice.contains("  "), "{kind:?}: {advice}");
                }
            }
        }
    }
}
