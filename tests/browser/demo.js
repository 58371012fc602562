// The demo of a bundle of its own, opened in Chromium, for measurements and pictures.
import { chromium } from "playwright-core";

import { startBundle } from "./bundle.js";

export const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const APP = "wxde30000000000001";

/** Calls `use` with a bundle, its browser and its visitors, and ends them. */
export async function withDemo(use) {
  const bundle = await startBundle();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
  try {
    await use({ bundle, browser, visitor: (name) => visitor(bundle, name) });
  } finally {
    await browser.close();
    await bundle.stop();
  }
}

/** The address that signs in to the workbench alone. */
export const workbench = (bundle) => `${bundle.api}/${new URL(bundle.address()).hash}`;

/** A visitor of the demo. */
function visitor(bundle, name) {
  const openid = `oDEMO-${Buffer.from(name).toString("hex").slice(0, 20)}`;
  const path = `${bundle.phone}/sim/visitors/${openid}`;
  const act = async (action, body) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${path}/${action}`, { method: "POST", headers, body: JSON.stringify({ app_id: APP, ...body }) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  return {
    openid,
    enters: (more = "") => act("enter", { session_from: `sobot|${name}||${more}` }),
    says: (content) => act("text", { content }),
    acts: act,
    /** The chat after a revision, as soon as there is a later one. */
    async chat(after) {
      const query = new URLSearchParams({ app_id: APP, ...(after === undefined ? {} : { after, wait_ms: 20_000 }) });
      return (await fetch(`${path}/messages?${query}`)).json();
    },
  };
}
