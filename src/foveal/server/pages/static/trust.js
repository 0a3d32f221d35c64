// Trust: checks and the model card.
import { $, $$, api, el, job, t } from "/static/foveal.js";

function outcome(root, problems) {
  const parts = problems.length
    ? [el("p", { class: "notice bad" }, t("problems", { n: problems.length })), el("ul", {}, ...problems.map((one) => el("li", {}, one)))]
    : [el("p", { class: "notice" }, t("checked"))];
  root.replaceChildren(...parts);
}

function facts(card) {
  const rows = Object.entries(card).filter(([, value]) => value !== null && typeof value !== "object");
  const lists = Object.entries(card).filter(([, value]) => Array.isArray(value) && value.length && typeof value[0] !== "object");
  const classes = Object.entries(card.classes ?? {}).map(([label, n]) => `${label} (${n})`).join(", ");
  const told = [...rows, ...lists.map(([key, value]) => [key, value.join("; ")]), ...(classes ? [["classes", classes]] : [])];
  return el("dl", { class: "facts" }, ...told.flatMap(([key, value]) => [el("dt", {}, key.replaceAll("_", " ")), el("dd", {}, String(value))]));
}

for (const proof of $$(".proof")) {
  const base = `/v1/workspaces/${proof.dataset.of}`;
  const shown = $(".outcome", proof);
  $("[data-verify]", proof)?.addEventListener("click", async () => outcome(shown, (await job(`${base}/verify`)).problems));
  $("[data-card]", proof)?.addEventListener("click", async () => shown.replaceChildren(facts((await job(`${base}/card`)).card)));
}
$("#verify-log").addEventListener("click", async () => outcome($("#log-outcome"), (await api("POST", "/v1/log/verify")).problems));
