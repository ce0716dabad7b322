const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** `14:03:10`. */
export function clockText(ms: number): string {
  return CLOCK.format(ms);
}

/** `14:03:10` today, `21 Nov 14:03:10` on any other day. */
export function momentWords(ms: number, nowMs: number): string {
  const sameDay = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return sameDay ? clockText(ms) : `${DAY.format(ms)} ${clockText(ms)}`;
}

export function dayAndClock(ms: number): string {
  return `${DAY.format(ms)} ${clockText(ms)}`;
}
