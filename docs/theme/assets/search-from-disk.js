// Browsers refuse workers on file: addresses. There the script of the search's worker runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      const waiting = [];
      this.postMessage = (data) => waiting.push(data);
      frame.hidden = true;
      frame.srcdoc = "<body></body>";
      frame.onload = () => {
        const inner = frame.contentWindow;
        inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        const script = inner.document.createElement("script");
        script.src = new URL(address, location.href).href;
        script.onload = () => {
          this.postMessage = (data) => inner.dispatchEvent(new inner.MessageEvent("message", { data }));
          waiting.forEach(this.postMessage);
        };
        inner.document.body.append(script);
      };
      document.body.append(frame);
    }
  };
}
