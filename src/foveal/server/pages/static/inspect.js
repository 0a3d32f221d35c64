// Inspect: how strict, what is watched, what was seen.
import { $, api, job, load, percent, say, t, workspace } from "/static/foveal.js";

const base = `/v1/workspaces/${workspace}`;
const points = JSON.parse($("#points")?.textContent || "[]");

function showPoint() {
  const point = points[$("#rate").value];
  const unknown = $("#unknown").textContent;
  $("#promised").textContent = percent(point.promised);
  $("#measured").textContent = percent(point.held_out ?? point.measured);
  $("#found").textContent = point.found == null ? unknown : percent(point.found);
  $("#rate").setAttribute("aria-valuetext", percent(point.promised));
}

if (points.length) {
  $("#rate").addEventListener("input", showPoint);
  showPoint();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const watch = button.closest("[data-watch]")?.dataset.watch;
  if (button.id === "use-rate") {
    await job(`${base}/false-alarms?rate=${points[$("#rate").value].promised}`, undefined, () => {}, "PUT");
    say(t("saved"));
  } else if (button.id === "measure") {
    await job(`${base}/evaluate`, {});
    location.reload();
  } else if (button.dataset.acknowledge) {
    await api("POST", `/v1/watches/${watch}/acknowledge`, { alerts: [Number(button.dataset.acknowledge)] });
    await load("#watches");
  } else if (button.dataset.running) {
    await api("PUT", `/v1/watches/${watch}/running?running=${button.dataset.running}`);
    await load("#watches");
  }
});

$("#new-watch")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { source, name } = event.target.elements;
  await api("POST", "/v1/watches", { workspace, source: source.value, name: name.value });
  event.target.reset();
  await load("#watches");
});

let faded = 0; // how far the map is faded in, kept while the part is loaded anew

function fade() {
  for (const heat of document.querySelectorAll(".now .heat")) heat.style.opacity = faded;
  for (const slider of document.querySelectorAll("[data-fade]")) slider.value = faded;
}

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-fade]")) return;
  faded = event.target.value;
  fade();
});

// The newest verdicts as they come, unless somebody is using the part with the keyboard.
setInterval(() => {
  const part = $("#watches");
  if (part && !document.hidden && !part.contains(document.activeElement)) load("#watches").then(fade, () => {});
}, 3000);
