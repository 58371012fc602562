// The only place that calls the API.
import createClient from "openapi-fetch";
import { end, token } from "@/app/session";
import { setServerTime } from "@/app/clock";
import { wellFormed } from "@/desk/text";
import type { paths } from "../../generated/schema";

/** Why a call has no result. */
export interface Refusal {
  /** `network`: no answer came; `signed_out`: the token is not valid any more; `api`: the server refused. */
  kind: "network" | "signed_out" | "api";
  /** The API's code, if the answer has one. */
  code?: string;
  status?: number;
  /** The server's own sentence, in English. */
  detail?: string;
  errcode?: number;
  errors?: { field: string; detail: string }[];
  assignee?: { agent_id: string; name: string };
  /** The message that was kept as failed. */
  message_id?: string;
}

/** The result of a call: never an exception. */
export type Answer<T> = { ok: true; data: T; status: number } | { ok: false; refusal: Refusal };

const LONGEST_CALL = 30_000;

/** API Gateway's authorizer refuses with a message and no code; the API's own refusals have a code, those of a proxy neither. */
function isOfAuthorizer(body: unknown): boolean {
  const { code, message } = (body ?? {}) as { code?: unknown; message?: unknown };
  return code === undefined && typeof message === "string";
}

async function isSignedOut(response: Response): Promise<boolean> {
  if (response.status === 401) return true;
  if (response.status !== 403) return false;
  return isOfAuthorizer(await response.clone().json().catch(() => null));
}

/** Sends a request with a bearer token. The session ends if the server does not accept it any more. */
async function guardedFetch(request: Request, bearer: string | null): Promise<Response> {
  if (bearer) request.headers.set("authorization", `Bearer ${bearer}`);
  const response = await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(LONGEST_CALL)]) });
  const date = Date.parse(response.headers.get("date") ?? "");
  // The header has whole seconds: it only replaces a clock that is far off. `now` in answers is exact.
  if (Number.isFinite(date)) coarseTime(date);
  if (bearer && (await isSignedOut(response)) && token.value === bearer) end(true);
  return response;
}

let exact = false;
function coarseTime(date: number) {
  if (!exact) setServerTime(date + 500);
}

/** Reads `now` of an answer, which is exact. */
function exactTime(body: unknown) {
  const now = (body as { now?: unknown } | null)?.now;
  if (typeof now !== "string") return;
  exact = true;
  setServerTime(now);
}

/** JSON that the server takes: a lone surrogate, as in a pasted text that was cut, becomes the replacement character. */
const toJson = (body: unknown): string => JSON.stringify(body, (_, value: unknown) => (typeof value === "string" ? wellFormed(value) : value));

/** The typed client of the described API. */
export const api = createClient<paths>({ baseUrl: "/", bodySerializer: toJson, fetch: (request: Request) => guardedFetch(request, token.value) });

function refusalOf(status: number, error: unknown): Refusal {
  if (status === 401 || (status === 403 && isOfAuthorizer(error))) {
    return { kind: "signed_out", status };
  }
  const problem = typeof error === "object" && error !== null ? (error as Omit<Refusal, "kind" | "status">) : {};
  return { ...problem, kind: "api", status };
}

/** The result of a call of `api`. */
export async function ask<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<Answer<T>> {
  try {
    const { data, error, response } = await call;
    if (!response.ok) return { ok: false, refusal: refusalOf(response.status, error) };
    exactTime(data);
    return { ok: true, data: data as T, status: response.status };
  } catch {
    return { ok: false, refusal: { kind: "network" } };
  }
}

/** Calls an operation by its path. `by`: another token than that of the session, or none. */
export async function call<T>(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  options: { query?: Record<string, string | number | undefined>; body?: unknown; raw?: Blob; headers?: Record<string, string>; by?: string | null } = {},
): Promise<Answer<T>> {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(options.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
  const headers: Record<string, string> = { ...options.headers };
  const json = options.body === undefined ? undefined : toJson(options.body);
  if (json !== undefined) headers["content-type"] = "application/json";
  if (options.raw) headers["content-type"] = options.raw.type;
  try {
    const bearer = options.by === undefined ? token.value : null;
    if (options.by) headers.authorization = `Bearer ${options.by}`;
    const response = await guardedFetch(new Request(url, { method, headers, body: json ?? options.raw }), bearer);
    const text = await response.text();
    const body: unknown = text === "" ? null : JSON.parse(text);
    if (!response.ok) return { ok: false, refusal: refusalOf(response.status, body) };
    exactTime(body);
    return { ok: true, data: body as T, status: response.status };
  } catch {
    return { ok: false, refusal: { kind: "network" } };
  }
}

/** Reads a file, which is no JSON. */
export async function download(path: string): Promise<Answer<Blob>> {
  try {
    const response = await guardedFetch(new Request(new URL(path, location.origin)), token.value);
    if (response.ok) return { ok: true, data: await response.blob(), status: response.status };
    return { ok: false, refusal: refusalOf(response.status, await response.json().catch(() => null)) };
  } catch {
    return { ok: false, refusal: { kind: "network" } };
  }
}
