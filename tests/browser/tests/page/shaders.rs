//! Every shader through the browser's own compiler: naga, which the other tests use, forgives what it refuses, and no
//! software adapter ever runs the forms that are for GPUs.

use cascade::kernels::{TABLE, Weights};
use cascade_browser_tests::{Page, Site};
use serde_json::{Value, json};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("every_shader_compiles_in_the_browser", every_shader_compiles),
    ("a_broken_shader_is_refused_by_the_browser", a_broken_shader_is_refused),
];

/// A device for [`errors`]; whether it has f16 of its own.
fn device(page: &Page) -> bool {
    let half = page.eval(
        "(async () => {
            const adapter = await navigator.gpu.requestAdapter();
            const half = adapter.features.has('shader-f16');
            window.compiling = await adapter.requestDevice({ requiredFeatures: half ? ['shader-f16'] : [] });
            return half;
        })()",
    );
    half.as_bool().expect("an adapter")
}

/// What the browser has against a shader; making the pipeline takes the text all the way to the driver.
fn errors(page: &Page, source: &str) -> Value {
    page.eval(&format!(
        "(async () => {{
            window.compiling.pushErrorScope('validation');
            const module = window.compiling.createShaderModule({{ code: {} }});
            const {{ messages }} = await module.getCompilationInfo();
            const found = messages.map((message) => `${{message.lineNum}}: ${{message.message}}`);
            if (!found.length) {{
                window.compiling.createComputePipeline({{ layout: 'auto', compute: {{ module, entryPoint: 'main' }} }});
            }}
            const error = await window.compiling.popErrorScope();
            return error ? [...found, error.message] : found;
        }})()",
        json!(source)
    ))
}

fn every_shader_compiles(site: &Site) {
    site.visit("", |page| {
        page.ready();
        let half = device(page);
        for spec in TABLE {
            for form in spec.forms {
                for (source, weights) in form.sources.iter().zip(Weights::ALL) {
                    if *weights == Weights::Native && !half {
                        // Software adapters have no f16: these texts run natively and on GPUs only.
                        continue;
                    }
                    let found = errors(page, source);
                    assert_eq!(found, json!([]), "{}, {}, {} weights", spec.stem, form.name, weights.name());
                }
            }
        }
    });
}

fn a_broken_shader_is_refused(site: &Site) {
    site.visit("", |page| {
        page.ready();
        device(page);
        for (of, by) in [("fn main", "fn active"), ("var<uniform> params", "var<uniform> parameters")] {
            let source = TABLE[0].forms[0].sources[0].replace(of, by);
            assert_ne!(errors(page, &source), json!([]), "{by}");
        }
    });
}
