import styles from './sparkline.module.css';

const WIDTH = 120;
const HEIGHT = 30;

/** A small line without axes; decoration beside a number that says the same. A gap stays a gap. */
export function Sparkline({
  values,
  max,
}: {
  readonly values: readonly (number | null)[];
  readonly max: number;
}) {
  return (
    <svg
      className={styles['spark']}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden
    >
      <path
        className={styles['line']}
        d={sparkPath(values, max)}
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}

function sparkPath(values: readonly (number | null)[], max: number): string {
  const stride = WIDTH / Math.max(values.length - 1, 1);
  let path = '';
  let drawing = false;
  values.forEach((value, i) => {
    if (value === null) {
      drawing = false;
      return;
    }
    const y = HEIGHT - 2 - (Math.min(value, max) / max) * (HEIGHT - 4);
    path += `${drawing ? 'L' : 'M'}${(i * stride).toFixed(1)} ${y.toFixed(1)}`;
    drawing = true;
  });
  return path;
}
