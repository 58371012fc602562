// The controls: the clock of the bundle, faults, and the pushes of the selected phone.
import { element } from "/phone/message.js";
import * as wechat from "/phone/wechat.js";
import { language, switchLanguage, t } from "/phone/words.js";

const $ = (id) => document.getElementById(id);
const SEND = "/cgi-bin/message/custom/send";
/** Name and what the simulator does; for the mini program of the selected phone. */
const FAULTS = {
  f_send_45015: { path: SEND, errcode: 45015 },
  f_send_45047: { path: SEND, errcode: 45047 },
  f_send_40001: { path: SEND, errcode: 40001 },
  f_send_busy: { path: SEND, errcode: -1 },
  f_send_lost: { path: SEND, break_off: "after" },
  // With its retries.
  f_push: { path: "push", status: 500, times: 4 },
};
const CLOCK = 30_000;

const full = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" });
const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** A length of time, in the two largest units that it has. */
function span(seconds) {
  const units = [["d", Math.floor(seconds / 86_400)], ["h", Math.floor((seconds % 86_400) / 3600)], ["m", Math.floor((seconds % 3600) / 60)]];
  return units.filter(([, n]) => n > 0).slice(0, 2).map(([unit, n]) => t(unit, { n })).join(" ");
}

/** Shows the controls. `showConsole` shows an address of the workbench. */
export function controls(showConsole) {
  let phone = null;
  let offset = 0;

  const say = (words) => { $("said").textContent = words; };

  function shown(clock) {
    offset = clock.offset_seconds;
    $("time").textContent = full.format(new Date(clock.now));
    $("time").dateTime = clock.now;
    $("ahead").textContent = offset ? t("ahead", { time: span(offset) }) : t("in_step");
  }

  const look = () => document.hidden || wechat.clock().then(shown).catch(() => {});

  async function move(to) {
    for (const button of $("steps").children) button.disabled = true;
    try {
      const moved = await wechat.setClock(to);
      shown(moved);
      say(t("moved", { n: moved.fired }));
    } catch (error) {
      say(error.message);
    } finally {
      for (const button of $("steps").children) button.disabled = false;
    }
  }

  for (const button of $("steps").children) {
    button.addEventListener("click", () => move(button.dataset.add ? offset + Number(button.dataset.add) : 0));
  }

  $("fault").replaceChildren(new Option(t("f_none"), ""), ...Object.keys(FAULTS).map((name) => new Option(t(name), name)));
  $("fault").addEventListener("change", async () => {
    const fault = FAULTS[$("fault").value];
    $("fault").value = "";
    if (!fault || !phone?.app) return;
    await wechat.addFault({ ...fault, app_id: phone.app.app_id }).then(() => say(t("fault_set")), (error) => say(error.message));
  });

  $("conversation").addEventListener("click", async () => {
    const url = phone?.app && (await wechat.conversation(phone.openid, phone.app.app_id).catch(() => null));
    if (url) showConsole(url);
    else say(t("no_conversation"));
  });

  $("language").addEventListener("click", switchLanguage);

  look();
  setInterval(look, CLOCK);

  function push({ msgtype, text, created_at: at, delivered, attempts }) {
    const kind = ["event", "text", "image", "miniprogrampage"].includes(msgtype) ? t(`k_${msgtype}`) : msgtype;
    const tries = (attempts ?? []).map(({ status, ms }) => `${status ?? "—"} · ${ms} ms`);
    const state = delivered === null ? t("under_way") : delivered ? tries.at(-1) ?? "" : [t("not_delivered"), ...tries].join(" · ");
    return element(
      "li",
      { className: delivered === false ? "failed" : "" },
      element("time", { dateTime: at, textContent: time.format(new Date(at)) }),
      element("bdi", { textContent: `${kind} ${text}`.slice(0, 80) }),
      element("span", { className: "state", textContent: state }),
    );
  }

  return {
    /** Shows what a phone has told. */
    show(news) {
      phone = news ?? null;
      const { app, left, pushes = [] } = news ?? {};
      const facts = app ? [app.name, t("push") + " " + (app.format ? t("enabled", { format: app.format.toUpperCase() }) : t("not_enabled"))] : [];
      if (left !== null && left !== undefined) facts.push(t("left", { n: left }));
      $("about").textContent = facts.join(" · ");
      $("pushes").replaceChildren(...pushes.slice(-50).reverse().map(push));
      $("pushes").hidden = pushes.length === 0;
      $("no-push").hidden = pushes.length > 0;
      $("conversation").disabled = !app;
    },
  };
}
