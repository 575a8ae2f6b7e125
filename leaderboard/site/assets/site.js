// Everything here only adds to pages that can be read without it.
"use strict";

// Theme: what was chosen here before, or what the system asks for. Runs before the page is painted.
const root = document.documentElement;
const stored = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
if (stored === "dark" || stored === "light") root.dataset.theme = stored;

function setUpTheme() {
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* a page from disk may not store */ }
    label();
  });
  system.addEventListener("change", label);
  label();
}

function setUpCopying() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch { // not allowed from disk: select it instead
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
  }
}

// ---- the table

function setUpBoard(board) {
  const table = board.querySelector(".leaderboard");
  const tools = board.querySelector(".tools");
  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  setUpSorting(table);

  const empty = board.querySelector(".empty");
  const search = tools.querySelector("input[type=search]");
  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    let shown = 0;
    for (const body of table.querySelectorAll("tbody.models, tbody.controls, tbody.published")) {
      let here = 0;
      for (const row of body.querySelectorAll("tr.run")) {
        row.hidden = !row.dataset.name.toLowerCase().includes(wanted);
        here += !row.hidden;
      }
      body.querySelector(".part").hidden = here === 0;
      if (!body.hidden) shown += here;
    }
    empty.hidden = shown > 0;
  };
  search.addEventListener("input", filter);

  const ones = [...tools.querySelectorAll("[data-one]")];
  const showColumns = () => {
    table.classList.toggle("many", ones.filter((one) => one.checked).length > 16); // as it is printed
    for (const one of ones) {
      for (const cell of table.querySelectorAll(`[data-column="${CSS.escape(one.dataset.one)}"]`)) {
        cell.hidden = !one.checked;
      }
    }
    for (const box of tools.querySelectorAll("[data-group]")) {
      const of = ones.filter((one) => one.dataset.of === box.dataset.group);
      const count = of.filter((one) => one.checked).length;
      box.checked = count > 0;
      box.indeterminate = count > 0 && count < of.length;
      const head = table.querySelector(`[data-group-head="${box.dataset.group}"]`);
      head.hidden = count === 0;
      head.colSpan = Math.max(1, count);
    }
  };
  tools.addEventListener("change", (event) => {
    const { group, one, show } = event.target.dataset;
    if (group) for (const box of ones) if (box.dataset.of === group) box.checked = event.target.checked;
    if (group || one) showColumns();
    if (show === "intervals") table.classList.toggle("no-intervals", !event.target.checked);
    else if (show) { table.querySelector(`tbody.${show}`).hidden = !event.target.checked; filter(); }
  });
  const each = tools.querySelector(".each");
  document.addEventListener("click", (event) => { if (!each.contains(event.target)) each.open = false; });
  each.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { each.open = false; each.querySelector("summary").focus(); }
  });
}

function setUpSorting(table) {
  const bodies = [...table.querySelectorAll("tbody.models, tbody.controls, tbody.published")];
  const start = bodies.map((body) => [...body.querySelectorAll("tr.run")]);
  for (const head of table.querySelectorAll(".heads th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "head-button";
    button.append(...head.querySelector(".head").childNodes);
    head.querySelector(".head").replaceWith(button);
    const first = head.dataset.best || "ascending"; // the best at the top
    const second = first === "ascending" ? "descending" : "ascending";
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const next = now === null ? first : now === first ? second : null; // and at last the order of the start
      for (const other of table.querySelectorAll(".heads th")) other.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      bodies.forEach((body, i) => {
        const rows = next ? sorted(start[i], head.dataset.column, next) : start[i];
        body.append(...rows);
      });
    });
  }
}

function sorted(rows, column, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const value = (row) => {
    const cell = row.querySelector(`[data-column="${CSS.escape(column)}"]`);
    return cell && cell.dataset.v !== undefined ? Number(cell.dataset.v) : null;
  };
  return [...rows].sort((a, b) => {
    if (column === "model") return sign * a.dataset.name.localeCompare(b.dataset.name, "en");
    const x = value(a), y = value(b);
    if (x === null || y === null) return (x === null) - (y === null); // without a number: last either way
    return sign * (x - y);
  });
}

// ---- clips in step

const loaded = new Map();

// From a web server a clip is loaded whole, so that jumping to a frame works with servers that know no ranges.
function playable(path) {
  if (!location.protocol.startsWith("http")) return Promise.resolve(path);
  if (!loaded.has(path)) {
    loaded.set(path, fetch(path).then((answer) => {
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return answer.blob();
    }).then((blob) => URL.createObjectURL(blob)));
  }
  return loaded.get(path);
}

class Player {
  // One clock for all videos of a section. It goes on to the next frame when every video shows the last one:
  // a slow machine plays slower, and never out of step.
  constructor(section) {
    this.section = section;
    this.frames = Number(section.dataset.frames);
    this.frame = 0;
    this.playing = false;
    this.videos = [...section.querySelectorAll("video")];
    this.play = section.querySelector(".play");
    this.scrub = section.querySelector(".scrub");
    this.output = section.querySelector(".frame");
    this.speed = section.querySelector(".speed");
    for (const video of this.videos) {
      video.controls = false;
      // Some phones load no picture of a clip before its place is asked for.
      video.addEventListener("loadedmetadata", () => this.seek(video));
      video.addEventListener("seeked", () => video.classList.remove("loading"));
      for (const event of ["loadeddata", "error"]) video.addEventListener(event, () => this.loaded(video));
      const path = video.getAttribute("src");
      if (path) this.load(video, path);
    }
    this.play.addEventListener("click", () => this.toggle());
    this.scrub.addEventListener("input", () => { this.stop(); this.show(Number(this.scrub.value)); });
    section.querySelector(".back").addEventListener("click", () => { this.stop(); this.step(-1); });
    section.querySelector(".forward").addEventListener("click", () => { this.stop(); this.step(1); });
    this.show(0);
  }

  load(video, path) {
    video.dataset.path = path;
    const none = video.parentElement.querySelector(".none");
    video.hidden = !path && Boolean(none);
    if (none) none.hidden = Boolean(path);
    video.classList.toggle("loading", Boolean(path)); // until then it shows the clip before, whose numbers are gone
    if (!path) { video.removeAttribute("src"); video.load(); return; }
    playable(path).then((url) => {
      if (video.dataset.path !== path) return; // another one was asked for meanwhile
      if (video.getAttribute("src") !== url) video.src = url;
      else if (video.error || video.readyState >= 2) this.loaded(video);
    }, () => { if (video.dataset.path === path) this.load(video, ""); });
  }

  loaded(video) {
    video.classList.remove("loading");
    if (video.error) this.section.querySelector(".unplayable").hidden = false;
    else this.seek(video);
  }

  seek(video) {
    if (video.readyState >= 1 && Number.isFinite(video.duration)) {
      video.currentTime = ((this.frame + 0.5) / this.frames) * video.duration; // the middle of the frame
    }
  }

  show(frame) {
    this.frame = (frame + this.frames) % this.frames;
    this.scrub.value = this.frame;
    this.scrub.setAttribute("aria-valuetext", `frame ${this.frame + 1} of ${this.frames}`);
    this.output.textContent = `${this.frame + 1} / ${this.frames}`;
    for (const video of this.videos) this.seek(video);
  }

  step(by) { this.show(this.frame + by); }

  waiting() {
    return this.videos.some((video) => video.dataset.path && !video.error
      && (video.classList.contains("loading") || video.seeking || video.readyState < 2));
  }

  start() {
    if (this.playing) return;
    this.playing = true;
    this.play.textContent = "Pause";
    this.play.setAttribute("aria-pressed", "true");
    let last = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      const video = this.videos.find((one) => Number.isFinite(one.duration));
      const each = (1000 * (video ? video.duration : 1)) / this.frames / Number(this.speed.value);
      // The last frame stands for a moment, so that one sees where a clip begins.
      if (now - last >= (this.frame === this.frames - 1 ? 5 * each : each) && !this.waiting()) {
        last = now;
        this.step(1);
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  stop() {
    this.playing = false;
    this.play.textContent = "Play";
    this.play.setAttribute("aria-pressed", "false");
  }

  toggle() { if (this.playing) this.stop(); else this.start(); }
}

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function setUpKeys(player) {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    // What has the focus keeps the keys it uses itself: a button that was just clicked uses Space and no arrows.
    const spaces = event.target.closest("a, button, select, summary, input:not([type=range]), .box, .scroll, pre");
    const arrows = event.target.closest("select, input, .box, .scroll, pre");
    if (event.key === " " && !spaces) player.toggle();
    else if (event.key === "ArrowRight" && !arrows) { player.stop(); player.step(1); }
    else if (event.key === "ArrowLeft" && !arrows) { player.stop(); player.step(-1); }
    else return;
    event.preventDefault();
  });
}

function setUpCompare(section) {
  const data = JSON.parse(document.getElementById("data").textContent);
  const player = new Player(section);
  const [person, clip, metric] = ["person", "clip", "metric"].map((id) => document.getElementById(id));
  const figures = data.makers.map((maker) => section.querySelector(`figure[data-maker="${CSS.escape(maker.slug)}"]`));
  section.querySelector(".choose").hidden = false;
  section.querySelector(".hint").hidden = false;
  section.querySelector(".choose").addEventListener("submit", (event) => event.preventDefault());
  for (const name of [...new Set(data.clips.map((one) => one.person))].sort()) {
    person.append(new Option(name || "unknown", name));
  }
  const wanted = new URLSearchParams(location.hash.slice(1));
  let at = Math.max(0, data.clips.findIndex((one) => one.id === wanted.get("clip")));
  if (wanted.get("metric") in data.metrics) metric.value = wanted.get("metric");

  const listClips = () => {
    clip.replaceChildren();
    data.clips.forEach((one, i) => {
      if (one.person === data.clips[at].person) clip.append(new Option(one.label ? `${one.label} (${one.id})` : one.id, i));
    });
  };
  const showNumbers = () => {
    const about = data.metrics[metric.value];
    data.makers.forEach((maker, i) => {
      const values = about && about.values[maker.slug];
      figures[i].querySelector(".value").textContent = values ? `${metric.value} ${values[at]}` : "";
    });
  };
  const show = (index) => {
    at = (index + data.clips.length) % data.clips.length;
    const one = data.clips[at];
    person.value = one.person;
    listClips();
    clip.value = at;
    data.makers.forEach((maker, i) => {
      player.load(player.videos[i], maker.has[at] ? `${data.folder}/${maker.slug}/${one.file}` : "");
    });
    section.querySelector(".now").textContent =
      `Clip ${one.id}${one.label ? `: ${one.label}` : ""}${one.person ? `, person ${one.person}` : ""}`;
    showNumbers();
    remember();
  };
  const remember = () => {
    if (location.hash.startsWith("#breakdown")) return;
    const state = new URLSearchParams({ clip: data.clips[at].id, metric: metric.value });
    history.replaceState(null, "", `#${state}`);
  };
  person.addEventListener("change", () => {
    const label = data.clips[at].label;
    const of = data.clips.map((one, i) => [one, i]).filter(([one]) => one.person === person.value);
    show((of.find(([one]) => one.label === label) || of[0])[1]);
  });
  clip.addEventListener("change", () => show(Number(clip.value)));
  metric.addEventListener("change", () => { showNumbers(); remember(); });
  document.getElementById("previous").addEventListener("click", () => show(at - 1));
  document.getElementById("next").addEventListener("click", () => show(at + 1));
  show(at);
  setUpKeys(player);
  if (!still()) player.start();
}

function setUpExamples(section) {
  const player = new Player(section);
  for (const cell of document.querySelectorAll(".typical .js")) cell.hidden = false;
  const table = section.parentElement.querySelector(".typical");
  for (const button of table.querySelectorAll(".look")) {
    button.addEventListener("click", () => {
      const cells = [...button.closest("tr").querySelectorAll("td[data-made]")];
      section.querySelectorAll("figure").forEach((figure, i) => {
        const [made, real] = figure.querySelectorAll("video");
        const folder = section.dataset.folder;
        player.load(made, cells[i].dataset.made && folder + cells[i].dataset.made);
        player.load(real, cells[i].dataset.true && folder + cells[i].dataset.true);
        figure.querySelector(".caption").textContent = cells[i].dataset.caption;
      });
      section.scrollIntoView({ block: "nearest", behavior: still() ? "auto" : "smooth" });
      if (!still()) player.start();
    });
  }
}

function setUpBreakdown(section) {
  const choice = document.getElementById("breakdown-metric");
  choice.closest("form").hidden = false;
  const parts = [...section.querySelectorAll(".one")];
  const show = () => { for (const part of parts) part.hidden = part.dataset.metric !== choice.value; };
  const asked = parts.find((part) => `#${part.id}` === location.hash);
  if (asked) choice.value = asked.dataset.metric;
  choice.addEventListener("change", show);
  show();
  if (asked) asked.scrollIntoView();
}

document.addEventListener("DOMContentLoaded", () => {
  setUpTheme();
  setUpCopying();
  document.querySelectorAll(".board").forEach(setUpBoard);
  document.querySelectorAll("#compare").forEach(setUpCompare);
  document.querySelectorAll(".examples").forEach(setUpExamples);
  document.querySelectorAll("#breakdown").forEach(setUpBreakdown);
});
