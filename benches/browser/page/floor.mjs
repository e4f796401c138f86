// What the adapter can do at most, measured on kernels that do nothing else: multiply-adds, and reading memory.
import { seconds } from "./common.mjs";

const threads = 64 * 256;
// As much as one binding may have: more than the caches of large GPUs.
const dataBytes = 128 * 2 ** 20;
const rows = dataBytes / 16 / threads;

// Three chains of vectors, unrolled by eight: of seven forms tried on SwiftShader the fastest, and four times as fast
// as eight chains, which spill.
const unrolled = (line, count) => Array.from({ length: count }, (_, i) => line(i)).join("\n    ");
const arithmetic = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(1) var<uniform> steps: u32;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(f32(id.x) * 1e-9 + 0.5);
  var a = x; var b = x + 0.1; var c = x + 0.2;
  for (var i = 0u; i < steps; i++) {
    ${unrolled(() => "a = fma(a, x, x); b = fma(b, x, x); c = fma(c, x, x);", 8)}
  }
  out[id.x] = a + b + c;
}`;
const flopsAStep = 8 * 3 * 4 * 2;
const reading = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(1) var<uniform> steps: u32;
@group(0) @binding(2) var<storage, read> data: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = vec4f();
  for (var i = 0u; i < steps; i += 8u) {
    ${unrolled((n) => `sum += data[((i + ${n}u) & ${rows - 1}u) * ${threads}u + id.x];`, 8)}
  }
  out[id.x] = sum;
}`;

const kernel = async (device, code, data) => {
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const buffer = (size, usage) => device.createBuffer({ size, usage });
  const out = buffer(threads * 16, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
  const uniform = buffer(16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  const staging = buffer(16, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  const resources = [out, uniform, ...(data ? [data] : [])];
  const entries = resources.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return (steps) =>
    seconds(async () => {
      device.queue.writeBuffer(uniform, 0, Uint32Array.of(steps));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(threads / 64);
      pass.end();
      encoder.copyBufferToBuffer(out, 0, staging, 0, 16);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      staging.unmap();
    });
};

// So many steps that the work outlasts the launch by far: 50 ms or more. The first launch compiles.
const enough = async (run, steps) => {
  await run(steps);
  while ((await run(steps)).ms < 50 && steps < 2 ** 20) steps *= 2;
  return steps;
};

export const open = async () => {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const device = await adapter.requestDevice();
  const data = device.createBuffer({ size: dataBytes, usage: GPUBufferUsage.STORAGE });
  const multiply = await kernel(device, arithmetic);
  const read = await kernel(device, reading, data);
  const [steps, reads] = [await enough(multiply, 64), await enough(read, rows)];
  return {
    facts: { steps, reads },
    arithmetic: async () => {
      const { ms } = await multiply(steps);
      return { ms, per_second: (threads * steps * flopsAStep) / (ms / 1000) };
    },
    memory: async () => {
      const { ms } = await read(reads);
      return { ms, per_second: (threads * reads * 16) / (ms / 1000) };
    },
    round_trip: async () => ({ ms: (await multiply(0)).ms }),
  };
};
