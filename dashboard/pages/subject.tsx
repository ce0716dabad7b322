import { Link } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';
import styles from './subject.module.css';

/** The head of a page about one host or instance: where it is, its name, and its facts. */
export function Subject({
  path,
  name,
  mark,
  facts,
}: {
  readonly path?: ReactNode;
  readonly name: string;
  readonly mark?: ReactNode;
  readonly facts: readonly (readonly [label: string, value: ReactNode])[];
}) {
  return (
    <>
      <nav className={styles['path']} aria-label="Breadcrumb">
        <Link to="/">Fleet</Link>
        <ChevronRight size={13} aria-hidden />
        {path}
      </nav>
      <div className={styles['line']}>
        <h1 className={styles['name']}>{name}</h1>
        {mark}
      </div>
      <dl className={styles['facts']}>
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
