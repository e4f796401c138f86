// The benchmark page's modules without a browser: Node, with Dawn (npm `webgpu`) for WebGPU. For machines that have a GPU
// and no Chromium. Arguments are PREFIX=FOLDER, as a server would mount them; every line of input is an expression, and
// the line that answers it is its awaited value as JSON.
import { readFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const mounts = process.argv.slice(2).map((mount) => mount.split("="));
const fileOf = (url) => {
  const path = new URL(url, "file:///").pathname;
  const mount = mounts.find(([prefix]) => path.startsWith(prefix));
  return mount && mount[1] + "/" + path.slice(mount[0].length);
};
registerHooks({
  resolve(specifier, context, next) {
    const file = specifier.startsWith("/") && fileOf(specifier);
    return file ? { url: pathToFileURL(file).href, format: "module", shortCircuit: true } : next(specifier, context);
  },
});

const { create, globals } = await import("/peers/webgpu/index.js");
Object.defineProperty(navigator, "gpu", { value: create([]) });
class Window {
  static [Symbol.hasInstance](value) {
    return value === globalThis;
  }
}
Object.assign(globalThis, globals, {
  Window,
  window: globalThis,
  self: globalThis,
  document: {},
  // Without it TensorFlow.js puts a slow Promise in the place of the real one.
  PromiseRejectionEvent: Event,
  fetch: async (url) => new Response(await readFile(fileOf(url)), { headers: { "content-type": typeOf(url) } }),
});
const typeOf = (url) => (String(url).endsWith(".wasm") ? "application/wasm" : "application/octet-stream");
// Standard output is for answers.
console.log = console.info = console.debug = console.error;
// Libraries that find no `process` take the way of a page.
delete globalThis.process;
await import("./page/bench.mjs");

const evaluate = async (expression) => {
  try {
    return await (0, eval)(expression);
  } catch (error) {
    return { error: String(error?.stack ?? error) };
  }
};
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify((await evaluate(line)) ?? null)}\n`);
}
process.exit();
