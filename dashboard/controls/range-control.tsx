import { ChevronDown, ChevronLeft, ChevronRight, Play, ZoomOut } from 'lucide-react';
import { useId, useRef, useState } from 'react';
import type { ReactNode, SubmitEvent, ToggleEvent } from 'react';
import { serverNow } from '../api/server-clock.ts';
import {
  between,
  equalRanges,
  isLive,
  lastMs,
  rangeLabel,
  resolveRange,
  shifted,
  widened,
  SPAN_MS_MIN,
} from '../time/range.ts';
import type { TimeRange } from '../time/range.ts';
import { localText, parseLocal } from '../time/local.ts';
import styles from './range-control.module.css';

const MINUTE = 60_000;
const PRESETS = [5, 15, 60, 6 * 60, 24 * 60, 7 * 24 * 60].map((minutes) =>
  lastMs(minutes * MINUTE),
);

interface RangeControlProps {
  readonly range: TimeRange;
  readonly onChange: (range: TimeRange) => void;
}

/** Chooses what time all charts of the page show. */
export function RangeControl({ range, onChange }: RangeControlProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const choose = (next: TimeRange): void => {
    box.current?.hidePopover();
    onChange(next);
  };
  const onToggle = (event: ToggleEvent<HTMLDivElement>): void => {
    setOpen(event.newState === 'open');
    if (event.newState === 'open') placeBelow(box.current!, button.current!);
  };
  return (
    <div className={styles['control']} role="group" aria-label="Time range">
      <Side label="Earlier" onClick={() => onChange(shifted(range, serverNow(), -1))}>
        <ChevronLeft size={16} aria-hidden />
      </Side>
      <button
        ref={button}
        type="button"
        className={styles['current']}
        popoverTarget={id}
        aria-expanded={open}
        aria-keyshortcuts="t"
        data-shortcut="t"
      >
        {rangeLabel(range, serverNow())}
        <ChevronDown size={15} aria-hidden />
      </button>
      <Side
        label="Later"
        disabled={isLive(range)}
        onClick={() => onChange(shifted(range, serverNow(), 1))}
      >
        <ChevronRight size={16} aria-hidden />
      </Side>
      <Side label="Twice the range" onClick={() => onChange(widened(range, serverNow()))}>
        <ZoomOut size={16} aria-hidden />
      </Side>
      {!isLive(range) && (
        <button
          type="button"
          className={styles['live']}
          onClick={() => onChange(lastMs(15 * MINUTE))}
        >
          <Play size={13} aria-hidden /> Go live
        </button>
      )}
      <div
        ref={box}
        id={id}
        popover="auto"
        role="dialog"
        aria-label="Choose a time range"
        className={styles['box']}
        onToggle={onToggle}
      >
        <Presets range={range} onChoose={choose} />
        {open && <Absolute range={range} onChoose={choose} />}
      </div>
    </div>
  );
}

function Side({
  label,
  disabled = false,
  onClick,
  children,
}: {
  readonly label: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}) {
  return (
    <button
      type="button"
      className={styles['side']}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

function placeBelow(box: HTMLElement, button: HTMLElement): void {
  const anchor = button.getBoundingClientRect();
  const left = Math.min(anchor.left, document.documentElement.clientWidth - box.offsetWidth - 8);
  box.style.left = `${Math.max(8, left)}px`;
  box.style.top = `${anchor.bottom + 6}px`;
}

interface ChoiceProps {
  readonly range: TimeRange;
  readonly onChoose: (range: TimeRange) => void;
}

function Presets({ range, onChoose }: ChoiceProps) {
  return (
    <ul className={styles['presets']} aria-label="Following now">
      {PRESETS.map((preset) => (
        <li key={rangeLabel(preset, 0)}>
          <button
            type="button"
            aria-pressed={equalRanges(preset, range)}
            onClick={() => onChoose(preset)}
          >
            {rangeLabel(preset, 0)}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Absolute({ range, onChoose }: ChoiceProps) {
  const span = resolveRange(range, serverNow());
  const [from, setFrom] = useState(() => localText(span.fromMs));
  const [to, setTo] = useState(() => localText(span.toMs));
  const [problem, setProblem] = useState('');
  const apply = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const [fromMs, toMs] = [parseLocal(from), parseLocal(to)];
    if (fromMs === undefined || toMs === undefined) setProblem('Fill in both dates.');
    else if (toMs - fromMs < SPAN_MS_MIN)
      setProblem('The end must be at least 5 s after the start.');
    else onChoose(between(fromMs, toMs));
  };
  return (
    <form className={styles['absolute']} onSubmit={apply}>
      <label>
        From
        <input
          type="datetime-local"
          step="1"
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
      </label>
      <label>
        To
        <input
          type="datetime-local"
          step="1"
          value={to}
          onChange={(event) => setTo(event.target.value)}
        />
      </label>
      {problem !== '' && (
        <p className={styles['problem']} role="alert">
          {problem}
        </p>
      )}
      <button type="submit" className={styles['apply']}>
        Show this range
      </button>
    </form>
  );
}
