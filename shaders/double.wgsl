// Numbers of twice the precision: vec2(high, low), the sum of two f32 of which the low one is less than a rounding
// of the high one (Dekker 1971). Sums and products keep some 46 bits.

// Compilers may treat sums of f32 as associative, and some do: what is kept here is a value to them of which they know
// nothing, since they can't know that params.zero is 0.
fn kept(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) | params.zero);
}

// a + b, and what it rounds off
fn exact_sum(a: f32, b: f32) -> vec2<f32> {
    let sum = kept(a + b);
    let other = kept(sum - a);
    let one = kept(sum - other);
    return vec2<f32>(sum, (a - one) + (b - other));
}

// The same where |a| ≥ |b|
fn ordered_sum(a: f32, b: f32) -> vec2<f32> {
    let sum = kept(a + b);
    return vec2<f32>(sum, b - kept(sum - a));
}

// a b, and what it rounds off: products of halves of 12 bits are exact. (fma would do in two operations, but WGSL lets it
// round twice, as software adapters do; it makes the spectra an eighth faster.)
fn exact_product(a: f32, b: f32) -> vec2<f32> {
    let product = kept(a * b);
    let a_high = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
    let b_high = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
    let a_low = kept(a - a_high);
    let b_low = kept(b - b_high);
    return vec2<f32>(product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low);
}

fn add(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let sum = exact_sum(a.x, b.x);
    return ordered_sum(sum.x, sum.y + (a.y + b.y));
}

fn multiply(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let product = exact_product(a.x, b.x);
    return ordered_sum(product.x, product.y + (a.x * b.y + a.y * b.x));
}

// sum + a b, for long sums: the low parts are only gathered, and `tidy` puts them in order in the end.
fn add_product(sum: vec2<f32>, a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let product = exact_product(a.x, b.x);
    let high = exact_sum(sum.x, product.x);
    return vec2<f32>(high.x, sum.y + (high.y + (product.y + (a.x * b.y + a.y * b.x))));
}

fn tidy(sum: vec2<f32>) -> vec2<f32> {
    return ordered_sum(sum.x, sum.y);
}

// 1 / a by a step of Newton's from what f32 has.
fn reciprocal(a: vec2<f32>) -> vec2<f32> {
    let estimate = 1.0 / a.x;
    let rest = add(vec2<f32>(1.0, 0.0), -multiply(a, vec2<f32>(estimate, 0.0)));
    return ordered_sum(estimate, estimate * rest.x);
}

// √a likewise, without a division; 0 for 0
fn root(a: vec2<f32>) -> vec2<f32> {
    if (a.x <= 0.0) {
        return vec2<f32>(0.0);
    }
    let inverse = inverseSqrt(a.x);
    let estimate = a.x * inverse;
    let rest = add(a, -exact_product(estimate, estimate));
    return ordered_sum(estimate, 0.5 * inverse * rest.x);
}
