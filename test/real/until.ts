/**
 * Asks again and again until the answer is there, and fails with what it was waiting for when the time is
 * up. The only way in which tests of real processes wait: never for a fixed time.
 */
export async function until<T>(
  what: string,
  limitMs: number,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 50,
): Promise<T> {
  const started = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
    } catch (thrown) {
      last = thrown;
    }
    if (performance.now() - started > limitMs) {
      throw new Error(`waited ${limitMs} ms in vain for ${what}`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
