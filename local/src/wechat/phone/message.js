// Renders a message. Its content becomes text nodes and validated URLs, never markup.
import { t } from "/phone/words.js";

export function element(name, props = {}, ...children) {
  const node = document.createElement(name);
  const { data, ...rest } = props;
  Object.assign(node, rest);
  Object.assign(node.dataset, data);
  node.append(...children);
  return node;
}

/** A URL that can be opened or shown, or null. */
export function address(text) {
  try {
    const url = new URL(text, location.origin);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

export function picture(source, alt, className) {
  const image = element("img", { alt, className, loading: "lazy" });
  const href = address(source);
  if (href) image.src = href;
  image.addEventListener("error", () => image.classList.add("broken"));
  return image;
}

const ANCHOR = /<a\s+([^>]*)>([\s\S]*?)<\/a>/gi;
const ATTRIBUTE = /([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ADDRESS = /https?:\/\/[^\s<>"'，。；：！？、）】》]+/g;

function link(href, words) {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer", textContent: words });
}

/** Text whose URLs are links. */
function* plain(text) {
  let from = 0;
  for (const found of text.matchAll(ADDRESS)) {
    yield text.slice(from, found.index);
    yield link(found[0], found[0]);
    from = found.index + found[0].length;
  }
  yield text.slice(from);
}

/** Text as WeChat shows it: URLs and `<a>` are links, the rest is plain text. */
function* rich(text) {
  let from = 0;
  for (const found of text.matchAll(ANCHOR)) {
    yield* plain(text.slice(from, found.index));
    const attributes = Object.fromEntries(
      [...found[1].matchAll(ATTRIBUTE)].map(([, name, double, single]) => [name.toLowerCase(), double ?? single]),
    );
    const path = attributes["data-miniprogram-path"];
    const href = attributes.href && /^https?:/i.test(attributes.href) ? address(attributes.href) : null;
    if (path) yield element("button", { type: "button", className: "in-text", textContent: found[2], data: { page: path } });
    else yield href ? link(href, found[2]) : found[0];
    from = found.index + found[0].length;
  }
  yield* plain(text.slice(from));
}

function card({ title, pagepath, thumb_url: thumb }, name) {
  return element(
    "button",
    { type: "button", className: "card", data: { page: pagepath }, title: pagepath },
    element("span", { className: "card-app" }, element("span", { className: "badge", textContent: name.slice(0, 1) }), name),
    element("span", { className: "card-title", textContent: title }),
    picture(thumb || "/phone/cover.png", "", "card-thumb"),
    element("span", { className: "card-foot", textContent: t("program") }),
  );
}

function page({ title, description, url, thumb_url: thumb }) {
  const node = link(address(url) ?? "#", "");
  node.className = "link-card";
  node.append(
    element("span", { className: "link-title", textContent: title }),
    element(
      "span",
      { className: "link-body" },
      element("span", { className: "link-words", textContent: description || url }),
      ...(thumb ? [picture(thumb, "", "link-thumb")] : []),
    ),
  );
  return node;
}

/** The bubble of a message, or null if the phone does not show it. */
export function bubble(item, name) {
  const content = item[item.msgtype];
  switch (item.msgtype) {
    case "text":
      return element("div", { className: "bubble" }, ...rich(content.content));
    case "image":
      return element("div", { className: "photo" }, picture(content.url, t("picture")));
    case "miniprogrampage":
      return card(content, name);
    case "link":
      return page(content);
    case "event":
      return null;
    default:
      return element("div", { className: "bubble other", textContent: `[${item.msgtype}]` });
  }
}
