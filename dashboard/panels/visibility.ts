/** A click shows one series alone; a second one shows all again. */
export function isolate(
  keys: readonly string[],
  hidden: ReadonlySet<string>,
  key: string,
): ReadonlySet<string> {
  const others = keys.filter((other) => other !== key);
  const alone = !hidden.has(key) && others.every((other) => hidden.has(other));
  return alone ? new Set() : new Set(others);
}

/** A click with a modifier hides or shows one series; the last one cannot be hidden. */
export function toggle(
  keys: readonly string[],
  hidden: ReadonlySet<string>,
  key: string,
): ReadonlySet<string> {
  const next = new Set(hidden);
  if (!next.delete(key)) next.add(key);
  return keys.every((other) => next.has(other)) ? hidden : next;
}
