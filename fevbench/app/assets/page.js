// All clips begin at once and rest on their last frame, so that the six of each model and all models are in step.
window.fevbench = (() => {
  const REST = 700; // milliseconds on the last frame, where the expression is at its height
  const SOON = 100; // milliseconds until clips that were not loaded are looked at again
  let plays = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  let timer = 0;

  function begin() {
    clearTimeout(timer);
    const videos = [...document.querySelectorAll("table.sheet video")];
    const areLoaded = videos.every((video) => video.readyState >= 2);
    for (const video of areLoaded ? videos : [])
      if (plays) {
        video.currentTime = 0;
        video.play();
      } else {
        video.pause();
        video.currentTime = video.duration;
      }
    const longest = Math.max(0, ...videos.map((video) => video.duration || 0));
    timer = setTimeout(begin, areLoaded ? 1000 * longest + REST : SOON);
  }

  function toggle() {
    plays = !plays;
    begin();
    return label();
  }

  const label = () => (plays ? "Pause" : "Play");
  begin();
  return { toggle, label };
})();
