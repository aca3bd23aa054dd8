// The chat of one visit. The secret lives as long as the tab: no cookie, nothing
// that another visitor of the same computer would find.
const $ = (id) => document.getElementById(id);
const log = $("log"), thread = $("thread"), choices = $("choices"), state = $("state"), text = $("text");
let secret = null, last = 0, failures = 0;
const waiting = []; // what was written and not taken yet, in its order

const stored = (key, value) => {
  try {
    if (value !== undefined) sessionStorage.setItem(key, value);
    return sessionStorage.getItem(key);
  } catch { return null; } // switched off: the visit ends with the page
};

const ask = async (path, options = {}) => {
  const headers = { ...(secret && { Authorization: "Bearer " + secret }), ...(options.body && { "Content-Type": "application/json" }) };
  const answer = await fetch("/chat/" + path, { ...options, headers });
  if (!answer.ok) throw Object.assign(new Error(answer.statusText), { status: answer.status });
  return answer.status === 204 ? null : answer.json();
};

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const show = (entry) => {
  if (entry.id <= last && entry.id > 0) return;
  if (entry.id > last) last = entry.id;
  if (entry.mine) log.querySelector("li.mine[data-sent]")?.remove(); // it was shown when it was written
  const line = document.createElement("li");
  line.textContent = entry.text;
  if (entry.mine) line.className = "mine";
  if (entry.lang) line.lang = entry.lang === "bug" ? "bug" : "id";
  log.append(line);
  if (!entry.mine) offer(entry.options ?? []);
  thread.scrollTop = thread.scrollHeight;
};

const offer = (options) => {
  choices.replaceChildren(...options.map((o) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = o.label;
    button.addEventListener("click", () => write({ choice: o.value, label: o.label }, o.label));
    return button;
  }));
};

const write = (message, words) => {
  const line = document.createElement("li");
  line.className = "mine";
  line.dataset.sent = "";
  line.textContent = words;
  log.append(line);
  thread.scrollTop = thread.scrollHeight;
  choices.replaceChildren();
  waiting.push({ ...message, id: crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("") });
  if (waiting.length === 1) send();
};

// send gives away what waits, one after the other, again and again until it is taken.
const send = async () => {
  while (waiting.length) {
    try {
      await ready;
      await ask("messages", { method: "POST", body: JSON.stringify(waiting[0]) });
      waiting.shift();
      state.textContent = "";
    } catch (e) {
      if (e.status === 400 || e.status === 413) { waiting.shift(); state.textContent = "Pesan tidak dapat dikirim."; continue; }
      state.textContent = e.status === 429 ? "Terlalu banyak pesan, tunggu sebentar…" : "Tidak tersambung, dicoba lagi…";
      await pause(3000);
    }
  }
};

const listen = async () => {
  await ready;
  for (;;) {
    try {
      for (const entry of await ask("messages?after=" + last)) show(entry);
      if (failures) state.textContent = "";
      failures = 0;
    } catch (e) {
      if (e.status === 401) { stored("secret", ""); location.reload(); return; }
      failures++;
      if (failures > 1) state.textContent = "Tidak tersambung, dicoba lagi…";
      await pause(Math.min(15000, 1000 * failures));
    }
  }
};

const begin = async () => {
  secret = stored("secret") || null;
  const fresh = !secret;
  while (!secret) {
    try { secret = (await ask("visits", { method: "POST" })).secret; stored("secret", secret); } catch { state.textContent = "Tidak tersambung, dicoba lagi…"; await pause(3000); }
  }
  return fresh;
};

const ready = begin();
ready.then((fresh) => { if (fresh) { waiting.push({ id: "hello-" + Date.now(), opens: true }); if (waiting.length === 1) send(); } });
listen();

$("write").addEventListener("submit", (e) => {
  e.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  text.value = "";
  write({ text: words }, words);
});

$("where").addEventListener("click", () => {
  if (!navigator.geolocation) { state.textContent = "Lokasi tidak tersedia di sini."; return; }
  state.textContent = "Mencari lokasi…";
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => { state.textContent = ""; write({ location: { lat: coords.latitude, lng: coords.longitude, acc: coords.accuracy } }, "📍"); },
    () => { state.textContent = "Lokasi tidak diberikan. Tulis saja tempatnya."; },
    { enableHighAccuracy: true, timeout: 15000 });
});
