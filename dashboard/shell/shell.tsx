import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { BellRing, CircleHelp, Monitor, Moon, Sun } from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { messageOf } from '../../model/failure.ts';
import { HelpDialog } from './help.tsx';
import { useShortcuts } from './shortcuts.ts';
import styles from './shell.module.css';
import { chooseTheme, useTheme } from './theme.ts';
import type { ThemeChoice } from './theme.ts';
import { useAlerts } from './queries.ts';

export function Shell() {
  const help = useRef<HTMLDialogElement>(null);
  useShortcuts(() => help.current?.showModal());
  useFocusOnNavigation();
  return (
    <>
      <a className={styles['skip']} href="#main">
        Skip to content
      </a>
      <header className={styles['bar']}>
        <Link to="/" className={styles['brand']} aria-label="Nephoscope: fleet">
          <Logo />
          <span className={styles['word']}>Nephoscope</span>
        </Link>
        <nav className={styles['nav']} aria-label="Pages">
          <Link
            to="/"
            className={styles['link']}
            activeOptions={{ exact: true, includeSearch: false }}
          >
            Fleet
          </Link>
          <AlertsLink />
        </nav>
        <div className={styles['tools']}>
          <ThemeButton />
          <button
            type="button"
            className={styles['tool']}
            aria-label="Help and keyboard shortcuts"
            title="Help (?)"
            onClick={() => help.current?.showModal()}
          >
            <CircleHelp size={17} aria-hidden />
          </button>
        </div>
      </header>
      <main id="main" className={styles['main']} tabIndex={-1}>
        <Outlet />
      </main>
      <HelpDialog ref={help} />
    </>
  );
}

/** A new page starts at its content for those who go by keyboard or ear. */
function useFocusOnNavigation(): void {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const known = useRef(path);
  useEffect(() => {
    if (known.current !== undefined && known.current !== path) {
      document.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true });
    }
    known.current = path;
  }, [path]);
}

function AlertsLink() {
  const firing = (useAlerts().data ?? []).filter((alert) => alert.state === 'firing').length;
  return (
    <Link to="/alerts" className={styles['link']}>
      Alerts
      {firing > 0 && (
        <span className={styles['count']}>
          <BellRing size={12} aria-hidden /> {firing}
          <span className="visually-hidden"> firing</span>
        </span>
      )}
    </Link>
  );
}

const THEMES: Readonly<
  Record<
    ThemeChoice,
    { readonly next: ThemeChoice; readonly icon: ReactNode; readonly label: string }
  >
> = {
  system: { next: 'light', icon: <Monitor size={17} aria-hidden />, label: 'as the system' },
  light: { next: 'dark', icon: <Sun size={17} aria-hidden />, label: 'light' },
  dark: { next: 'system', icon: <Moon size={17} aria-hidden />, label: 'dark' },
};

function ThemeButton() {
  const { choice } = useTheme();
  const { next, icon, label } = THEMES[choice];
  return (
    <button
      type="button"
      className={styles['tool']}
      aria-label={`Theme: ${label}. Change to ${THEMES[next].label}`}
      title={`Theme: ${label}`}
      onClick={() => chooseTheme(next)}
    >
      {icon}
    </button>
  );
}

function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden>
      <circle cx="16" cy="16" r="13" fill="none" stroke="currentColor" strokeWidth="2.5" />
      <path
        d="M7 18.5h4.5l2.6-8 4.4 12 2.6-7H25"
        fill="none"
        stroke="currentColor"
        strokeWidth="2.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

export function Missing() {
  return (
    <div className={styles['notice']}>
      <h1>There is no such page</h1>
      <p>
        The address may be mistyped. <Link to="/">Go to the fleet</Link>
      </p>
    </div>
  );
}

export function Crash({ error }: ErrorComponentProps) {
  return (
    <div className={styles['notice']} role="alert">
      <h1>This page failed</h1>
      <p>{messageOf(error)}</p>
      <button type="button" onClick={() => location.reload()}>
        Load it again
      </button>
    </div>
  );
}
