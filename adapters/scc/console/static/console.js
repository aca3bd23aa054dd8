// Keeps a page of the console live: the stream of events, the clocks, the
// alarm, the keys. Every page also works without it, but then nothing rings.
//
// Pages are exchanged in place, because a new document would begin with its
// sound switched off.

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const csrf = () => document.body.dataset.csrf;

/* ---- the page in place ---- */

const parts = ["#main", "#tabs", "#board", "#confirm"];
let loading = 0; // the newest exchange wins

async function load(url, options = {}, { push = true, quiet = false } = {}) {
  const mine = ++loading;
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    if (!quiet) say("Tidak terkirim: jaringan putus. Coba lagi.", true);
    return false;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (new URL(answer.url).pathname === "/scc/masuk" || !fresh.body.dataset.csrf && answer.status === 401) {
    location.assign("/scc/masuk?ke=" + encodeURIComponent(location.pathname));
    return false;
  }
  if (mine !== loading) return true;
  if (!fresh.body.dataset.csrf) { // a failure page: say it, and keep what is on the screen
    say($("[role=alert]", fresh)?.textContent ?? "Gangguan.", true);
    return false;
  }
  if (push) history.pushState(null, "", answer.url);
  document.title = fresh.title;
  for (const selector of parts) {
    const old = $(selector), next = $(selector, fresh);
    if (old && next) old.replaceWith(next);
    else if (old) old.remove();
    else if (next) $("#tabs").after(next);
  }
  arrange();
  ($("[autofocus]", $("#main")) ?? $("#main")).focus();
  return true;
}

// same tells whether a part is as the server has it, but for what the script
// itself writes into it.
function same(old, next) {
  const plain = old.cloneNode(true);
  for (const e of $$("[data-since],[data-until]", plain)) e.textContent = "–";
  for (const e of $$("[data-chosen]", plain)) e.removeAttribute("data-chosen");
  for (const e of [plain, ...$$("[open]", plain)]) e.removeAttribute("open");
  return plain.outerHTML === next.outerHTML;
}

// refocus returns what gives the focus to the same thing in the new part. It
// goes by the row and the words, never by the place alone: Enter would act on
// another incident.
function refocus(old, next) {
  const had = document.activeElement;
  if (!old.contains(had)) return () => {};
  const row = had.closest("[data-row]")?.dataset.row;
  const all = (root) => $$("a,button,summary,[tabindex]", row === undefined ? root : $(`[data-row="${CSS.escape(row)}"]`, root) ?? document.createElement("i"));
  const i = all(old).indexOf(had);
  return () => {
    const again = had.tabIndex === 0 && had.id === next.id ? next : all(next)[i];
    if (again === next || again?.textContent === had.textContent) again.focus({ preventScroll: true });
  };
}

// keepMedia takes out of the new part what the old one has open already, so that it
// is neither fetched again nor falls silent, and returns what comes back where.
function keepMedia(old, next) {
  return $$("[data-medium]", old).flatMap((medium) => {
    const again = $$("[data-medium]", next).find((m) => m.getAttribute("src") === medium.getAttribute("src"));
    if (!again) return [];
    const place = document.createElement("i");
    again.replaceWith(place);
    return [[place, medium]];
  });
}

// refresh exchanges what is marked live, and leaves alone what is typed into.
async function refresh() {
  const mine = loading;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", headers: { "X-Refresh": "1" } });
    if (answer.redirected && new URL(answer.url).pathname === "/scc/masuk") return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== loading || !fresh.body.dataset.csrf) return false;
    for (const next of $$("[data-live]", fresh)) {
      const old = document.getElementById(next.id);
      if (old && !same(old, next) && !old.contains(document.activeElement?.closest("input,textarea,select"))) {
        const bottom = old.scrollTop + old.clientHeight >= old.scrollHeight - 4, top = old.scrollTop, focus = refocus(old, next);
        for (const d of [old, ...$$("details[open][id]", old)]) {
          const again = d === old ? next : $("#" + d.id, next);
          if (d.open && again) again.open = true;
        }
        const places = keepMedia(old, next);
        old.replaceWith(next);
        for (const [place, medium] of places) place.replaceWith(medium);
        next.scrollTop = bottom ? next.scrollHeight : top;
        focus();
      }
    }
    const confirm = $("#confirm", fresh);
    if (confirm && !$("#confirm")) $("#tabs").after(confirm);
    arrange();
    return true;
  } catch {
    return false; // the line is watched elsewhere
  }
}

let planned;
function plan() { planned ??= setTimeout(() => { planned = undefined; refresh(); }, 200); }

document.addEventListener("click", (e) => {
  const link = e.target.closest("a[href^='/scc']");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button || link.target || link.hasAttribute("download")) return;
  e.preventDefault();
  if (link.dataset.open === undefined) load(link.href);
  else open(link);
});

// open shows in its place what a resident sent, or closes it, and leaves the rest
// of the page alone: somebody may be writing in it.
async function open(link) {
  history.replaceState(null, "", link.href);
  loading++; // a refresh on its way knows nothing of it
  await refresh();
  document.getElementById(link.hash.slice(1))?.focus();
}

// Only now is it known how much place a picture needs.
document.addEventListener("load", ({ target }) => {
  if (target.matches?.("[data-medium]")) target.closest("figure").scrollIntoView({ block: "nearest" });
}, true);

// What cannot be shown: the server says why.
document.addEventListener("error", async ({ target }) => {
  if (!target.matches?.("[data-medium]")) return;
  let why = "Tidak bisa ditampilkan di sini. Buka di tab sendiri.";
  try {
    const answer = await fetch(target.src, { credentials: "same-origin" });
    if (answer.ok) answer.body.cancel();
    else why = $("[role=alert]", new DOMParser().parseFromString(await answer.text(), "text/html"))?.textContent ?? why;
  } catch { /* the line is watched elsewhere */ }
  target.setAttribute("alt", why);
  say(why, true);
}, true);

document.addEventListener("submit", async (e) => {
  const form = e.target;
  if (form.method === "dialog" || form.getAttribute("action") === "/scc/keluar") return;
  e.preventDefault();
  const data = new URLSearchParams(new FormData(form, e.submitter));
  const buttons = $$("button", form);
  buttons.forEach((b) => { b.disabled = true; });
  if (form.method === "get") await load(form.action + "?" + data);
  else await load(form.action, { method: "POST", body: data });
  buttons.forEach((b) => { b.disabled = false; });
});

addEventListener("popstate", () => load(location.href, {}, { push: false }));

function say(text, urgent) {
  const place = $(urgent ? "#alert" : "#status");
  place.textContent = "";
  place.textContent = text;
  clearTimeout(place.timer);
  place.timer = setTimeout(() => { place.textContent = ""; }, 12000);
}

/* ---- the line ---- */

const silence = 25000; // ms without a sign of life
let heard = Date.now(), offset = Number(document.body.dataset.now) - Date.now(), down = null;

function alive(now) {
  heard = Date.now();
  if (now) offset = now - heard;
  if (down !== null) { down = null; refresh(); }
  line("up", "LIVE");
}

function line(state, word) {
  const p = $("#line");
  if (p.dataset.line === state && $("[data-line-word]").textContent === word) return;
  p.dataset.line = state;
  $("[data-line-word]").textContent = word;
  document.body.classList.toggle("cut", state === "down");
}

let stream, last = document.body.dataset.seq;
function connect() {
  stream?.close();
  stream = new EventSource("/scc/events?after=" + last);
  stream.addEventListener("beat", (e) => alive(Number(e.data)));
  stream.addEventListener("message", (e) => {
    last = e.lastEventId;
    alive();
    const { kind, incident } = JSON.parse(e.data);
    if (kind === "resident.seen") return; // somebody looked; nothing has changed
    if (kind === "incident.opened" || kind === "incident.returned") fresh(incident);
    else plan();
  });
  stream.addEventListener("error", () => { if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000); });
}

// fresh shows an incident at once. If it cannot, it rings all the same.
async function fresh(incident) {
  if (!await refresh()) { muted = 0; ring(true); say("Insiden baru " + incident, true); }
}

// times brings the clocks up to date, by the clock of the server.
function times() {
  const now = new Date(Date.now() + offset);
  $("[data-clock]").textContent = wita(now);
  for (const e of $$("[data-since]")) e.textContent = span(now - new Date(e.dataset.since));
  for (const e of $$("[data-until]")) e.textContent = span(new Date(e.dataset.until) - now);
}

function tick() {
  if (Date.now() - heard > silence) {
    if (down === null) {
      down = heard + offset;
      say("Sambungan ke server terputus. Alarm di layar ini tidak dapat dipercaya.", true);
    }
    line("down", "TERPUTUS sejak " + wita(new Date(down)));
    if (Math.floor(Date.now() / 1000) % 5 === 0) play(tones.cut, 0.4);
  }
  times();
  if (muted && muted < Date.now()) { muted = 0; arrange(); }
}
setInterval(tick, 1000);

const wita = (d) => new Date(d.getTime() + 8 * 3600e3).toISOString().slice(11, 19).replaceAll(":", ".");
function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), two = (n) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}

/* ---- the alarm ---- */

// Pitch in Hz and length in s; pitch 0 is a rest. Kinds differ in rhythm.
const tones = {
  test: [[660, 0.25], [0, 0.1], [880, 0.35]],
  fire: [[880, 0.2], [660, 0.2], [880, 0.2], [660, 0.2], [880, 0.2], [660, 0.2]],
  medical: [[740, 0.5], [0, 0.15], [740, 0.5], [0, 0.15], [740, 0.5]],
  violence: [[440, 0.12], [0, 0.12], [440, 0.12], [0, 0.4], [440, 0.12], [0, 0.12], [440, 0.12]],
  other: [[660, 0.15], [880, 0.45], [0, 0.2], [660, 0.15], [880, 0.45]],
  waiting: [[523, 0.15], [0, 0.1], [659, 0.2]],
  cut: [[220, 0.5]],
};
let sound = null, heardTest = false, muted = 0, leads = !navigator.locks, waiting = 0, rung = 0;

// Of several tabs that would be heard one rings, so that they do not ring out of
// step. Over plain http there are no locks; then all do.
let leaving = null; // ends the lead
function lead() {
  if (!navigator.locks || armed() === Boolean(leaving)) return;
  if (!armed()) { leaving(); leaving = null; leads = false; return; }
  const done = new Promise((end) => { leaving = end; });
  navigator.locks.request("scc-alarm", () => {
    leads = armed();
    ring();
    return done;
  });
}

function play(tone, volume = 0.3) {
  if (!leads && tone !== tones.test || sound?.state !== "running") return;
  let at = sound.currentTime + 0.02;
  for (const [pitch, length] of tone) {
    if (pitch) {
      const o = sound.createOscillator(), g = sound.createGain();
      o.type = "square";
      o.frequency.value = pitch;
      g.gain.setValueAtTime(volume, at);
      g.gain.exponentialRampToValueAtTime(0.001, at + length);
      o.connect(g).connect(sound.destination);
      o.start(at);
      o.stop(at + length);
    }
    at += length;
  }
}

const armed = () => heardTest && sound?.state === "running";
const ringing = () => Number($("#board").dataset.ring) > 0;

// ring sounds at once for what is new, and again every 10 s until somebody has
// acknowledged.
function ring(now) {
  if (now || ringing() && !muted) play(tones[$("#board").dataset.kind] ?? tones.other, now ? 0.5 : 0.35);
}
setInterval(ring, 10000);

function arrange() {
  lead();
  const open = Number($("#board").dataset.ring);
  if (open > rung) { // nothing mutes a new incident
    muted = 0;
    ring(true);
    say($("#unanswered-first")?.textContent.trim() || open + " insiden belum diterima", true);
  }
  rung = open;
  const word = armed() ? (muted ? "DIAM" : "SIAP") : "MATI";
  const chip = $("[data-alarm-word]");
  if (chip.textContent !== word) chip.textContent = word;
  $(".alarm").dataset.alarm = armed() ? "on" : "off";
  $("[data-do=shift]").hidden = armed();
  $("[data-do=mute]").hidden = !(armed() && ringing() && !muted);
  const n = Number($("#board").dataset.waiting);
  if (n > waiting) { play(tones.waiting); say(n + " orang menunggu petugas"); }
  waiting = n;
  mark();
  times();
}

// The server pages the next tier at once when no console would ring.
const tab = sessionStorage.tab ??= [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
async function report() {
  try {
    await fetch("/scc/alarm", {
      method: "POST", credentials: "same-origin", headers: { "X-CSRF": csrf() },
      body: new URLSearchParams({ console: tab, armed: armed() && !muted ? "1" : "0" }),
    });
  } catch { /* the line is watched elsewhere */ }
}
setInterval(report, 10000);

const does = {
  shift() {
    sound ??= new AudioContext();
    sound.onstatechange = () => { arrange(); report(); };
    sound.resume().then(() => play(tones.test));
    $("#hear").showModal();
  },
  again() { sound.resume().then(() => play(tones.test)); },
  heard() { $("#hear").close(); heardTest = true; sessionStorage.heard = "1"; arrange(); report(); ring(); },
  print() { window.print(); },
  silent() { $("#hear").close(); heardTest = false; arrange(); report(); say("Periksa pengeras suara dan volume, lalu tekan Mulai shift lagi.", true); },
  mute() { muted = Date.now() + 60000; arrange(); report(); },
};
// A quick reply is put where it can be changed, and not sent at once.
document.addEventListener("click", (e) => {
  const text = e.target.closest("[data-quick]")?.dataset.quick, to = $("#words");
  if (text && to) { to.value = (to.value ? to.value + " " : "") + text; to.focus(); }
});
document.addEventListener("click", (e) => does[e.target.closest("[data-do]")?.dataset.do]?.());

// After a reload the browser may let the sound go on; only then is it armed.
if (sessionStorage.heard) {
  sound = new AudioContext();
  sound.onstatechange = () => { arrange(); report(); };
  heardTest = true;
}

/* ---- the keys ---- */

let chosen = null;
const rows = () => $$("[data-row]");

function mark() {
  for (const row of rows()) row.toggleAttribute("data-chosen", row.dataset.row === chosen);
}

function choose(step) {
  const all = rows();
  if (!all.length) return;
  const i = all.findIndex((r) => r.dataset.row === chosen);
  const row = all[Math.min(all.length - 1, Math.max(0, i < 0 ? (step > 0 ? 0 : all.length - 1) : i + step))];
  chosen = row.dataset.row;
  mark();
  $("a", row)?.focus();
  row.scrollIntoView({ block: "nearest" });
}

// press acts on the chosen row, else on the page, else on the topmost row.
function press(key) {
  const within = rows().find((r) => r.dataset.row === chosen);
  const button = (within && $(`[data-key="${key}"]`, within)) ?? $$(`[data-key="${key}"]`).find((e) => !e.closest("[data-row]")) ?? $(`[data-row] [data-key="${key}"]`);
  if (!button) return false;
  if (button.matches("input,textarea,select")) button.focus();
  else button.click();
  return true;
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey && e.key === "Enter") { e.target.form?.requestSubmit(); return; }
  if (e.key === "Escape") { chosen = null; mark(); document.activeElement?.blur(); return; }
  if (e.key.length === 1 && localStorage.letters === "off" && e.key !== "?") return;
  if (e.ctrlKey || e.altKey || e.metaKey || e.target.matches("input,textarea,select") || $("dialog[open]")) return;
  const act = {
    ArrowDown: () => choose(1), ArrowUp: () => choose(-1), "?": () => $("#keys").showModal(),
    Enter: () => { const row = rows().find((r) => r.dataset.row === chosen); if (!row || e.target.closest("a,button")) return false; $("a", row).click(); },
  }[e.key] ?? (() => press(e.key.length === 1 ? e.key.toUpperCase() : e.key));
  if (act() !== false) e.preventDefault();
});

// Keys of one letter can be switched off (WCAG 2.1.4): speech input presses them by accident.
$("#letters").checked = localStorage.letters !== "off";
$("#letters").addEventListener("change", (e) => { localStorage.letters = e.target.checked ? "on" : "off"; });

connect();
arrange();
report();
document.body.dataset.ready = "1";
