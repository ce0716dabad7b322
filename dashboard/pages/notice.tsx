import { AlertTriangle, RotateCw } from 'lucide-react';
import styles from './notice.module.css';

/** What is shown in place of something that could not be loaded. */
export function Failed({
  what,
  error,
  onRetry,
}: {
  readonly what: string;
  readonly error: Error;
  readonly onRetry: () => void;
}) {
  return (
    <div className={styles['failed']} role="alert">
      <AlertTriangle size={20} aria-hidden />
      <p className={styles['title']}>{what} could not be loaded</p>
      <p>{error.message}</p>
      <button type="button" onClick={onRetry}>
        <RotateCw size={14} aria-hidden /> Try again
      </button>
    </div>
  );
}
