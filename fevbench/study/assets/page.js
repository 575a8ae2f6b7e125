"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const study = JSON.parse($("study").textContent);
  const questions = new Map(study.questions.map((question) => [question.id, question]));
  const sides = ["left", "right"];
  // Less motion: nothing plays until it is asked to, and then once.
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const SHORT = 2; // seconds; clips up to here play twice
  const PAUSE = 400; // milliseconds between

  // A code may be given in the address (#rater=CODE); each has progress of its own.
  const given = /^#rater=([A-Za-z0-9_.-]{1,64})$/.exec(location.hash);
  const key = `fevbench-study-${study.study}${given ? `-${given[1]}` : ""}`;
  const fresh = () => ({ rater: given ? given[1] : code(), agreed: false, answers: [] });
  let state = load() || fresh();
  let order = orderFor(state.rater);

  function code() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function load() {
    try {
      const kept = JSON.parse(localStorage.getItem(key));
      const order = orderFor(kept.rater);
      const fits = kept.answers.every((answer, i) => i < order.length && answer.question === order[i].id);
      return fits ? kept : null;
    } catch {
      return null;
    }
  }

  function keep() {
    try {
      localStorage.setItem(key, JSON.stringify(state));
    } catch {
      alarm("This browser keeps nothing between visits. Answer all in one go, and save your answers before you close the page.");
    }
  }

  function alarm(text) {
    $("alarm").textContent = text;
    $("alarm").hidden = false;
  }

  // The same code sees the same order: FNV-1a of study and code seeds mulberry32.
  function randomOf(text) {
    let seed = 2166136261;
    for (const byte of new TextEncoder().encode(text)) seed = Math.imul(seed ^ byte, 16777619);
    return () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  function inRandomOrder(list, random) {
    const all = [...list];
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [all[i], all[j]] = [all[j], all[i]];
    }
    return all;
  }

  function orderFor(rater) {
    const random = randomOf(`${study.study}:${rater}`);
    const checks = inRandomOrder(study.checks, random);
    const pairs = inRandomOrder([...questions.keys()].filter((id) => !study.checks.includes(id)), random).slice(0, study.shown);
    // A check somewhere in each of equal parts, so that who stops early has met some.
    const places = checks.map((_, i) => Math.floor((pairs.length * (i + random())) / checks.length));
    const ids = [];
    for (let i = 0, next = 0; i <= pairs.length; i++) {
      while (next < checks.length && (places[next] <= i || i === pairs.length)) ids.push(checks[next++]);
      if (i < pairs.length) ids.push(pairs[i]);
    }
    return ids.map((id) => ({ id, left: random() < 0.5 ? "a" : "b" }));
  }

  function blob(index, type) {
    const bytes = Uint8Array.from(atob(study.media[index]), (letter) => letter.charCodeAt(0));
    return new Blob([bytes], { type });
  }

  let seen = false; // both were played to their end
  let begun = 0;
  let plays = 0; // still to come by themselves
  let waiting = 0; // for the pause between them
  const ended = new Set();

  function show(section) {
    for (const id of ["start", "ask", "end"]) $(id).hidden = id !== section;
  }

  function go() {
    clearTimeout(waiting);
    for (const side of sides) $(side).pause();
    if (!state.agreed) return show("start");
    if (state.answers.length === order.length) {
      show("end");
      $("saved").textContent = "";
      return $("thanks").focus();
    }
    show("ask");
    ask();
  }

  function ask() {
    const { id, left } = order[state.answers.length];
    const question = questions.get(id);
    const asked = study.question.includes("{label}") ? study.question : `${study.question} ({label})`;
    const words = asked.split("{label}").flatMap((part, i) => {
      if (!i) return [part];
      const label = document.createElement("strong");
      label.textContent = question.label;
      return [label, part];
    });
    $("question").replaceChildren(...words);
    $("count").textContent = `${state.answers.length + 1} of ${order.length}`;
    $("done").max = order.length;
    $("done").value = state.answers.length;
    $("back").hidden = !state.answers.length;
    $("face").src = `data:image/png;base64,${study.media[question.face]}`;
    seen = false;
    begun = 0;
    plays = calm.matches ? 0 : 1;
    choices(false);
    $("again-name").textContent = calm.matches ? "Play both" : "Play again";
    say(calm.matches ? "Press ↑ to play both videos." : "");
    const files = { left: question[left], right: question[left === "a" ? "b" : "a"] };
    const ready = new Set();
    for (const side of sides) {
      const video = $(side);
      if (video.src) URL.revokeObjectURL(video.src);
      video.oncanplay = () => {
        ready.add(side);
        video.oncanplay = null;
        if (ready.size === 2 && !calm.matches) play();
      };
      video.onerror = () => alarm("This browser cannot show the videos. Please use a current Firefox, Chrome, Edge or Safari.");
      video.onended = () => finished(side);
      video.src = URL.createObjectURL(blob(files[side], "video/mp4"));
      video.load();
    }
    $("question").focus({ preventScroll: true });
  }

  function play() {
    clearTimeout(waiting);
    ended.clear();
    begun ||= performance.now();
    for (const side of sides) {
      $(side).currentTime = 0;
      $(side).play().catch((error) => {
        if (error.name === "NotAllowedError") say("Press ↑ to play both videos.");
      });
    }
  }

  function finished(side) {
    ended.add(side);
    if (ended.size < 2) return;
    if (!seen) {
      seen = true;
      choices(true);
      say("Choose with the buttons or the arrow keys.");
      $("again-name").textContent = "Play again";
    }
    if (plays > 0 && $("left").duration <= SHORT) {
      plays--;
      waiting = setTimeout(play, PAUSE);
    }
  }

  function choices(open) {
    for (const button of document.querySelectorAll(".choice")) button.setAttribute("aria-disabled", String(!open));
  }

  function say(text) {
    $("status").textContent = text;
  }

  function choose(where) {
    if (!seen) return say("Watch both videos to their end first.");
    const { id, left } = order[state.answers.length];
    const other = left === "a" ? "b" : "a";
    const choice = { left, right: other, same: "same" }[where];
    state.answers.push({ question: id, left, choice, ms: Math.round(performance.now() - begun) });
    keep();
    go();
  }

  function undo() {
    state.answers.pop();
    keep();
    go();
  }

  function download() {
    const content = { format: study.format, study: study.study, rater: state.rater, answers: state.answers };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1) + "\n"], { type: "application/json" }));
    link.download = `answers-${state.rater.slice(0, 16)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    return link.download;
  }

  $("agree").onclick = () => {
    state.agreed = true;
    keep();
    go();
  };
  for (const button of document.querySelectorAll(".choice")) button.onclick = () => choose(button.dataset.choice);
  $("again").onclick = play;
  $("back").onclick = undo;
  $("undo").onclick = undo;
  $("save").onclick = () => say(`Saved as ${download()}. You can go on.`);
  $("download").onclick = () => {
    $("saved").textContent = `Saved as ${download()}, in your folder for downloads.`;
  };
  $("anew").onclick = () => {
    if (!confirm("Have you saved your answers? They are deleted from this browser.")) return;
    state = fresh();
    order = orderFor(state.rater);
    keep();
    go();
  };
  document.addEventListener("keydown", (event) => {
    if ($("ask").hidden || event.repeat || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const act = {
      ArrowLeft: () => choose("left"),
      ArrowRight: () => choose("right"),
      ArrowDown: () => choose("same"),
      ArrowUp: play,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  go();
})();
