// Lists what a registry holds, by the registry's own HTTP API. No dependency, no build.
"use strict";

const WORDS = {
  en: { images: "images", empty: "The registry answers and holds no image yet.", tag: "tag",
        digest: "digest", size: "size", reload: "Refresh", remove: "Delete", open: "Open",
        sure: "Delete this image from the registry?", denied: "The registry asks for a user name and a password.",
        silent: "The registry does not answer." },
  fr: { images: "images", empty: "Le registre répond et ne contient encore aucune image.", tag: "étiquette",
        digest: "empreinte", size: "taille", reload: "Actualiser", remove: "Supprimer", open: "Ouvrir",
        sure: "Supprimer cette image du registre ?", denied: "Le registre demande un nom et un mot de passe.",
        silent: "Le registre ne répond pas." },
};
const language = (navigator.language || "en").startsWith("fr") ? "fr" : "en";
const words = WORDS[language];
const INDEXES = ["application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json"];
const MANIFESTS = ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"];

const at = (id) => document.getElementById(id);
let settings = {};

function element(name, text = "", parent = null) {
  const made = document.createElement(name);
  made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function human(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let index = 0;
  while (bytes >= 1024 && index < units.length - 1) { bytes /= 1024; index += 1; }
  return `${bytes.toFixed(index && bytes < 10 ? 1 : 0)} ${units[index]}`;
}

async function ask(path, options = {}) {
  const url = `${settings.registry}/v2/${path}`;
  let answer;
  try {
    answer = await fetch(url, { credentials: settings.registry ? "include" : "same-origin", cache: "no-store", ...options });
  } catch (error) {
    throw new Error(`${words.silent} (${error.message})`);
  }
  if (answer.status === 401) throw new Error(words.denied);
  if (answer.status >= 500) throw new Error(`${words.silent} (HTTP ${answer.status})`);
  if (!answer.ok) throw Object.assign(new Error(`HTTP ${answer.status}: ${url}`), { status: answer.status });
  return answer;
}

// All pages of a list: the registry says where the next one is in a Link header.
async function all(path, key) {
  const found = [];
  while (path) {
    const answer = await ask(path);
    found.push(...((await answer.json())[key] || []));
    const next = /<[^>]*\/v2\/([^>]+)>;\s*rel="?next/.exec(answer.headers.get("Link") || "");
    path = next ? next[1] : "";
  }
  return found;
}

async function manifest(repository, reference) {
  const answer = await ask(`${repository}/manifests/${reference}`, { headers: { Accept: [...MANIFESTS, ...INDEXES].join(", ") } });
  const body = await answer.json();
  return { body, digest: answer.headers.get("Docker-Content-Digest") || "" };
}

async function describe(repository, tag) {
  const { body, digest } = await manifest(repository, tag);
  let image = body;
  if (body.manifests && body.manifests.length) image = (await manifest(repository, body.manifests[0].digest)).body;
  const size = [image.config, ...(image.layers || [])].reduce((sum, part) => sum + ((part && part.size) || 0), 0);
  return { digest, size };
}

async function remove(repository, digest) {
  if (!confirm(words.sure)) return;
  try {
    await ask(`${repository}/manifests/${digest}`, { method: "DELETE" });
  } catch (error) {
    fail(error);
    return;
  }
  show();
}

function row(repository, tag, table) {
  const line = element("tr", "", table);
  element("td", tag, line);
  const digest = element("code", "…", element("td", "", line));
  const size = element("td", "", line);
  size.className = "size";
  describe(repository, tag).then((image) => {
    digest.textContent = image.digest;
    size.textContent = human(image.size);
    if (settings.delete !== "true" || !image.digest) return;
    const button = element("button", words.remove, element("td", "", line));
    button.className = "delete";
    button.onclick = () => remove(repository, image.digest);
  }).catch((error) => { digest.textContent = error.message; });
}

async function repositoryBlock(repository) {
  const block = document.createElement("details");
  block.open = true;
  const summary = element("summary", repository, block);
  let tags = [];
  try {
    tags = await all(`${repository}/tags/list?n=500`, "tags");
  } catch (error) {
    if (error.status !== 404) throw error;  // its last tag was deleted
  }
  summary.textContent = `${repository} (${tags.length})`;
  const table = element("table", "", block);
  const head = element("tr", "", table);
  const titles = [words.tag, words.digest, words.size];
  if (settings.delete === "true") titles.push("");
  for (const title of titles) element("th", title, head);
  for (const tag of tags.sort()) row(repository, tag, table);
  return block;
}

function fail(error) {
  at("error").textContent = error.message;
  at("error").hidden = false;
}

async function show() {
  at("error").hidden = true;
  try {
    const repositories = await all("_catalog?n=500", "repositories");
    const blocks = await Promise.all(repositories.map(repositoryBlock));
    at("list").replaceChildren(...blocks);
    at("count").textContent = `${repositories.length} ${words.images}`;
    if (!repositories.length) element("p", words.empty, at("list"));
  } catch (error) {
    at("list").replaceChildren();  // a list of before would be a lie
    at("count").textContent = "";
    fail(error);
  }
}

async function start() {
  document.documentElement.lang = language;
  settings = await (await fetch("config.json", { cache: "no-store" })).json();
  document.title = settings.title;
  at("title").textContent = settings.title;
  at("reload").textContent = words.reload;
  at("reload").onclick = show;
  if (settings.single === "false") {
    at("choose").hidden = false;
    at("choose").querySelector("button").textContent = words.open;
    at("choose").onsubmit = (event) => {
      event.preventDefault();
      settings.registry = at("registry").value.replace(/\/+$/, "");
      show();
    };
  }
  show();
}

start();
