// The benchmark page without a browser: its modules under Node, with Dawn (npm `webgpu`) for WebGPU. For machines that
// have a GPU and no Chromium. Arguments are PREFIX=FOLDER, as a server would mount them; each line of input is an
// expression, and the line that answers it is its value, awaited, as JSON.
import { readFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const mounts = process.argv.slice(2).map((mount) => mount.split("="));
const fileOf = (url) => {
  const path = new URL(url, "file:///").pathname;
  const [prefix, folder] = mounts.find(([prefix]) => path.startsWith(prefix)) ?? [];
  return folder && `${folder}/${path.slice(prefix.length)}`;
};
registerHooks({
  resolve(specifier, context, next) {
    const file = specifier.startsWith("/") && fileOf(specifier);
    return file ? { url: pathToFileURL(file).href, format: "module", shortCircuit: true } : next(specifier, context);
  },
});
const fetch = async (url) => {
  const type = String(url).endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  return new Response(await readFile(fileOf(url)), { headers: { "content-type": type } });
};

const { create, globals } = await import("/peers/webgpu/index.js");
Object.defineProperty(navigator, "gpu", { value: create([]) });
class Window {
  static [Symbol.hasInstance](value) {
    return value === globalThis;
  }
}
// What the libraries look for to know a page.
Object.assign(globalThis, globals, { Window, window: globalThis, self: globalThis, document: {}, fetch });
// Without this one TensorFlow.js would put a slow Promise of its own in the place of everybody's.
globalThis.PromiseRejectionEvent = Event;
delete globalThis.process;
// Standard output is for answers.
console.log = console.info = console.debug = console.error;
await import("./page/bench.mjs");

const evaluate = async (expression) => {
  try {
    return (await (0, eval)(expression)) ?? null;
  } catch (error) {
    return { error: String(error?.stack ?? error) };
  }
};
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await evaluate(line))}\n`);
}
process.exit();
