// Find: a picture, perhaps a part of it, and what is the same or similar.
import { $, api, dropZone, el, percent, t, workspace } from "/static/foveal.js";

const base = `/v1/workspaces/${workspace}`;
const SHOWN = { Accept: "application/vnd.foveal.shown+json" };
let picture = null;
let crop = null; // as shares of the picture: left, top, right, bottom
const told = { like: [], unlike: [] };

function take([found]) {
  if (!found) return;
  picture = found.file;
  told.like = [];
  told.unlike = [];
  setCrop(null);
  $("#search").hidden = false;
  $("#cropper img").src = URL.createObjectURL(picture);
  search();
}

async function wish() {
  const form = $("#search").elements;
  const image = $("#cropper img");
  await image.decode();
  const [wide, high] = [image.naturalWidth, image.naturalHeight];
  const box = crop && [crop[0] * wide, crop[1] * high, crop[2] * wide, crop[3] * high].map(Math.round);
  return { k: Number(form.k.value) || 12, where: form.where.value.trim() || null, crop: box, ...told, base64: await toBase64(picture) };
}

function toBase64(file) {
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1]);
    reader.readAsDataURL(file);
  });
}

async function search() {
  const found = await api("POST", `${base}/find`, await wish(), SHOWN);
  const parts = [el("h2", {}, found.hits.length ? $("section[aria-label] #results").parentElement.getAttribute("aria-label") : t("nothing"))];
  if (found.reason) parts.push(el("p", { class: "soft" }, found.reason));
  parts.push(el("div", { class: "hits" }, ...found.hits.map((hit) => draw(hit))));
  if (found.others.length) parts.push(el("h3", { class: "soft" }, t("less")), el("div", { class: "hits" }, ...found.others.map((hit) => draw(hit))));
  $("#results").replaceChildren(...parts);
  $("#why").hidden = false;
  recommend((found.hits[0] ?? found.others[0])?.item);
}

async function recommend(item) {
  $("#recommended").hidden = true;
  if (!item) return;
  const found = await api("GET", `${base}/recommendations?k=6&liked=${encodeURIComponent(item)}`, undefined, SHOWN);
  $("#recommended .hits").replaceChildren(...found.hits.map((hit) => draw(hit, true)));
  $("#recommended").hidden = !found.hits.length;
}

function draw(hit, bare = false) {
  const columns = Object.entries(hit.columns).slice(0, 3).map(([name, value]) => `${name}: ${value}`).join(" · ");
  const sure = hit.probability == null ? t("similar", { value: hit.similarity.toFixed(2) }) : t("same", { share: percent(hit.probability) });
  const buttons = bare ? null : el("div", { class: "row tight" },
    el("button", { class: "small", onclick: () => tell("like", hit.item) }, t("more_like")),
    el("button", { class: "small quiet", onclick: () => tell("unlike", hit.item) }, t("not_this_item")));
  return el("article", { class: "hit" }, el("img", { src: hit.thumbnail || "/static/gallery.svg", alt: hit.item }),
    el("div", {}, el("p", {}, el("b", {}, hit.item.split("/").pop())), el("p", { class: "small soft" }, columns), bare ? null : el("p", { class: "small" }, sure), buttons));
}

function tell(how, item) {
  told[how].push(item);
  search();
}

// -- cropping by dragging

const cropper = $("#cropper");
let begun = null;

function place(event) {
  const area = $("img", cropper).getBoundingClientRect();
  const inside = (at, from, size) => Math.min(1, Math.max(0, (at - from) / size));
  return [inside(event.clientX, area.left, area.width), inside(event.clientY, area.top, area.height)];
}

function setCrop(box) {
  crop = box;
  const shown = $("#cropper .box");
  shown.hidden = !box;
  $("#crop-clear").hidden = !box;
  if (!box) return;
  const [left, top, right, bottom] = box.map((share) => `${100 * share}%`);
  Object.assign(shown.style, { left, top, right: `calc(100% - ${right})`, bottom: `calc(100% - ${bottom})` });
}

cropper?.addEventListener("pointerdown", (event) => {
  begun = place(event);
  cropper.setPointerCapture(event.pointerId);
  event.preventDefault();
});
cropper?.addEventListener("pointermove", (event) => {
  if (!begun) return;
  const [x, y] = place(event);
  setCrop([Math.min(x, begun[0]), Math.min(y, begun[1]), Math.max(x, begun[0]), Math.max(y, begun[1])]);
});
cropper?.addEventListener("pointerup", () => {
  begun = null;
  if (crop && (crop[2] - crop[0] < 0.03 || crop[3] - crop[1] < 0.03)) setCrop(null);
  else if (crop) search();
});
$("#crop-clear")?.addEventListener("click", () => { setCrop(null); search(); });
$("#search")?.addEventListener("submit", (event) => { event.preventDefault(); search(); });
$("#why")?.addEventListener("click", async () => {
  const { sheet } = await api("POST", `${base}/find?why`, await wish(), SHOWN);
  $("#sheet img").src = sheet;
  $("#sheet").showModal();
});
dropZone(take);
