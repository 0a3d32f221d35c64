// What all pages share: asking the API, following jobs, dropping files, telling people.
const body = document.body;
export const workspace = body.dataset.workspace;
export const kind = body.dataset.kind;
const texts = JSON.parse(document.getElementById("texts").textContent);

export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// An element with its attributes and children; texts become text nodes, never markup.
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

export function percent(share) {
  if (share == null) return "–";
  if (share > 0.99 && share < 1) return "> 99 %";
  if (share > 0 && share < 0.01) return `${(100 * share).toPrecision(1)} %`;
  return `${Math.round(100 * share)} %`;
}

export function say(text) {
  const toast = el("div", { class: "toast" }, text);
  $("#toasts").append(toast);
  setTimeout(() => toast.remove(), 6000);
}

// Ask the API; what goes wrong is told, and thrown.
export async function api(method, path, given, headers = {}) {
  const options = { method, headers: { "X-CSRF-Token": body.dataset.csrf, ...headers } };
  if (given instanceof FormData || given instanceof Blob) options.body = given;
  else if (given !== undefined) {
    options.body = JSON.stringify(given);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  for (let tries = 0; ; tries++) {
    try {
      answer = await fetch(path, options);
    } catch {
      say(t("offline"));
      throw new Error("offline");
    }
    if (answer.status !== 503 || tries > 5) break;
    await new Promise((done) => setTimeout(done, 1000 * Number(answer.headers.get("Retry-After") || 1)));
  }
  if (answer.status === 401) location.href = "/sign-in";
  if (answer.status === 204) return null;
  const type = answer.headers.get("Content-Type") || "";
  const plain = type.includes("json") ? await answer.json() : await answer.text();
  if (!answer.ok) {
    say(plain.detail || plain.title || t("failed", { problem: answer.status }));
    throw new Error(plain.detail || answer.status);
  }
  return plain;
}

// Begin a job and follow it to its end; `show` is told how far it is.
export async function job(path, given, show = () => {}, method = "POST") {
  let found = await api(method, path, given);
  show(found);
  if (!found.finished) found = await follow(found.id, show);
  if (found.state === "failed") say(t("failed", { problem: found.problem }));
  if (found.state === "cancelled") say(t("cancelled"));
  if (found.state !== "done") throw new Error(found.problem || found.state);
  return found.result;
}

function follow(id, show) {
  return new Promise((done) => {
    const source = new EventSource(`/v1/jobs/${id}/events`);
    source.addEventListener("job", (event) => {
      const found = JSON.parse(event.data);
      show(found);
      if (found.finished) {
        source.close();
        done(found);
      }
    });
  });
}

// Load a part of the page anew.
export async function load(selector) {
  const part = $(selector);
  if (!part) return;
  part.innerHTML = await api("GET", part.dataset.load);
}

// Files that are dropped or chosen; `take` gets [{file, label}], the label being the folder's name or "".
export function dropZone(take) {
  const zone = $("#drop");
  if (!zone) return;
  for (const name of ["dragover", "dragenter"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = entries.length ? await walk(entries, "", entries.length === 1) : plainFiles(event.dataTransfer.files);
    take(files);
  });
  for (const button of $$("[data-choose]", zone)) {
    const input = $(`#pick-${button.dataset.choose}`);
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      take(plainFiles(input.files));
      input.value = "";
    });
  }
}

function plainFiles(files) {
  return [...files].map((file) => ({ file, label: folderOf((file.webkitRelativePath || "").split("/").slice(0, -1)) }));
}

// The folder below the one that was chosen is the class; of a single folder without others in it, itself.
function folderOf(parts) {
  return parts.length > 1 ? parts[1] : parts[0] || "";
}

async function walk(entries, label, alone) {
  const found = [];
  for (const entry of entries) {
    if (entry.isFile) found.push({ file: await new Promise((ok, no) => entry.file(ok, no)), label });
    else {
      const inside = await list(entry);
      const outer = alone && inside.some((one) => one.isDirectory);
      found.push(...(await walk(inside, label || (outer ? "" : entry.name), false)));
    }
  }
  return found;
}

async function list(folder) {
  const reader = folder.createReader();
  const every = [];
  for (;;) {
    const some = await new Promise((ok, no) => reader.readEntries(ok, no));
    if (!some.length) return every;
    every.push(...some);
  }
}

export function showProgress(root, found) {
  root.hidden = Boolean(found.finished);
  const { stage, done, total } = found.progress;
  const bar = $("progress", root);
  $(".stage", root).textContent = found.state === "queued" ? t("queued") : stage || t("working");
  if (total) bar.value = done / total;
  else bar.removeAttribute("value");
}
