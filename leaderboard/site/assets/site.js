// Everything here only adds to pages that can be read without it.
"use strict";

// Theme: what was chosen here before, or what the system asks for. Runs before the page is painted.
const root = document.documentElement;
root.classList.add("js");
const stored = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
if (stored === "dark" || stored === "light") root.dataset.theme = stored;

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const narrow = () => matchMedia("(max-width: 50rem)").matches;
const served = location.protocol.startsWith("http");

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

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

// ---- copying

async function copy(text, button) {
  const before = button.textContent;
  let said = "Copied";
  try { await navigator.clipboard.writeText(text); } catch { said = ""; }
  if (said) {
    button.textContent = said;
    setTimeout(() => { button.textContent = before; }, 1500);
  }
  return Boolean(said);
}

function setUpCopying() {
  // Where the site is published is known only when it is read there.
  const home = (element) => new URL(element.dataset.root || ".", location.href).href;
  if (served) {
    for (const span of all(".here")) {
      span.textContent = `  url          = {${home(span)}},\n`;
      span.hidden = false;
    }
    for (const span of all(".site")) span.textContent = home(span);
  }
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = document.getElementById(button.dataset.copy);
      if (!await copy(code.textContent, button)) { // not allowed from disk: select it instead
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
  }
  for (const button of all(".copy-link")) {
    button.addEventListener("click", async () => {
      if (!await copy(location.href, button)) button.textContent = "See the address bar";
    });
  }
}

// ---- state in the address: #name=value&name=value

const state = {
  read() {
    const text = location.hash.slice(1);
    return new URLSearchParams(text.includes("=") ? text : "");
  },
  write(changes) {
    const now = state.read();
    for (const [name, value] of Object.entries(changes)) {
      if (value) now.set(name, value);
      else now.delete(name);
    }
    const plain = (text) => encodeURIComponent(text).replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%20/g, "+");
    const text = [...now].map(([name, value]) => `${plain(name)}=${plain(value)}`).join("&");
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    carry(now);
  },
  list(name) { return (state.read().get(name) || "").split(",").filter(Boolean); },
};

// What was filtered and chosen goes along to the other views of a table.
function carry(now) {
  const kept = new URLSearchParams([...now].filter(([name]) => ["find", "kind", "data", "adapted", "models"].includes(name)));
  for (const link of all(".tabs a")) {
    const target = link.getAttribute("href").split("#")[0];
    link.setAttribute("href", String(kept) ? `${target}#${kept}` : target);
  }
}

function sayDead(lines = []) {
  const place = document.querySelector(".dead");
  const name = decodeURIComponent(location.hash.slice(1));
  const lost = name && !name.includes("=") && !document.getElementById(name);
  const said = [...(lost ? [`a part of this page called “${name}”`] : []), ...lines];
  place.hidden = said.length === 0;
  place.textContent = said.length ? `This link names something that is not here: ${said.join("; ")}. The rest is shown.` : "";
}

// ---- what opens beside a heading or a number

let pop = null;

function open(beside, label, ...content) {
  if (!pop) {
    pop = make("div", { className: "pop", popover: "auto", role: "dialog" });
    document.body.append(pop);
  }
  const close = make("button", { type: "button", className: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => pop.hidePopover());
  pop.setAttribute("aria-label", label);
  pop.replaceChildren(close, make("h3", {}, label), ...content);
  pop.showPopover();
  const at = beside.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = pop;
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const below = at.bottom + 6 + height <= innerHeight ? at.bottom + 6 : Math.max(8, at.top - height - 6);
  pop.style.left = `${left}px`;
  pop.style.top = `${below}px`;
  close.focus();
}

function facts(pairs) {
  const list = make("dl", { className: "facts" });
  for (const [name, value] of pairs) if (value) list.append(make("dt", {}, name), make("dd", {}, value));
  return list;
}

function openNumber(cell, link, head) {
  const row = cell.closest("tr");
  const name = row.dataset.name || "true clips";
  const { column } = cell.dataset;
  const { p } = cell.dataset;
  const said = (selector) => { const found = cell.querySelector(selector); return found ? found.title : ""; };
  const rank = cell.querySelector(".sr");
  const text = p === undefined ? "" : `${p}, after Holm's correction`;
  open(cell, `${name}: ${column}`, make("p", {}, head.dataset.title || ""), facts([
    ["value", link.textContent],
    ["95 % interval", cell.querySelector(".ci") ? cell.querySelector(".ci").textContent : ""],
    ["based on", cell.dataset.n || head.dataset.sample || ""],
    ["true clips", row.dataset.name ? head.dataset.true || "" : ""],
    ["rank", rank ? rank.textContent.replace("rank", "").trim() : ""],
    ["p against the best", text],
    ["significance", said(".alike")],
    ["note", said(".beyond")],
    ["this metric", head.dataset.note || ""],
  ]), make("p", { className: "links" },
    make("a", { href: link.getAttribute("href") }, "The file with this value"),
    ...(head.dataset.page ? [make("a", { href: head.dataset.page }, `What ${column} means`)] : [])));
}

// ---- a table

function setUpBoard(board) {
  const table = board.querySelector(".leaderboard");
  const tools = board.querySelector(".tools");
  const bodies = all("tbody.models, tbody.controls, tbody.published", table);
  const start = bodies.map((body) => all("tr.run", body));
  const rows = start.flat();
  const heads = new Map(all(".heads [data-column]", table).map((head) => [head.dataset.column, head]));
  const ones = all("[data-one]", tools);
  const field = (name) => tools.elements.namedItem(name);
  const picks = all(".pick input", table);
  const link = tools.querySelector(".compare-chosen");
  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());

  // Sorting: a button in each heading, and on narrow screens, which have no headings, a choice.
  const choice = make("select", { name: "sort" }, make("option", { value: "" }, "mean rank"));
  for (const [column, head] of heads) {
    if (column !== "mean rank") choice.append(make("option", { value: column }, column));
    setUpHead(head, column);
  }
  tools.prepend(make("label", { className: "sort-by" }, "Sort by ", choice));

  function setUpHead(head, column) {
    const name = head.querySelector(".head");
    const sort = make("button", { type: "button", className: "sort", "aria-label": `Sort by ${column}` });
    sort.addEventListener("click", () => {
      const now = state.read().get("sort") || "";
      state.write({ sort: now === column ? `${column}:worst` : now === `${column}:worst` ? "" : column });
      apply();
    });
    if (column === "model") { name.after(sort); return; }
    const button = make("button", { type: "button", className: "head-button", "aria-haspopup": "dialog" });
    button.append(...name.childNodes);
    button.addEventListener("click", () => {
      const order = (title, value) => {
        const one = make("button", { type: "button" }, title);
        one.addEventListener("click", () => { state.write({ sort: value }); apply(); pop.hidePopover(); });
        return one;
      };
      const share = make("button", { type: "button" }, "Copy link to this order");
      share.addEventListener("click", () => {
        state.write({ sort: column });
        apply();
        copy(location.href, share);
      });
      const words = head.classList.contains("words");
      open(head, column, make("p", {}, head.dataset.title || ""), facts([
        ["based on", head.dataset.sample || ""],
        ["true clips", head.dataset.true || ""],
        ["better", words ? "" : head.dataset.best === "descending" ? "higher" : "lower"],
        ["note", head.dataset.note || ""],
      ]), make("p", { className: "links" },
        order(words ? "A to Z ▲" : "Best first ▼", column), order(words ? "Z to A ▼" : "Worst first ▲", `${column}:worst`), share,
        ...(head.dataset.page ? [make("a", { href: head.dataset.page }, "Definition: what it means")] : [])));
    });
    name.replaceWith(button);
    button.after(sort);
  }

  // Each reads what the address asks for, and adds to `dead` what is not here.
  function sortBy(now, dead) {
    const [column, end] = (now.get("sort") || "").split(":");
    const head = heads.get(column);
    if (column && !head) dead.push(`a column “${column}” to sort by`);
    const best = head ? head.dataset.best || "ascending" : "";
    const other = best === "ascending" ? "descending" : "ascending";
    const direction = end === "worst" ? other : best;
    for (const [name, one] of heads) {
      const sort = one.querySelector(".sort");
      const here = head && name === column;
      if (here) one.setAttribute("aria-sort", direction);
      else one.removeAttribute("aria-sort");
      if (sort) sort.textContent = !here ? "▴▾" : direction === "ascending" ? "▲" : "▼";
    }
    choice.value = head ? column : "";
    bodies.forEach((body, i) => body.append(...(head ? sorted(start[i], column, direction) : start[i])));
  }

  function filter(now, dead) {
    const wanted = { find: (now.get("find") || "").trim().toLowerCase() };
    field("find").value = now.get("find") || "";
    for (const name of ["kind", "data", "adapted"]) {
      const value = now.get(name) || "";
      const known = [...field(name).options].some((option) => option.value === value);
      if (!known) dead.push(`${name} “${value}”`);
      wanted[name] = field(name).value = known ? value : "";
    }
    let shown = 0;
    for (const body of bodies) {
      let here = 0;
      for (const row of all("tr.run", body)) {
        const { name, kind, data, adapted } = row.dataset;
        row.hidden = !name.toLowerCase().includes(wanted.find)
          || (wanted.kind !== "" && kind !== wanted.kind) || (wanted.data !== "" && data !== wanted.data)
          || (wanted.adapted !== "" && (adapted !== undefined) !== (wanted.adapted === "yes"));
        here += !row.hidden;
      }
      const part = body.querySelector(".part");
      if (part) part.hidden = here === 0;
      if (!body.hidden) shown += here;
    }
    board.querySelector(".empty").hidden = shown > 0;
  }

  function showColumns(now, dead) {
    if (!ones.length) return;
    const presets = new Map(all("option[data-columns]", field("preset")).map((one) => [one.value, one.dataset.columns.split("|")]));
    const asked = now.get("columns") || (narrow() ? "headline" : "");
    let some = null;
    field("preset").value = "";
    if (presets.has(asked)) {
      some = new Set(presets.get(asked));
      field("preset").value = asked;
    } else if (asked) {
      const names = asked.split(",");
      const unknown = names.filter((name) => !heads.has(name));
      if (unknown.length) dead.push(`columns “${unknown.join(", ")}”`);
      some = new Set(names);
      if (unknown.length === names.length) some = null;
      else field("preset").value = "chosen";
    }
    let count = 0;
    const cells = new Map();
    for (const cell of all("[data-column]", table)) {
      if (!cells.has(cell.dataset.column)) cells.set(cell.dataset.column, []);
      cells.get(cell.dataset.column).push(cell);
    }
    for (const one of ones) {
      one.checked = !some || some.has(one.dataset.one);
      count += one.checked;
      for (const cell of cells.get(one.dataset.one) || []) cell.hidden = !one.checked;
    }
    for (const head of all("[data-group-head]", table)) {
      const of = head.dataset.groupHead.split("|").filter((name) => !some || some.has(name)).length;
      head.hidden = of === 0;
      head.colSpan = Math.max(1, of);
    }
    table.classList.toggle("many", count > 16); // as it is printed
  }

  function hide(now) {
    const hidden = (now.get("hide") || "").split(",");
    for (const box of all("[data-show]", tools)) {
      const { show } = box.dataset;
      box.checked = !hidden.includes(show);
      if (show === "intervals") table.classList.toggle("no-intervals", !box.checked);
      else { const body = table.querySelector(`tbody.${show}`); if (body) body.hidden = !box.checked; }
    }
  }

  function choose(dead) {
    const known = new Set(picks.map((pick) => pick.value));
    const asked = state.list("models");
    const missing = asked.filter((slug) => !known.has(slug));
    if (missing.length) dead.push(`model${missing.length > 1 ? "s" : ""} “${missing.join(", ")}”`);
    const chosen = asked.filter((slug) => known.has(slug));
    for (const pick of picks) {
      pick.checked = chosen.includes(pick.value);
      pick.disabled = !pick.checked && chosen.length >= 6;
      pick.closest("tr").classList.toggle("chosen", pick.checked);
    }
    link.hidden = chosen.length < 2;
    link.textContent = `Compare the clips of ${chosen.length} models`;
    link.href = `${board.dataset.compare}#models=${chosen.join(",")}`;
  }

  function apply() {
    const now = state.read();
    const dead = [];
    hide(now);
    showColumns(now, dead);
    filter(now, dead);
    sortBy(now, dead);
    choose(dead);
    sayDead(dead);
    carry(now);
  }

  tools.addEventListener("input", (event) => {
    if (event.target.name === "find") { state.write({ find: event.target.value }); apply(); }
  });
  tools.addEventListener("change", (event) => {
    const { one, show } = event.target.dataset;
    const { name, value } = event.target;
    if (["kind", "data", "adapted", "sort"].includes(name)) state.write({ [name]: value });
    else if (name === "preset") state.write({ columns: value });
    else if (one) {
      const names = ones.filter((box) => box.checked).map((box) => box.dataset.one);
      state.write({ columns: names.length === ones.length ? "" : names.join(",") || one });
    } else if (show) {
      state.write({ hide: all("[data-show]", tools).filter((box) => !box.checked).map((box) => box.dataset.show).join(",") });
    } else return;
    apply();
  });
  for (const pick of picks) {
    pick.addEventListener("change", () => {
      const before = state.list("models").filter((slug) => slug !== pick.value);
      state.write({ models: [...before, ...(pick.checked ? [pick.value] : [])].join(",") });
      apply();
    });
  }
  table.addEventListener("click", (event) => {
    const number = event.target.closest("td.number[data-column] > a");
    if (!number || event.ctrlKey || event.metaKey || event.shiftKey || number.closest("tbody.published")) return;
    const cell = number.parentElement;
    event.preventDefault();
    openNumber(cell, number, heads.get(cell.dataset.column));
  });
  const each = tools.querySelector(".each");
  if (each) {
    document.addEventListener("click", (event) => { if (!each.contains(event.target)) each.open = false; });
    each.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { each.open = false; each.querySelector("summary").focus(); }
    });
  }
  addEventListener("hashchange", apply);
  addEventListener("pageshow", apply); // browsers put back what was ticked, and not what a script made of it
  matchMedia("(max-width: 50rem)").addEventListener("change", apply);
  apply();
  return rows;
}

function sorted(rows, column, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const value = (row) => {
    const cell = row.querySelector(`[data-column="${CSS.escape(column)}"]`);
    if (!cell) return null;
    return cell.dataset.v !== undefined ? Number(cell.dataset.v) : cell.dataset.t !== undefined ? cell.dataset.t : null;
  };
  return [...rows].sort((a, b) => {
    if (column === "model") return sign * a.dataset.name.localeCompare(b.dataset.name, "en");
    const x = value(a), y = value(b);
    if (x === null || y === null) return (x === null) - (y === null); // without a number: last either way
    return sign * (typeof x === "string" ? x.localeCompare(y, "en") : x - y);
  });
}

// Which metrics are behind a number of the matrix: its bits are their places.
function setUpWins(box) {
  const metrics = box.dataset.metrics.split("|");
  const cells = all("td[data-m]", box).filter((cell) => cell.dataset.m !== "0");
  if (cells.length > 2000) return;
  const names = all("tbody th a", box).map((link) => link.textContent);
  for (const cell of cells) {
    const button = make("button", { type: "button" }, cell.textContent);
    cell.replaceChildren(button);
    button.addEventListener("click", () => {
      const bits = BigInt(`0x${cell.dataset.m}`);
      const which = metrics.filter((_, i) => (bits >> BigInt(i)) & 1n);
      const other = names[cell.cellIndex - 1];
      open(cell, `${cell.parentElement.querySelector("th a").textContent} is significantly better than ${other}`,
        make("p", {}, `In ${which.length} of ${metrics.length} metrics: ${which.join(", ")}.`));
    });
  }
}

// ---- clips

const loaded = new Map();

// From a web server a clip is loaded whole, so that jumping to a frame works with servers that know no ranges.
function playable(path) {
  if (!served) return Promise.resolve(path);
  if (!loaded.has(path)) {
    loaded.set(path, fetch(path).then((answer) => {
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return answer.blob();
    }).then((blob) => URL.createObjectURL(blob)));
  }
  return loaded.get(path);
}

function whenSeen(element, act) {
  const watcher = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { watcher.disconnect(); act(); }
  }, { rootMargin: "100px" });
  watcher.observe(element);
}

// The small clips of a table: loaded when they are seen, played while they are, all at the same frame.
function setUpThumbs() {
  const thumbs = all("video[data-clip]");
  const watcher = new IntersectionObserver((entries) => {
    for (const { target: video, isIntersecting: seen } of entries) {
      if (seen && !video.src) {
        playable(video.dataset.clip).then((url) => { video.src = `${url}#t=0.6`; if (!still()) play(video); }, () => {});
      } else if (!still() && seen) play(video);
      else video.pause();
    }
  });
  function play(video) {
    const other = thumbs.find((one) => one !== video && !one.paused);
    if (other) video.currentTime = other.currentTime;
    video.play().catch(() => { /* the browser may not want to */ });
  }
  for (const video of thumbs) watcher.observe(video);
}

class Player {
  // One clock for all videos of a section. It goes on to the next frame when every video shows the last one:
  // a slow machine plays slower, and never out of step.
  constructor(section) {
    this.section = section;
    this.frames = Number(section.dataset.frames);
    this.frame = 0;
    this.playing = false;
    this.videos = [];
    this.shown = () => {};
    this.play = section.querySelector(".play");
    this.scrub = section.querySelector(".scrub");
    this.output = section.querySelector(".frame");
    this.speed = section.querySelector(".speed");
    this.loop = section.querySelector(".loop");
    for (const video of all("video", section)) this.adopt(video);
    this.play.addEventListener("click", () => this.toggle());
    this.scrub.addEventListener("input", () => { this.stop(); this.show(Number(this.scrub.value)); });
    section.querySelector(".back").addEventListener("click", () => { this.stop(); this.step(-1); });
    section.querySelector(".forward").addEventListener("click", () => { this.stop(); this.step(1); });
    this.show(0);
  }

  adopt(video) {
    this.videos.push(video);
    video.controls = false;
    video.preload = "auto";
    // Some phones load no picture of a clip before its place is asked for.
    video.addEventListener("loadedmetadata", () => this.seek(video));
    video.addEventListener("seeked", () => { video.classList.remove("loading"); this.shown(); });
    for (const event of ["loadeddata", "error"]) video.addEventListener(event, () => this.loaded(video));
    const path = video.getAttribute("src");
    if (path) this.load(video, path);
  }

  load(video, path) {
    video.dataset.path = path;
    const none = video.closest("figure").querySelector(".none");
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
    if (this.frame === this.frames - 1 && !this.loop.checked) this.show(0);
    let last = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      const video = this.videos.find((one) => Number.isFinite(one.duration));
      const each = (1000 * (video ? video.duration : 1)) / this.frames / Number(this.speed.value);
      const end = this.frame === this.frames - 1;
      if (end && !this.loop.checked && !this.waiting()) { this.stop(); return; }
      // The last frame stands for a moment, so that one sees where a clip begins.
      if (now - last >= (end ? 5 * each : each) && !this.waiting()) {
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

function setUpKeys(player) {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    // What has the focus keeps the keys it uses itself: a button that was just clicked uses Space and no arrows.
    const spaces = event.target.closest("a, button, select, summary, input:not([type=range]), .scroll, pre");
    const arrows = event.target.closest("select, input:not([type=checkbox]), .scroll, pre");
    if (event.key === " " && !spaces) player.toggle();
    else if (event.key === "ArrowRight" && !arrows) { player.stop(); player.step(1); }
    else if (event.key === "ArrowLeft" && !arrows) { player.stop(); player.step(-1); }
    else return;
    event.preventDefault();
  });
}

// A run's values of all clips come as a script: a page that is opened from disk can load nothing else.
const values = new Map();
let valuesCame = () => {};
function clipValues(slug, of) { // called by values/*.js
  values.set(slug, of);
  valuesCame();
}

function setUpCompare(section) {
  const data = JSON.parse(document.getElementById("data").textContent);
  const place = section.querySelector(".clips");
  const shown = all("figure:not(.true)", place).map((figure) => figure.dataset.maker);
  place.replaceChildren();
  const player = new Player(section);
  const [subject, clip, metric, add, difference] = ["subject", "clip", "metric", "add", "difference"].map((id) => document.getElementById(id));
  const makers = new Map(data.makers.map((maker) => [maker.slug, maker]));
  const real = data.makers[0].slug;
  const figures = new Map();
  const least = Math.min(2, data.makers.length - 1);
  let at = 0;
  let chosen = [];
  let large = "";
  section.querySelector(".choose").hidden = false;
  section.querySelector(".hint").hidden = false;
  section.querySelector(".choose").addEventListener("submit", (event) => event.preventDefault());
  for (const name of [...new Set(data.clips.map((one) => one.subject))].sort()) {
    subject.append(new Option(name || "unknown", name));
  }

  function figureOf(slug) {
    if (figures.has(slug)) return figures.get(slug);
    const maker = makers.get(slug);
    const video = make("video", { muted: true, playsInline: true, width: 128, height: 128, "aria-label": maker.name });
    const canvas = make("canvas", { hidden: true });
    const shot = make("div", { className: "shot" }, video, canvas);
    const bigger = make("button", { type: "button", "aria-label": `Large view of ${maker.name}`, title: "large view" }, "⤢");
    const enlarge = () => { large = large === slug ? "" : slug; remember(); render(); };
    bigger.addEventListener("click", enlarge);
    shot.addEventListener("click", enlarge);
    const caption = make("figcaption");
    if (slug === real) caption.append(make("strong", {}, "true clip"));
    else {
      caption.append(make("a", { href: `../models/${maker.page}.html` }, maker.name));
      if (maker.tags) caption.append(" ", make("span", { className: "quiet" }, maker.tags));
    }
    caption.append(make("span", { className: "value" }), make("span", { className: "buttons" }, bigger));
    if (slug !== real) {
      const remove = make("button", { type: "button", className: "remove", "aria-label": `Remove ${maker.name}`, title: "remove" }, "×");
      remove.addEventListener("click", () => { chosen = chosen.filter((one) => one !== slug); remember(); render(); });
      caption.lastChild.append(remove);
    }
    const figure = make("figure", { "data-maker": slug }, shot, make("p", { className: "none", hidden: true }, "no clip"), caption);
    figure.classList.toggle("true", slug === real);
    const one = { figure, video, canvas, caption, path: null };
    figures.set(slug, one);
    return one;
  }

  function draw() {
    const [from, on] = [figures.get(real).video, difference.checked];
    for (const slug of chosen) {
      const { video, canvas } = figures.get(slug);
      canvas.hidden = !on || video.hidden || from.hidden;
      if (canvas.hidden || video.readyState < 2 || from.readyState < 2) continue;
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      const pen = canvas.getContext("2d");
      pen.drawImage(from, 0, 0, canvas.width, canvas.height);
      pen.globalCompositeOperation = "difference"; // amplified by the style sheet: no pixel is read, which disks forbid
      pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    }
  }

  function render() {
    const one = data.clips[at];
    subject.value = one.subject;
    clip.replaceChildren();
    data.clips.forEach((other, i) => {
      if (other.subject === one.subject) clip.append(new Option(other.label ? `${other.label} (${other.id})` : other.id, i));
    });
    clip.value = at;
    const slugs = [real, ...chosen];
    if (!slugs.includes(large)) large = "";
    place.replaceChildren(...slugs.map((slug) => figureOf(slug).figure));
    place.classList.toggle("enlarged", Boolean(large));
    player.videos = player.videos.filter((video) => slugs.some((slug) => figures.get(slug).video === video));
    for (const slug of slugs) {
      const { figure, video, path } = figures.get(slug);
      if (!player.videos.includes(video)) player.adopt(video);
      const wanted = (makers.get(slug).lacks || []).includes(at) ? "" : `${data.folder}/${slug}/${one.file}`;
      if (wanted !== path) { figures.get(slug).path = wanted; player.load(video, wanted); }
      figure.classList.toggle("large", slug === large || (Boolean(large) && slug === real));
      const remove = figure.querySelector(".remove");
      if (remove) remove.disabled = chosen.length <= least;
      if (slug !== real && !values.has(slug)) {
        values.set(slug, null);
        document.head.append(make("script", { src: `values/${slug}.js` }));
      }
    }
    add.replaceChildren(new Option(chosen.length >= data.most ? `at most ${data.most}` : "choose", ""));
    for (const maker of data.makers.slice(1)) if (!chosen.includes(maker.slug)) add.append(new Option(maker.name, maker.slug));
    add.disabled = chosen.length >= data.most || add.options.length < 2;
    section.querySelector(".now").textContent =
      `Clip ${one.id}${one.label ? `: ${one.label}` : ""}${one.subject ? `, subject ${one.subject}` : ""}`;
    showNumbers();
    draw();
  }

  function showNumbers() {
    for (const slug of chosen) {
      const of = values.get(slug);
      const some = of && of[metric.value];
      figures.get(slug).caption.querySelector(".value").textContent = some ? `${metric.value} ${some[at]}` : "";
    }
  }

  function remember() {
    state.write({
      clip: data.clips[at].id, metric: metric.value, models: chosen.join(",") === shown.join(",") ? "" : chosen.join(","),
      large, view: difference.checked ? "difference" : "",
    });
  }

  function apply() {
    const now = state.read();
    const dead = [];
    const found = data.clips.findIndex((one) => one.id === now.get("clip"));
    if (now.get("clip") && found < 0) dead.push(`a clip “${now.get("clip")}”`);
    at = found >= 0 ? found : data.first;
    if (now.get("metric") && !(now.get("metric") in data.metrics)) dead.push(`a metric “${now.get("metric")}”`);
    else if (now.get("metric")) metric.value = now.get("metric");
    const asked = state.list("models");
    const unknown = asked.filter((slug) => !makers.has(slug) || slug === real);
    if (unknown.length) dead.push(`clips of “${unknown.join(", ")}”`);
    chosen = asked.filter((slug) => !unknown.includes(slug)).slice(0, data.most);
    // One model alone is joined by the first others: there is something to compare.
    for (const slug of shown) if (chosen.length < (asked.length > unknown.length ? least : shown.length) && !chosen.includes(slug)) chosen.push(slug);
    large = now.get("large") || "";
    difference.checked = now.get("view") === "difference";
    sayDead(dead);
    carry(now);
    render();
  }

  const choose = (index) => { at = (index + data.clips.length) % data.clips.length; remember(); render(); };
  subject.addEventListener("change", () => {
    const { label } = data.clips[at];
    const of = data.clips.map((one, i) => [one, i]).filter(([one]) => one.subject === subject.value);
    choose((of.find(([one]) => one.label === label) || of[0])[1]);
  });
  clip.addEventListener("change", () => choose(Number(clip.value)));
  metric.addEventListener("change", () => { showNumbers(); remember(); });
  add.addEventListener("change", () => { if (add.value) { chosen.push(add.value); remember(); render(); } });
  difference.addEventListener("change", () => { remember(); draw(); });
  document.getElementById("previous").addEventListener("click", () => choose(at - 1));
  document.getElementById("next").addEventListener("click", () => choose(at + 1));
  addEventListener("hashchange", apply);
  valuesCame = showNumbers;
  player.shown = draw;
  apply();
  setUpKeys(player);
  if (!still()) player.start();
}

function setUpPictures(section) {
  const player = new Player(section);
  setUpKeys(player);
  if (!still()) player.start();
}

function setUpExamples(section) {
  let player = null;
  const ready = () => { player = player || new Player(section); return player; };
  whenSeen(section, ready);
  const table = section.parentElement.querySelector(".typical");
  for (const cell of all(".js", table)) cell.hidden = false;
  for (const button of all(".look", table)) {
    button.addEventListener("click", () => {
      const cells = all("td[data-made]", button.closest("tr"));
      ready();
      all("figure", section).forEach((figure, i) => {
        const [made, real] = figure.querySelectorAll("video");
        const { folder } = section.dataset;
        player.load(made, cells[i].dataset.made && folder + cells[i].dataset.made);
        player.load(real, cells[i].dataset.true && folder + cells[i].dataset.true);
        figure.querySelector(".caption").textContent = cells[i].dataset.caption;
      });
      section.scrollIntoView({ block: "nearest", behavior: still() ? "auto" : "smooth" });
      if (!still()) player.start();
    });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  setUpTheme();
  setUpCopying();
  for (const tab of all(".tabs [aria-current]")) tab.closest("ul").scrollLeft = tab.offsetLeft - 60; // on phones
  sayDead();
  addEventListener("hashchange", () => sayDead()); // tables and clips say more
  all(".board").forEach(setUpBoard);
  all("[data-metrics]").forEach(setUpWins);
  setUpThumbs();
  all("#compare").forEach(setUpCompare);
  all(".pictures").forEach(setUpPictures);
  all(".examples").forEach(setUpExamples);
});
