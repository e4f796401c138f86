// Opens the page without a network. It keeps the page's own files; weights and tokenizer are kept by the page
// itself, under their content hash (src/ui/store.rs).
//
// Nothing is fetched on installation: at a first visit the link belongs to the model. Once that is live the page
// sends the addresses that it has loaded, and they are kept one after the other, mostly from the browser's cache.
//
// The site's address is always asked for anew, so that an update is seen at the next load. Files with a hash in
// their name never change, so they come from here; those of an older build are deleted once a newer page is kept.

// The number is that of the cache's layout, not of the site. Caches belong to an origin, so the folder is named too.
const SCOPE = self.registration.scope;
const PREFIX = 'cascade-page-';
const CACHE = `${PREFIX}1 ${SCOPE}`;
// How long a network that is there but does not answer may hold up what is kept, in milliseconds.
const PATIENCE = 5000;

// `x-0123456789abcdef.css`, or anything in the folder `x-0123456789abcdef/`.
const hashed = (url) => /-[0-9a-f]{12,}((_bg)?\.(js|wasm|css)|\/[^/]+)$/.test(url);
const namedInPage = (url) => url.slice(SCOPE.length).split('/')[0];
const ours = (url) => url.startsWith(SCOPE) && !/\.safetensors$|\/tokenizer\.json$|\/sw\.js$|\/kept\//.test(url);
const plain = (url) => url.split(/[?#]/)[0];

self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('activate', (event) => event.waitUntil(activate()));

async function activate() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name.endsWith(` ${SCOPE}`) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = plain(request.url);
  if (request.method !== 'GET' || !ours(url) || request.headers.has('range')) return;
  if (request.mode === 'navigate') {
    if (url === SCOPE || url === `${SCOPE}index.html`) event.respondWith(networkFirst(request, SCOPE));
  } else if (hashed(url)) {
    event.respondWith(cacheFirst(request, url));
  } else {
    event.respondWith(networkFirst(request, url, event));
  }
});

async function cacheFirst(request, url) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(url);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await put(cache, url, response.clone());
  return response;
}

// Where `event` is given the answer is kept as well. The start page is not: it is kept with its files, or not at all.
async function networkFirst(request, url, event) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(url);
  const asked = fetch(request);
  try {
    const response = await (kept ? Promise.race([asked, patience()]) : asked);
    if (response.ok && event) event.waitUntil(put(cache, url, response.clone()));
    return response.ok || !kept ? response : kept;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

const patience = () => new Promise((_, reject) => setTimeout(reject, PATIENCE, new Error('the network is slow')));

// A device without room is no reason to fail: the answer then serves this once.
const put = (cache, url, response) => cache.put(url, response).catch(() => {});

self.addEventListener('message', (event) => event.waitUntil(keepAndTell(event)));

async function keepAndTell(event) {
  let kept = false;
  try {
    kept = await keep([...new Set(event.data.map(plain).filter(ours))]);
  } catch {
    // No network, or no room: what was kept before is still there.
    const cache = await caches.open(CACHE);
    kept = Boolean(await cache.match(SCOPE));
  }
  event.source.postMessage({ kept });
}

// Whether the page that asks is now kept whole.
async function keep(urls) {
  const cache = await caches.open(CACHE);
  for (const url of [...urls, `${SCOPE}manifest.webmanifest`]) {
    if (url === SCOPE || (await cache.match(url))) continue;
    const response = await fetch(url, { cache: 'force-cache' });
    if (response.ok) await cache.put(url, response);
    else if (hashed(url)) return false;
  }
  const page = await fetch(SCOPE, { cache: 'no-cache' });
  const text = await page.clone().text();
  const names = urls.filter(hashed);
  const current = page.ok && names.length > 0 && names.every((url) => text.includes(namedInPage(url)));
  // The site has changed since this page was loaded: its next load brings the new one, with its files.
  if (!current) return false;
  await cache.put(SCOPE, page);
  for (const { url } of await cache.keys()) if (hashed(url) && !names.includes(url)) await cache.delete(url);
  return true;
}
