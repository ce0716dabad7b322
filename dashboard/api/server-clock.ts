/** Less than this is the time an answer takes, not a clock that is wrong. */
const SKEW_MS_MIN = 2000;

let skewMs = 0;

/** Learns from an answer that carries the server's time how far the browser's clock is off. */
export function learnServerTime(serverMs: number): void {
  const offBy = serverMs - Date.now();
  skewMs = Math.abs(offBy) > SKEW_MS_MIN ? offBy : 0;
}

/** What the server's clock says now: ranges end there, and ages count from there. */
export function serverNow(): number {
  return Date.now() + skewMs;
}
