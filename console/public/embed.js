// Kefu: for pages that are shown beside a conversation of the desk. See embed.d.ts for what it does and for its types.
//
//   <script src="https://<your desk>/embed.js"></script>
//   const kefu = KefuFrame.connect({ onSelected({ cid, uid, context }) { … } });
//   await kefu.sendCard({ title: "…", pagepath: "pages/order/order?id=8", thumbUrl: "https://…" });
(function () {
  "use strict";
  const script = document.currentScript;
  const scriptOrigin = script && script.src ? new URL(script.src).origin : null;
  const CARD = 26;
  const PATIENCE = 30000;

  /** An answer that a card was not sent. */
  class KefuError extends Error {
    constructor(answer) {
      super(answer.detail || answer.code);
      this.name = "KefuError";
      this.code = answer.code;
      this.errcode = answer.errcode;
      this.errors = answer.errors;
    }
  }

  function connect(options = {}) {
    const origin = options.origin || scriptOrigin;
    if (!origin) throw new Error("KefuFrame.connect: name the desk's `origin`");
    const query = new URLSearchParams(location.search);
    let selected = { cid: query.get("cid") || "", uid: query.get("uid") || "", context: query.get("context") || "" };
    const waiting = new Map();
    const contexts = [];
    let last = 0;

    const tell = (message) => window.parent.postMessage(message, origin);
    const call = (name, value) => typeof options[name] === "function" && options[name](value);

    function settle(answer) {
      const found = waiting.get(answer.requestId);
      if (!found) return;
      waiting.delete(answer.requestId);
      clearTimeout(found.timer);
      if (answer.type === "ack") found.resolve(answer);
      else found.reject(new KefuError(answer));
    }

    function onMessage(event) {
      // Messages of other windows and origins than the desk that shows this page are ignored.
      if (event.source !== window.parent || event.origin !== origin) return;
      const message = event.data;
      if (!message || typeof message !== "object") return;
      switch (message.type) {
        case "selected":
        case "context":
          selected = { cid: message.cid, uid: message.uid, context: message.context };
          for (const { resolve, timer } of contexts.splice(0)) {
            clearTimeout(timer);
            resolve(selected);
          }
          if (message.type === "selected") call("onSelected", selected);
          break;
        case "ack":
        case "error":
          settle(message);
          break;
        case "window":
          call("onWindow", { cid: message.cid, replies_left: message.replies_left, ends_at: message.ends_at });
          break;
        case "status":
          call("onStatus", message.status);
          break;
        case "closed":
          call("onClosed", message.cid);
          break;
      }
    }
    window.addEventListener("message", onMessage);

    return {
      get selected() {
        return selected;
      },
      sendCard(miniPage, requestId) {
        last += 1;
        const id = requestId || `${Date.now().toString(36)}-${last}-${Math.random().toString(36).slice(2, 10)}`;
        return new Promise((resolve, reject) => {
          const timer = setTimeout(() => {
            waiting.delete(id);
            reject(new KefuError({ code: "timeout", detail: "The desk did not answer: whether the card was sent is not known." }));
          }, PATIENCE);
          waiting.set(id, { resolve, reject, timer });
          tell({ cid: selected.cid, uid: selected.uid, msgType: CARD, miniPage, requestId: id });
        });
      },
      refreshContext() {
        return new Promise((resolve, reject) => {
          const asked = { resolve, reject };
          asked.timer = setTimeout(() => {
            contexts.splice(contexts.indexOf(asked), 1);
            reject(new KefuError({ code: "timeout", detail: "The desk did not answer." }));
          }, PATIENCE);
          contexts.push(asked);
          tell({ type: "context" });
        });
      },
      disconnect() {
        window.removeEventListener("message", onMessage);
        for (const { reject, timer } of [...waiting.values(), ...contexts.splice(0)]) {
          clearTimeout(timer);
          reject(new KefuError({ code: "disconnected", detail: "disconnected" }));
        }
        waiting.clear();
      },
    };
  }

  window.KefuFrame = { connect, KefuError };
})();
