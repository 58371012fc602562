// What agents have written but not sent, by conversation, in the browser's own database: it survives a reload, and the
// tabs share it. Where the database is not available (a private window), drafts live as long as the page.
const NAME = "kefu";
const STORE = "drafts";

/** An unsent text. */
export interface Draft {
  text: string;
  /** Texts whose request had no answer yet, with the keys under which they were sent. */
  sending?: { key: string; text: string }[];
}

let database: Promise<IDBDatabase | null> | undefined;

function open(): Promise<IDBDatabase | null> {
  database ??= new Promise((resolve) => {
    if (typeof indexedDB === "undefined") return resolve(null);
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(null);
    request.onblocked = () => resolve(null);
  });
  return database;
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  const opened = await open();
  if (!opened) return undefined;
  return new Promise((resolve) => {
    const request = work(opened.transaction(STORE, mode).objectStore(STORE));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(undefined);
  });
}

/** All drafts of a caller by conversation. */
export async function readDrafts(who: string): Promise<Map<string, Draft>> {
  const range = IDBKeyRange?.bound(`${who} `, `${who} \uffff`);
  const keys = (await run("readonly", (store) => store.getAllKeys(range))) ?? [];
  const values = (await run<Draft[]>("readonly", (store) => store.getAll(range))) ?? [];
  return new Map(keys.map((key, index) => [String(key).slice(who.length + 1), values[index]!]));
}

/** Keeps a draft, or forgets it if it is empty. */
export async function saveDraft(who: string, cid: string, draft: Draft): Promise<void> {
  const key = `${who} ${cid}`;
  const empty = draft.text === "" && !draft.sending?.length;
  await run<unknown>("readwrite", (store) => (empty ? store.delete(key) : store.put(JSON.parse(JSON.stringify(draft)), key)) as IDBRequest<unknown>);
}

/** Forgets all drafts, when the agent signs out. */
export async function forgetDrafts(): Promise<void> {
  await run("readwrite", (store) => store.clear());
}
