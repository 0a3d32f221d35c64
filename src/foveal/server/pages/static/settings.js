// Settings: keys, people, keeping, targets.
import { $, api, el, say, t } from "/static/foveal.js";

function on(selector, act) {
  $(selector)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    await act(new FormData(event.target));
  });
}

const once = (root, text, secret) => $(root).replaceChildren(el("p", {}, text), el("p", { class: "once" }, secret));

on("#new-key", async (form) => {
  const given = { name: form.get("name"), scopes: form.getAll("scopes"), days: Number(form.get("days")) || null };
  once("#shown-once", t("key_once"), (await api("POST", "/v1/keys", given)).key);
});
on("#new-user", async (form) => {
  await api("POST", "/v1/users", Object.fromEntries(form));
  location.reload();
});
on("#choices", async (form) => {
  await api("PATCH", "/v1/settings", { looked_days: Number(form.get("looked_days")), keep_metadata: form.has("keep_metadata") });
  say(t("saved"));
});
on("#new-target", async (form) => {
  const { secret } = await api("POST", "/v1/targets", Object.fromEntries(form));
  if (secret) once("#secret-once", t("secret_once"), secret);
  else location.reload();
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-delete]");
  if (!button) return;
  await api("DELETE", button.dataset.delete);
  button.closest("li").remove();
});
