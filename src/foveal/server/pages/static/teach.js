// Teach: pictures in, progress, figures, findings, classes.
import { $, $$, api, dropZone, job, kind, load, say, showProgress, t, workspace } from "/static/foveal.js";

const base = `/v1/workspaces/${workspace}`;
const AT_ONCE = 8; // pictures of one request
let running = null;

async function take(found) {
  const zips = found.filter(({ file }) => /\.zip$/i.test(file.name));
  const pictures = found.filter(({ file }) => !/\.zip$/i.test(file.name) && !file.name.startsWith("."));
  const loose = $("#label")?.value.trim() || "";
  if (pictures.length) await upload(pictures, loose);
  for (const { file } of zips) await unpack(file, loose);
  await load("#waiting");
}

function labelOf(one, loose) {
  if (kind === "inspector") return loose === "good" && /^(bad|defect|broken|damaged)/i.test(one.label) ? one.label : loose;
  return one.label || loose || (kind === "gallery" ? "pictures" : "");
}

async function upload(pictures, loose) {
  if (pictures.some((one) => !labelOf(one, loose))) {
    say(t("no_label"));
    $("#label").focus();
    return;
  }
  const state = $("#upload-state");
  const tell = { done: 0, refused: [], known: 0 };
  state.hidden = false;
  const parts = [];
  for (let i = 0; i < pictures.length; i += AT_ONCE) parts.push(pictures.slice(i, i + AT_ONCE));
  const send = async () => {
    for (let part = parts.shift(); part; part = parts.shift()) {
      await sendPart(part, loose, tell);
      $("progress", state).value = tell.done / pictures.length;
      $("span", state).textContent = t("uploading", { done: tell.done, total: pictures.length });
      if (tell.done % (AT_ONCE * 6) === 0) load("#waiting");
    }
  };
  await Promise.all([send(), send()]);
  state.hidden = true;
  if (tell.known) say(t("known", { n: tell.known }));
  if (tell.refused.length) {
    const { name, reason } = tell.refused[0];
    say(`${t("refused", { n: tell.refused.length })}. ${name}: ${reason}`);
  }
}

async function sendPart(part, loose, tell) {
  const form = new FormData();
  for (const one of part) {
    form.append("file", one.file, one.file.name);
    form.append("label", labelOf(one, loose));
  }
  const { files } = await api("POST", `${base}/pictures`, form);
  tell.done += part.length;
  tell.known += files.filter((one) => one.state === "known").length;
  tell.refused.push(...files.filter((one) => one.state === "refused"));
}

async function unpack(file, loose) {
  const query = loose ? `?label=${encodeURIComponent(loose)}` : "";
  const result = await job(`${base}/zips${query}`, file, (found) => showProgress($("#job"), (running = found)));
  if (result.refused.length) say(t("refused", { n: result.refused.length }));
}

async function teach() {
  const given = $("#single")?.checked ? { single: true } : {};
  await watchJob(job(`${base}/teach`, given, (found) => showProgress($("#job"), (running = found))));
  await load("#waiting");
  $("#figures").scrollIntoView();
}

async function watchJob(promise) {
  try {
    await promise;
  } finally {
    $("#job").hidden = true;
    await load("#figures");
  }
}

const change = (path, given) => watchJob(job(`${base}${path}`, given, (found) => showProgress($("#job"), (running = found))));
const measure = () => change("/evaluate", {});

async function forget(id) {
  if (!confirm(t("sure_delete"))) return;
  await job(`${base}/forget`, { values: [id] });
  say(t("forgotten"));
  await measure();
}

// What is clicked, by the data of the button.
const clicks = {
  remove: async (id) => {
    await api("DELETE", `${base}/pictures/${id}`);
    await load("#waiting");
  },
  fixDo: async (id, button) => {
    const label = $("select", button.parentElement).value;
    await job(`${base}/correct`, { pictures: [Number(id)], label });
    say(t("corrected"));
    await measure();
  },
  forget,
  keep: async (finding, button) => {
    await api("POST", `/w/${workspace}/teach/keep/${finding}`);
    button.closest(".finding").remove();
  },
  show: async (label) => {
    $("#of-class").innerHTML = await api("GET", `/w/${workspace}/teach/class?label=${encodeURIComponent(label)}`);
    $("#of-class").scrollIntoView({ block: "nearest" });
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "teach") teach();
  else if (button.id === "measure") measure();
  else if (button.id === "cancel" && running) api("POST", `/v1/jobs/${running.id}/cancel`);
  else for (const [name, act] of Object.entries(clicks)) if (name in button.dataset) act(button.dataset[name], button);
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".rename");
  if (!form) return;
  event.preventDefault();
  const [old, name] = [form.dataset.old, form.elements.new.value.trim()];
  const others = $$(".rename").map((one) => one.dataset.old);
  if (!name || name === old || (others.includes(name) && !confirm(t("merge", { old, new: name })))) return;
  await job(`${base}/classes`, { names: { [old]: name } });
  say(t("renamed"));
  await measure();
});

dropZone(take);
