// Look: answers with their evidence, teaching by one click, and the questions most worth answering.
import { $, api, dropZone, el, job, kind, percent, say, t, workspace } from "/static/foveal.js";

const base = `/v1/workspaces/${workspace}`;
const SHOWN = { Accept: "application/vnd.foveal.shown+json" };
const classes = JSON.parse($("#classes")?.textContent || "[]");
const MOST = 60; // answers on the page

async function take(found) {
  for (const { file } of found) await look(file);
  loadQueue();
}

async function look(file, before) {
  const form = new FormData();
  form.append("file", file, file.name || "picture.jpg");
  const keep = kind === "classes" && Boolean($("#keep")?.checked);
  form.append("keep", keep);
  const answer = await api("POST", `${base}/look`, form, SHOWN);
  const card = kind === "classes" ? draw(answer, file) : drawVerdict(answer, file);
  if (before) before.replaceWith(card);
  else $("#answers").prepend(card);
  while ($("#answers").children.length > MOST) $("#answers").lastElementChild.remove();
}

function layers(answer, name) {
  const heat = el("img", { class: "heat", src: answer.heat, alt: "" });
  const slider = el("input", { type: "range", min: 0, max: 1, step: 0.02, value: 0.6, "aria-label": t("fade"),
    oninput: (event) => (heat.style.opacity = event.target.value) });
  heat.style.opacity = 0.6;
  return el("div", {}, el("div", { class: "layers" }, el("img", { src: answer.picture, alt: name }), heat),
    el("label", { class: "small soft" }, t("fade"), slider));
}

function draw(answer, file) {
  const sure = answer.label ? t("sure", { share: percent(answer.probability) }) : t("best", { best: `${answer.best} (${percent(answer.probability)})` });
  const others = answer.could_be.filter((label) => label !== answer.label);
  const told = el("div", {},
    el("p", { class: "said" }, answer.label ?? t("unsure")),
    el("p", { class: "soft" }, answer.reason ? `${answer.reason}. ${sure}` : sure),
    others.length ? el("div", { class: "chips" }, el("span", { class: "soft small" }, t("could_be")), ...others.map((label) => el("span", { class: "chip" }, label))) : null,
    answer.flags.length ? el("p", { class: "bad small" }, answer.flags.map((flag) => t(`flag.${flag}`)).join(", ")) : null,
    decided(answer.decided ?? []));
  const card = el("article", { class: "card answer" }, layers(answer, file.name), told);
  if (answer.kept) told.append(tell(answer, file, card));
  return card;
}

function decided(rows) {
  if (!rows.length) return null;
  const figures = rows.map((one) => el("figure", { class: one.effect > 0 ? "for" : "against" },
    el("img", { src: one.thumbnail || "/static/icon.svg", alt: `${one.name}: ${one.effect > 0 ? t("raised") : t("lowered")}` }),
    el("figcaption", {}, one.labels.join(", "))));
  return el("div", {}, el("p", { class: "soft small" }, t("decided")), el("div", { class: "decided" }, ...figures));
}

function tell(answer, file, card) {
  const best = answer.label ?? answer.best;
  const other = el("input", { list: "known-classes", "aria-label": t("wrong"), maxlength: 100 });
  const act = async (given) => {
    for (const button of card.querySelectorAll("button")) button.disabled = true;
    await settle([answer.kept], given);
    say(t("taught"));
    card.querySelector(".tell").replaceWith(el("p", { class: "good" }, t("taught")), el("button", { class: "small", onclick: () => look(file, card) }, t("again")));
    loadQueue();
  };
  return el("div", { class: "row tell" },
    el("button", { class: "small main", onclick: () => act({ label: best }) }, t("right")),
    el("form", { class: "row tight", onsubmit: (event) => { event.preventDefault(); if (other.value.trim()) act({ label: other.value.trim() }); } },
      el("span", { class: "small" }, t("wrong")), other, el("button", { class: "small" }, t("wrong_do"))),
    el("button", { class: "small", onclick: () => act({ is_not: best }) }, t("not_this", { label: best })));
}

const settle = (names, given) => job(`${base}/queue/settle`, { names, ...given });

function drawVerdict(answer, file) {
  const good = answer.verdict === "good";
  const told = el("div", {}, el("p", { class: `said ${good ? "good" : "bad"}` }, answer.said),
    el("p", { class: "soft" }, answer.explained), ...answer.lines.map((line) => el("p", { class: "small" }, line)));
  if (answer.good) told.append(el("p", { class: "soft small" }, t("should_look")), el("img", { src: answer.good, alt: t("should_look"), width: 160 }));
  return el("article", { class: "card answer" }, layers(answer, file.name), told);
}

// -- questions, by keyboard

let asked = [];

async function loadQueue() {
  if (!$("#queue")) return;
  asked = (await api("GET", `${base}/queue`)).asked.filter((one) => !skipped.has(one.name));
  drawQueue();
}

const skipped = new Set();

function drawQueue() {
  const about = $("#queue-about");
  about.dataset.some ??= about.textContent;
  about.textContent = asked.length ? about.dataset.some : about.dataset.none;
  $("#asked").replaceChildren(...(asked.length ? [question(asked[0])] : []));
}

function choicesOf(one) {
  return [...new Set([...(one.could_be.length ? one.could_be : [one.best]), ...classes])].slice(0, 9);
}

function question(one) {
  const buttons = choicesOf(one).map((label, i) => el("button", { class: "small", onclick: () => answer({ label }) }, el("kbd", {}, String(i + 1)), label));
  return el("article", { class: "card ask" },
    el("img", { src: `${base}/queue/${one.name}/picture`, alt: t(`reason.${one.reason}`) }),
    el("div", {}, el("p", {}, el("b", {}, one.label ?? t("unsure")), ` · ${t(`reason.${one.reason}`)} · ${percent(one.probability)}`),
      el("div", { class: "choices" }, ...buttons),
      el("p", { class: "row" }, el("button", { class: "small quiet", onclick: skip }, el("kbd", {}, "S"), t("skip")),
        el("button", { class: "small quiet bad", onclick: () => answer({}) }, el("kbd", {}, "X"), t("drop")))));
}

async function answer(given) {
  const one = asked.shift();
  drawQueue();
  await settle([one.name], given);
  if (given.label) say(t("taught"));
  if (!asked.length) loadQueue();
}

function skip() {
  skipped.add(asked.shift().name);
  drawQueue();
}

document.addEventListener("keydown", (event) => {
  if (!asked.length || event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const choice = choicesOf(asked[0])[Number(event.key) - 1];
  if (choice) answer({ label: choice });
  else if (event.key.toLowerCase() === "s") skip();
  else if (event.key.toLowerCase() === "x") answer({});
});

// -- camera

let stream = null;

$("#camera")?.addEventListener("click", async () => {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (problem) {
    say(t("camera_none", { problem: problem.message || problem.name }));
    return;
  }
  $("#shooting").hidden = false;
  const video = $("#shooting video");
  video.srcObject = stream;
  await video.play();
});

$("#shoot")?.addEventListener("click", () => {
  const video = $("#shooting video");
  const canvas = el("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => take([{ file: new File([blob], "camera.jpg", { type: "image/jpeg" }) }]), "image/jpeg", 0.92);
});

$("#camera-stop")?.addEventListener("click", () => {
  for (const track of stream?.getTracks() ?? []) track.stop();
  $("#shooting").hidden = true;
});

dropZone(take);
loadQueue();
