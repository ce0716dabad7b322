import { useSyncExternalStore } from 'react';

export type ThemeChoice = 'system' | 'dark' | 'light';
export type Theme = 'dark' | 'light';

const STORAGE_KEY = 'nephoscope.theme';
const CHOICES: readonly ThemeChoice[] = ['system', 'dark', 'light'];

const prefersLight = matchMedia('(prefers-color-scheme: light)');
const listeners = new Set<() => void>();
let choice = storedChoice();

/** The theme in force. Kept outside React so that the first paint already has it. */
function themeInForce(): Theme {
  if (choice !== 'system') return choice;
  return prefersLight.matches ? 'light' : 'dark';
}

function storedChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return CHOICES.find((known) => known === stored) ?? 'system';
  } catch {
    // A browser that keeps nothing follows the system.
    return 'system';
  }
}

function apply(): void {
  document.documentElement.dataset['theme'] = themeInForce();
  for (const listener of listeners) listener();
}

/** Called once before the first render. */
export function startTheme(): void {
  prefersLight.addEventListener('change', apply);
  apply();
}

export function chooseTheme(next: ThemeChoice): void {
  choice = next;
  try {
    localStorage.setItem(STORAGE_KEY, next);
  } catch {
    // The choice then lasts as long as the page.
  }
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): { readonly theme: Theme; readonly choice: ThemeChoice } {
  const theme = useSyncExternalStore(subscribe, themeInForce);
  const chosen = useSyncExternalStore(subscribe, () => choice);
  return { theme, choice: chosen };
}
