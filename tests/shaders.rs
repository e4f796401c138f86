//! Every shader, parsed and validated without a GPU from the very text that the engine compiles, and its
//! interface against the Rust side: bindings, the parameter struct word for word, shared constants.

use std::path::Path;

use cascade::kernels::{
    Form, KernelId, Op, Spec, TABLE, WEIGHT_INPUT, Weights, attention, cholesky, chunk_state, congruence,
    linear_attention, matmul, token_scores, unembed,
};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Expression, Literal, Module, Scalar, ScalarKind, StorageAccess, TypeInner};

/// What every WebGPU adapter offers and the engine asks for.
const WORKGROUP_BYTES: u32 = 16 * 1024;
const STORAGE_BUFFERS: usize = 8;
const WORKGROUP_THREADS: u32 = 256;

fn module(spec: &Spec, weights: Weights, source: &str) -> Module {
    let module =
        naga::front::wgsl::parse_str(source).unwrap_or_else(|e| panic!("{}: {}", spec.stem, e.emit_to_string(source)));
    // Unpacking f16 is part of WebGPU. Nothing that a browser might lack, but for the texts meant for those that have it.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(Capabilities::SHADER_FLOAT16, weights == Weights::Native);
    Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{}: {}", spec.stem, e.emit_to_string(source)));
    module
}

/// Every form of every kernel, with weights in every way; the number is that of the form.
fn for_each_shader(check: impl Fn(&Spec, usize, &Module)) {
    for spec in TABLE {
        for (number, form) in spec.forms.iter().enumerate() {
            for (source, weights) in form.sources.iter().zip(Weights::ALL) {
                check(spec, number, &module(spec, *weights, source));
            }
        }
    }
}

#[test]
fn bindings_are_those_of_the_table() {
    for_each_shader(|spec, _, module| {
        let mut found = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else { continue };
            assert_eq!(binding.group, 0, "{}: everything is in group 0", spec.stem);
            let name = variable.name.clone().unwrap_or_default();
            found.push((binding.binding as usize, name, variable.space));
        }
        found.sort_by_key(|(binding, ..)| *binding);
        let bindings: Vec<usize> = found.iter().map(|(binding, ..)| *binding).collect();
        assert_eq!(bindings, (0..spec.inputs.len() + 2).collect::<Vec<_>>(), "{}: bindings", spec.stem);
        assert!(found.len() - 1 <= STORAGE_BUFFERS, "{}: too many storage buffers", spec.stem);
        let (_, name, space) = &found[0];
        assert_eq!((name.as_str(), *space), ("params", AddressSpace::Uniform), "{}: binding 0", spec.stem);
        for ((_, name, space), expected) in found[1..].iter().zip(spec.inputs) {
            let read = AddressSpace::Storage { access: StorageAccess::LOAD };
            assert_eq!(name, expected, "{}: left is the shader's name of an input, right Rust's", spec.stem);
            assert_eq!(*space, read, "{}: {name} is an input", spec.stem);
        }
        let (_, name, space) = &found[found.len() - 1];
        let write = AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
        assert_eq!(*space, write, "{}: {name}, the output, comes last", spec.stem);
    });
}

/// The `Debug` text of the Rust struct whose every word holds its own index, as the WGSL struct implies it: so
/// names, order, offsets and number types of all members are compared at once.
fn implied_debug(module: &Module, name: &str, members: &[naga::StructMember], base: u32) -> String {
    let mut fields = Vec::new();
    let mut padding = Vec::new();
    for member in members {
        let word = (base + member.offset) / 4;
        let field = member.name.as_deref().unwrap_or_default();
        let value = match &module.types[member.ty].inner {
            TypeInner::Scalar(Scalar { kind: ScalarKind::Uint, width: 4 }) => format!("{word}"),
            TypeInner::Scalar(Scalar { kind: ScalarKind::Float, width: 4 }) => format!("{:?}", f32::from_bits(word)),
            TypeInner::Struct { members, .. } => {
                let inner = module.types[member.ty].name.as_deref().unwrap_or_default();
                implied_debug(module, inner, members, base + member.offset)
            }
            other => panic!("{name}.{field}: {other:?} has no counterpart in Rust"),
        };
        // WGSL pads with pad0, pad1, …, since a uniform's arrays have strides of 16; Rust with one array.
        if field.starts_with("pad") && field.len() == 4 {
            assert_eq!(field, format!("pad{}", padding.len()), "{name}");
            padding.push(value);
        } else {
            fields.extend(padding_field(&mut padding));
            fields.push(format!("{field}: {value}"));
        }
    }
    fields.extend(padding_field(&mut padding));
    format!("{name} {{ {} }}", fields.join(", "))
}

fn padding_field(padding: &mut Vec<String>) -> Option<String> {
    (!padding.is_empty()).then(|| format!("pad: [{}]", std::mem::take(padding).join(", ")))
}

#[test]
fn parameters_agree_word_for_word() {
    for_each_shader(|spec, _, module| {
        let (_, params) =
            module.global_variables.iter().find(|(_, v)| v.name.as_deref() == Some("params")).expect("params");
        let TypeInner::Struct { members, span } = &module.types[params.ty].inner else {
            panic!("{}: params is no struct", spec.stem)
        };
        assert_eq!(*span as usize, spec.params_bytes, "{}: size of params", spec.stem);
        assert_eq!(span % 16, 0, "{}: a uniform's size is a multiple of 16", spec.stem);
        let words: Vec<u8> = (0..*span / 4).flat_map(u32::to_ne_bytes).collect();
        let rust = format!("{:?}", Op::from_params(spec.id, &words));
        let wgsl = format!("{:?}({})", spec.id, implied_debug(module, "Params", members, 0));
        assert_eq!(wgsl, rust, "{}: left is what the shader reads, right what Rust writes", spec.stem);
    });
}

#[test]
fn entry_points_fit_every_adapter() {
    for_each_shader(|spec, _, module| {
        let [entry] = module.entry_points.as_slice() else { panic!("{}: one entry point", spec.stem) };
        assert_eq!((entry.name.as_str(), entry.stage), ("main", naga::ShaderStage::Compute), "{}", spec.stem);
        let threads: u32 = entry.workgroup_size.iter().product();
        assert!(threads <= WORKGROUP_THREADS, "{}: {threads} threads a workgroup", spec.stem);
        let workgroup = module.global_variables.iter().filter(|(_, v)| v.space == AddressSpace::WorkGroup);
        let bytes: u32 = workgroup.map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx())).sum();
        assert!(bytes <= WORKGROUP_BYTES, "{}: {bytes} bytes of workgroup memory", spec.stem);
    });
}

/// A constant's value, as naga evaluates it.
fn constants(module: &Module) -> Vec<(&str, f64)> {
    let named = module.constants.iter().filter_map(|(_, c)| Some((c.name.as_deref()?, c)));
    let values = named.map(|(name, c)| match module.global_expressions[c.init] {
        Expression::Literal(Literal::U32(value)) => (name, f64::from(value)),
        Expression::Literal(Literal::F32(value)) => (name, f64::from(value)),
        ref other => panic!("{name} is {other:?}"),
    });
    values.collect()
}

/// What a shader's constant must be; None for those that concern the shader alone.
fn expected_constant(kernel: KernelId, form: usize, name: &str) -> Option<f64> {
    let form = kernel.spec().forms[form].name;
    let value = match (kernel, form, name) {
        (_, _, "NONE") => return Some(f64::from(unembed::NONE)),
        (_, _, "ELU1") => chunk_state::ELU1,
        (KernelId::Attention, "split", "ROWS") => attention::ROWS,
        (KernelId::Attention | KernelId::LinearAttention, "rows" | "rows_elu1", "ROWS") => attention::THREAD_ROWS,
        (KernelId::ChunkState | KernelId::LinearAttention, _, "CHUNK") => chunk_state::CHUNK,
        (KernelId::LinearAttention, "split", "ROWS") => linear_attention::ROWS,
        (KernelId::Attention | KernelId::LinearAttention, "split", "MOST_QUADS") => attention::MAX_WIDTH / 4,
        (KernelId::ChunkState, "split", "CELLS") => chunk_state::CELLS,
        // Four strands.
        (KernelId::ChunkState, "split", "SHARE") => chunk_state::CHUNK / 4,
        (KernelId::Matmul, _, "BIAS") => matmul::BIAS,
        (KernelId::Matmul, _, "GELU") => matmul::GELU,
        (KernelId::Matmul, _, "RESIDUAL") => matmul::RESIDUAL,
        // Each thread computes 4×4 elements of the tile.
        (KernelId::Matmul, "narrow", "SIDE") => matmul::TILES[0][0] / 4,
        (KernelId::Matmul, "wide", "SIDE") => matmul::TILES[1][0] / 8,
        (KernelId::Matmul, "tile", "TILE") => matmul::TILES[2][0],
        (KernelId::Matmul, "big", "TILE") => matmul::TILES[3][0],
        (KernelId::Matmul, "split", "ROWS") => matmul::TILES[4][0],
        (KernelId::Matmul, "strip", "ROWS") => matmul::TILES[5][0],
        (KernelId::Matmul, "split" | "strip", "COLS") => matmul::TILES[4][1],
        (KernelId::Unembed, _, "SLAB") => unembed::SLAB,
        (KernelId::Unembed, "tile", "TILE") => unembed::ROWS[1],
        // 8 threads of 8 tokens.
        (KernelId::Unembed, "rows", "SPAN") => unembed::ROWS[0] / 8,
        (KernelId::TokenScores, "split", "ROWS") => token_scores::ROWS[0],
        // 64 threads.
        (KernelId::TokenScores, "split", "LANES") => 64 / token_scores::ROWS[0],
        (KernelId::Matmul, "wide", "SPAN") => 8,
        (KernelId::Congruence, _, "COLUMNS") => congruence::COLUMNS,
        // Every column or eigenvalue has a thread.
        (KernelId::Cholesky | KernelId::Tridiagonal | KernelId::Bisection, _, "THREADS") => cholesky::MAX_SIDE,
        (KernelId::Congruence, _, "THREADS") => 256,
        // Queries share a strand's threads, 4 lanes each, and every lane scores 4 keys of a tile.
        (KernelId::Attention | KernelId::LinearAttention, _, "LANES" | "KEYS")
        | (KernelId::LayerNorm, _, "THREADS")
        | (
            KernelId::Attention | KernelId::LinearAttention | KernelId::Matmul,
            "split" | "strip",
            "STRAND" | "STRANDS" | "NOWHERE",
        )
        | (KernelId::Matmul | KernelId::Unembed, _, "STEP" | "WEIGHTS")
        | (KernelId::Bisection, _, "COARSE" | "FINE" | "LITTLE")
        | (KernelId::Cholesky, _, "NOWHERE") => return None,
        (KernelId::RowNorms, _, "THREADS") => 16,
        (KernelId::Gram, _, "STRANDS") => 4,
        _ => panic!("{kernel:?}, {form}: say here what {name} must be"),
    };
    Some(f64::from(value))
}

#[test]
fn shared_constants_have_one_value() {
    for_each_shader(|spec, form, module| {
        let found = constants(module);
        assert!(found.iter().any(|(name, _)| *name == "NONE"), "{}: common.wgsl is missing", spec.stem);
        for (name, value) in found {
            let expected = expected_constant(spec.id, form, name).unwrap_or(value);
            assert_eq!(value, expected, "{}: {name}", spec.stem);
        }
    });
    // The linear modes start each tile of queries from one chunk's state.
    assert_eq!(chunk_state::CHUNK % linear_attention::ROWS, 0);
    assert_eq!(chunk_state::CHUNK % attention::THREAD_ROWS, 0);
    // The engine binds weights in the place that the table says.
    for spec in TABLE.iter().filter(|spec| spec.has_weights()) {
        assert_eq!(spec.inputs[WEIGHT_INPUT], "weight", "{}", spec.stem);
    }
}

#[test]
fn every_shader_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let files = std::fs::read_dir(folder).expect("the folder of shaders");
    for file in files {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a shader's text");
        let used = |form: &Form| form.sources.iter().any(|source| source.contains(&text));
        assert!(TABLE.iter().flat_map(|spec| spec.forms).any(used), "{} is in no kernel", path.display());
    }
}

/// WGSL wants parentheses where `^` meets arithmetic; browsers refuse what naga lets pass.
#[test]
fn exclusive_or_stands_apart_from_arithmetic() {
    let apart = |text: &str| !text.contains(" ^ ") || !["+", "-", "*", "/", "%"].iter().any(|sign| text.contains(sign));
    assert!(!apart("line / 4u ^ part") && apart("mine ^ even"));
    for_each_shader(|spec, form, _| {
        let form = &spec.forms[form];
        for line in form.sources[0].lines().filter_map(|line| line.split("//").next()) {
            let mut rest = line.to_string();
            // From the innermost parentheses outwards.
            while let Some(end) = rest.find([')', ']']) {
                let start = rest[..end].rfind(['(', '[']).unwrap_or(0);
                assert!(rest[start..end].split(',').all(apart), "{}, {}: {line}", spec.stem, form.name);
                rest.replace_range(start..=end, "x");
            }
            assert!(rest.split([',', ';', '=']).all(apart), "{}, {}: {line}", spec.stem, form.name);
        }
    });
}
