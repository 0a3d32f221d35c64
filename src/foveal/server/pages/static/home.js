import { $$, api } from "/static/foveal.js";

for (const form of $$(".new-workspace")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = form.elements.name.value.trim();
    await api("POST", "/v1/workspaces", { name, kind: form.dataset.kind });
    location.href = `/w/${name}/teach`;
  });
}
