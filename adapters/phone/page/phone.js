// The simulated phones. All words stand in page.html; this file moves them.

const find = (root, selector) => root.querySelector(selector);
const copy = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

// Known wherever the page is served from, unlike crypto.randomUUID.
const newID = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// state shows the one of several prepared sentences that is true now.
function state(root, name) {
  for (const words of root.querySelectorAll("[data-if]")) words.hidden = words.dataset.if !== name;
}

const patience = 15_000; // ms for an answer of the server

async function post(path, type, body) {
  try {
    const response = await fetch(path, { method: "POST", headers: { "Content-Type": type }, body, signal: AbortSignal.timeout(patience) });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

// Thread is the conversation of one number on one channel. What is written
// while the line is down waits here, and leaves in its order.
class Thread {
  element = copy("thread");
  #typing = find(this.element, ".typing");
  #shown = new Map(); // by id: a message that comes twice is shown once
  #queue = [];
  #sending = false;
  #timer = 0;

  constructor(channel, phone) {
    this.channel = channel;
    this.phone = phone;
  }

  // write sends a text, or the choice of a button.
  write({ text = "", choice = "", label = text }) {
    const message = { id: newID(), channel: this.channel, from: this.phone, text, choice };
    const bubble = this.#mine(message.id, label);
    bubble.dataset.state = "pending";
    find(bubble, ".again").addEventListener("click", () => this.#flush());
    this.#queue.push({ message, bubble });
    this.#close();
    this.#flush();
    this.#down();
  }

  // receive shows what the stream tells.
  receive(event) {
    if (event.mine) {
      const bubble = this.#shown.get(event.id) ?? this.#mine(event.id, event.text);
      const time = find(bubble, ".time");
      if (time.textContent === "") this.#wait();
      time.textContent = event.time;
      bubble.dataset.state = "sent";
      return;
    }
    if (this.#shown.has(event.id)) return;
    const bubble = copy("theirs");
    find(bubble, ".body").textContent = event.text;
    find(bubble, ".time").textContent = event.time;
    find(bubble, ".segments b").textContent = event.segments ?? "";
    this.#close();
    const options = find(bubble, ".options");
    for (const { value, label } of event.options ?? []) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", () => {
        if (button.ariaDisabled !== "true") this.write({ choice: value, label });
      });
      options.append(button);
    }
    this.#typing.hidden = true;
    this.#show(event.id, bubble);
  }

  #mine(id, text) {
    const bubble = copy("mine");
    find(bubble, ".body").textContent = text;
    this.#show(id, bubble);
    return bubble;
  }

  #show(id, bubble) {
    this.#shown.set(id, bubble);
    find(this.element, ".empty")?.remove();
    const following = this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < 80;
    this.#typing.before(bubble);
    if (following) this.#down(bubble);
  }

  // down shows the end, or the beginning of a message that is longer than the screen.
  #down(bubble = null) {
    this.element.scrollTop = bubble ? bubble.offsetTop - 8 : this.element.scrollHeight;
  }

  // close ends the choice that was offered before. The pressed button keeps
  // the focus, so it is not disabled outright.
  #close() {
    for (const button of this.element.querySelectorAll(".options button")) button.ariaDisabled = "true";
  }

  #wait() {
    this.#typing.hidden = false;
    this.#down();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#typing.hidden = true), patience);
  }

  async #flush() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#queue.length > 0) {
      const { message, bubble } = this.#queue[0];
      bubble.dataset.state = "pending";
      if ((await post("/demo/messages", "application/json", JSON.stringify(message))) === null) {
        bubble.dataset.state = "failed";
        this.#down();
        break;
      }
      bubble.dataset.state = "sent";
      this.#queue.shift();
    }
    this.#sending = false;
  }
}

const threads = new Map();

function thread(channel, phone) {
  const key = `${channel} ${phone}`;
  if (!threads.has(key)) threads.set(key, new Thread(channel, phone));
  return threads.get(key);
}

// Device is a phone with its owner; on a smartphone, with one of its apps.
class Device {
  constructor(root) {
    this.root = root;
    this.channel = root.dataset.channel;
    this.owner = find(root, "select");
    this.input = find(root, ".write input");
    this.owner.addEventListener("change", () => {
      this.show();
      listen();
    });
    find(root, ".write").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.input.value.trim();
      if (text === "") return;
      this.input.value = "";
      this.submit(text);
    });
  }

  get phone() {
    return this.owner.value;
  }

  get thread() {
    return thread(this.channel, this.phone);
  }

  submit(text) {
    this.thread.write({ text });
  }

  show() {
    const { hint, try: sentences } = this.owner.selectedOptions[0].dataset;
    find(this.root, ".hint").textContent = hint;
    find(this.root, ".try").replaceChildren(...sentences.split("|").map((text) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => this.try(text));
      return button;
    }));
    find(this.root, ".threads").replaceChildren(this.thread.element);
    this.thread.element.scrollTop = this.thread.element.scrollHeight;
  }

  try(text) {
    this.submit(text);
  }
}

const code = "*384*7";

// BasicPhone has keys instead of apps: SMS, and the dialogues of dialled codes.
class BasicPhone extends Device {
  #lcd = find(this.root, ".lcd");
  #screen = find(this.root, ".screen");
  #call = null; // {session, typed, queue, running, over}

  constructor(root) {
    super(root);
    for (const key of root.querySelectorAll("[data-key]")) {
      key.addEventListener("click", () => (this.input.value += key.dataset.key));
    }
    for (const key of root.querySelectorAll("[data-do]")) key.addEventListener("click", () => this[key.dataset.do]());
    find(root, ".state .again").addEventListener("click", () => this.#proceed(this.#call));
  }

  show() {
    super.show();
    this.hangup();
  }

  try(text) {
    this.hangup();
    this.submit(text);
  }

  submit(text) {
    if (/^\*[\d*]*#$/.test(text)) {
      this.#dial(text);
    } else if (this.#call?.over) {
      this.hangup();
      this.input.value = text;
    } else if (this.#call) {
      this.#call.queue.push(text);
      this.#proceed(this.#call);
    } else {
      super.submit(text);
    }
  }

  // call dials what stands in the entry, or the service.
  call() {
    const text = this.input.value.trim();
    this.input.value = "";
    this.#dial(text || `${code}#`);
    this.input.focus();
  }

  clear() {
    this.input.value = this.input.value.slice(0, -1);
  }

  hangup() {
    this.#call = null;
    this.#mode("sms");
    state(this.root, "");
  }

  #dial(text) {
    this.hangup();
    if (text !== `${code}#` && !(text.startsWith(`${code}*`) && text.endsWith("#"))) {
      state(this.root, "unknown");
      return;
    }
    // What is dialled behind the code comes with the first request.
    const typed = text.slice(code.length, -1).split("*").slice(1);
    this.#call = { session: newID(), typed: [], queue: [typed], running: false, over: false };
    this.#screen.textContent = "";
    this.#mode("ussd");
    this.#proceed(this.#call);
  }

  #mode(mode) {
    this.#lcd.dataset.mode = mode;
    this.input.placeholder = this.input.dataset[mode];
  }

  // proceed sends what was typed, one step after the other, and shows the answers.
  async #proceed(call) {
    if (call.running) return;
    call.running = true;
    while (call === this.#call && !call.over && call.queue.length > 0) {
      state(this.root, "waiting");
      const typed = call.typed.concat(call.queue[0]);
      const form = new URLSearchParams({ sessionId: call.session, serviceCode: `${code}#`, phoneNumber: this.phone, networkCode: "99999", text: typed.join("*") });
      const answer = await post("/channels/ussd", "application/x-www-form-urlencoded", form);
      if (call !== this.#call) return;
      if (answer === null || !/^(CON|END) /.test(answer)) {
        state(this.root, "failed");
        break;
      }
      call.queue.shift();
      call.typed = typed;
      call.over = answer.startsWith("END");
      this.#screen.textContent = answer.slice(4);
      this.#screen.scrollTop = 0;
      state(this.root, call.over ? "over" : "");
    }
    call.running = false;
  }
}

const devices = Array.from(document.querySelectorAll(".device"), (root) => new (root.dataset.channel === "sms" ? BasicPhone : Device)(root));
for (const device of devices) device.show();

// The stream of everything that the phones receive.
let stream;

function listen() {
  stream?.close();
  const lost = find(document, ".lost");
  stream = new EventSource(`/demo/events?${new URLSearchParams(devices.map((device) => ["from", device.phone]))}`);
  stream.addEventListener("open", () => state(lost, ""));
  stream.addEventListener("error", ({ target }) => state(lost, target.readyState === EventSource.CLOSED ? "closed" : "lost"));
  stream.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    thread(event.channel, event.from).receive(event);
  });
}

find(document, ".lost .again").addEventListener("click", listen);
listen();

// A narrow screen shows one device at a time.
const main = find(document, "main");
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => {
    main.dataset.shown = button.dataset.show;
    for (const other of document.querySelectorAll("[data-show]")) other.ariaPressed = String(other === button);
    for (const device of devices) {
      if (device.channel === button.dataset.show) device.thread.element.scrollTop = device.thread.element.scrollHeight;
    }
  });
}
main.dataset.ready = "true";
