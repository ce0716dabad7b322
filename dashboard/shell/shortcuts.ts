import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';

/** Elements that a key leads to say so with `data-shortcut`; a page without one ignores the key. */
const FOCUS_KEYS: ReadonlySet<string> = new Set(['/', 't']);

/** How long after `g` the second key may come. */
const CHORD_MS = 1200;

export const SHORTCUTS: readonly (readonly [keys: readonly string[], action: string])[] = [
  [['/'], 'filter the list'],
  [['t'], 'choose the time range'],
  [['Esc'], 'undo a zoom, close what is open'],
  [['g', 'f'], 'go to the fleet'],
  [['g', 'a'], 'go to the alerts'],
  [['?'], 'this help'],
];

export function useShortcuts(openHelp: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    let chordMs = -Infinity;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      const chord = event.timeStamp - chordMs < CHORD_MS;
      chordMs = event.key === 'g' ? event.timeStamp : -Infinity;
      if (chord && event.key === 'f') void navigate({ to: '/' });
      else if (chord && event.key === 'a') void navigate({ to: '/alerts' });
      else if (event.key === '?') openHelp();
      else if (FOCUS_KEYS.has(event.key) && follow(event.key)) event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  });
}

function follow(key: string): boolean {
  const target = document.querySelector<HTMLElement>(`[data-shortcut="${key}"]`);
  if (!target) return false;
  target.focus();
  if (target instanceof HTMLButtonElement) target.click();
  if (target instanceof HTMLInputElement) target.select();
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  );
}
