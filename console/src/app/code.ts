// The sign-in code of the address. Imported before the router, which reads the address when it is made.

function take(): string | null {
  const code = /^#sign-in=([\w.~-]{1,512})$/.exec(location.hash)?.[1] ?? null;
  // The code leaves the address and the browser's history.
  if (location.hash.startsWith("#sign-in")) history.replaceState(null, "", location.pathname + location.search);
  return code;
}

/** The code that the page was opened with, if it was. */
export const code = take();
