const SECONDS = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const MINUTES = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const DAYS = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

const DAY_MS = 86_400_000;

/** Labels of a time axis: no finer than the distance of its ticks, and the day where it changes. */
export function timeTicks(splitsMs: readonly number[], incrementMs: number): string[] {
  return splitsMs.map((ms, i) => {
    if (incrementMs >= DAY_MS) return DAYS.format(ms);
    const previous = splitsMs[i - 1];
    if (previous !== undefined && new Date(ms).getDate() !== new Date(previous).getDate()) {
      return DAYS.format(ms);
    }
    return (incrementMs < 60_000 ? SECONDS : MINUTES).format(ms);
  });
}
