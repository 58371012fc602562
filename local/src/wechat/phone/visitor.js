// The visitors of this browser: one for each phone, kept under the number of the phone.

const NAMES = { 1: "小林", 2: "王磊", 3: "Emma" };
const key = (slot, name) => `phone.${slot}.${name}`;

export function newOpenid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `oPHONE${[...bytes].map((byte) => byte.toString(36).padStart(2, "0").slice(-2)).join("").slice(0, 22)}`;
}

export const get = (slot, name) => localStorage.getItem(key(slot, name));
export const set = (slot, name, value) => localStorage.setItem(key(slot, name), value);

export function forget(slot) {
  for (const name of ["openid", "nickname", "app_id", "button"]) localStorage.removeItem(key(slot, name));
}

/** The visitor of a phone, made at the first look. */
export function visitor(slot) {
  if (!get(slot, "openid")) set(slot, "openid", newOpenid());
  return { openid: get(slot, "openid"), nickname: get(slot, "nickname") ?? NAMES[slot] ?? `${NAMES[1]} ${slot}` };
}
